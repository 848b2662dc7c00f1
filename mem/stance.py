"""What a sentence affirms and what it rejects, so that two that contradict each other do not both stand.

`I use tabs` and `I no longer use tabs` cannot both hold; `I use tabs in Makefiles` and `Maya hates tabs` can.
Only plain statements count: who, a verb of use or liking, the thing, and under what circumstances. What is
hedged, or put in another way, takes no stance. Loaded when something is remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from mem import text
from mem.derive import DERIVED_FROM
from mem.record import NamedTuple


class Claim(NamedTuple):
    """One thing that a sentence affirms or rejects; equal claims are about the same."""

    subject: str
    """Stems; empty for the person who writes, and what they work with."""
    verb: str
    """`use`, `prefer`, `like`, `is`, or `do` for a habit (`always`, `never`)."""
    thing: str
    """Stems."""
    where: str
    """The circumstances, as sorted stems; empty for everywhere."""


class Stances(NamedTuple):
    """What a sentence affirms and rejects, each claim with the words for it."""

    affirmed: dict[Claim, str]
    rejected: dict[Claim, str]


_NOT = r"(?:no longer|never|not|(?:do|does|did|will|should|must|can)(?: not|n't)|won't|cannot|can't|don't|doesn't)"
_SHIFT = r"(?:switch|mov|migrat)(?:ed|ing|e)(?: over)?"
# (what is said, what it affirms, what it rejects); the first that stands in a clause counts.
_VERBS = tuple(
    (text.shape(rf"(?:^|(?<=\s))(?:{pattern})\s(?=\S)"), affirmed.split(), rejected.split())
    for pattern, affirmed, rejected in (
        (rf"{_NOT} (?:ever )?(?:to )?(?:use|uses|using)|avoids?(?: using)?|stop(?:ped)? using|quit using", "", "use"),
        (rf"{_SHIFT} (?:away )?off|{_SHIFT} away from|ditched|abandoned|got rid of", "", "use"),
        (rf"{_SHIFT} from|replac(?:ed|ing)", "", "use"),
        (rf"{_NOT} prefers?", "", "prefer"),
        (rf"{_NOT} (?:really )?(?:like|likes|love|loves|enjoy|enjoys)|hates?|dislikes?|can't stand", "", "like prefer"),
        ("prefers?|favou?rs?", "prefer use", ""),
        ("likes?|loves?|enjoys?", "like", ""),
        (
            rf"uses?|using|chose|picked|went with|going with|settled on|adopted|decided (?:on|for)|{_SHIFT} to",
            "use",
            "",
        ),
    )
)
_HABIT = text.shape(r"(?:^|(?<=\s))(always|never|do not|don't|no longer)\s(.+)")
_FILLERS = frozenset("the a an our my anymore now currently still really just usually generally".split())
_BEING = text.shape(r"(?:the |our |my )?(\S.{0,80}?) (?:is|are)(n't)? (no longer |not )?(.+)")
_COUNTER = text.shape(r"\s(?:instead of|rather than|over)(?: using)?\s")
_CLAUSE = text.shape(r"[.!?;:]\s|\n|,\s(?:and\s|but\s|so\s)?|\s(?:and|but)\s(?=(?:i|we|prefers?|uses?|now)\b)")
_REASON = text.shape(r"\s(?:because|since|so|due|thanks|until|to save|to avoid)\b.*")
_HEDGES = frozenset(
    """might may could would if unless consider considering considered try tried trying used thinking maybe perhaps
    not never nobody who which when where until how why to before after what""".split()
)
# What a stance is the same without: who says it how firmly, and when it began.
_IGNORED = frozenset(
    """please always only just really usually generally strongly still now currently anymore nowadays decided agreed
    going ll ve re am want need plan last next this week month year spring summer autumn fall winter today yesterday
    again officially finally exclusively recently longer everyone team monday tuesday wednesday thursday
    friday january february march april june july august september october november december instead entirely
    completely altogether""".split()
)


@lru_cache(maxsize=256)
def stances(content: str) -> Stances:
    """What a text affirms and rejects, clause by clause."""
    found = Stances({}, {})
    low = re.sub(r",\s*(?:and\s)?not\s", " instead of ", text.fold(text.normalise(content[:DERIVED_FROM])))
    asserted = " \n".join(sentence for sentence in re.split(r"(?<=[.!?])\s", low) if not sentence.endswith("?"))
    for clause in _CLAUSE.split(asserted):
        clause = _REASON.sub("", clause.strip(" .!?\"'"))
        for claim, words, rejects in (*_used(clause), *_habits(clause), *_being(clause)):
            (found.rejected if rejects else found.affirmed).setdefault(claim, words)
    return found


def things(content: str) -> set[tuple[str, ...]]:
    """What the claims of a text are about, as terms that a text with a contrary claim holds all of."""
    claims = {*stances(content).affirmed, *stances(content).rejected}
    found = {tuple(word for word in claim.thing.split() if word not in text.FUNCTION_WORDS) for claim in claims}
    return found - {()}


def disagreement(later: str, earlier: str) -> str | None:
    """What one text affirms and the other rejects, in the words of the later one, or None.

    Who rejects a thing everywhere takes back what was said of it anywhere; who affirms it somewhere, after
    it was rejected, makes an exception.
    """
    now, before = stances(later), stances(earlier)
    affirmed = {*before.affirmed, *(claim._replace(where="") for claim in before.affirmed)}
    for claims, against in ((now.affirmed, {*before.rejected}), (now.rejected, affirmed)):
        for claim, words in claims.items():
            if claim in against:
                return words
    return None


def _verb(clause: str) -> tuple[re.Match[str] | None, list[str], list[str]]:
    """The verb of a clause that takes a stance, with what it affirms and what it rejects."""
    for cue, affirms, rejects in _VERBS:
        found = cue.search(clause)
        if found:
            return found, affirms, rejects
    return None, [], []


def _used(clause: str) -> Iterator[tuple[Claim, str, bool]]:
    """Claims of a clause that says what is used, preferred or liked."""
    verb, affirms, rejects = _verb(clause)
    speaker = _speaker(clause[: verb.start()]) if verb else None
    if verb is None or speaker is None:
        return
    rest, swapped = clause[verb.end() :], re.fullmatch(r"(.+?) (?:to|with|by) (.+)", clause[verb.end() :])
    if rejects == ["use"] and swapped and re.match(rf"{_SHIFT} from|replac", verb[0]):
        yield from _claims(speaker, ["use"], [], swapped[2])
        rest = swapped[1]
    elif "prefer" in affirms:
        rest = re.sub(r"^(\S+(?: \S+)?) to (?=\S+$)", r"\1 over ", rest)
    elif re.match(rf"{_SHIFT} to", verb[0]):
        rest = rest.replace(" from ", " instead of ", 1)
    yield from _claims(speaker, affirms, rejects, rest)


def _claims(
    speaker: tuple[str, str], affirms: Sequence[str], rejects: Sequence[str], rest: str
) -> Iterator[tuple[Claim, str, bool]]:
    """Claims about the thing that a rest of a clause begins with, and the one it is set against."""
    kept, *against = _COUNTER.split(rest, maxsplit=1)
    (thing, words, where), opposed = _thing(kept), _thing(against[0] if against else "")
    place = " ".join(sorted({*speaker[1].split(), *where, *opposed[2]}))
    for verb in [*affirms, *rejects]:
        if thing:
            yield Claim(speaker[0], verb, thing, place), words, verb in rejects
    for verb in affirms[:1]:  # to prefer something is not to give up the other
        if opposed[0]:
            yield Claim(speaker[0], verb, opposed[0], place), opposed[1], True


def _thing(phrase: str) -> tuple[str, str, list[str]]:
    """The thing at the beginning of a phrase as (stems, words), and the stems of its circumstances."""
    found = [word for word in text.words(phrase) if word.form not in _IGNORED]
    while found and found[0].form in ("the", "a", "an", "our", "my", "all", "any"):
        found.pop(0)
    end = next((at for at, word in enumerate(found) if word.form in text.FUNCTION_WORDS), len(found))
    if not 0 < end <= 4:
        return "", "", []
    return _stems(found[:end]), phrase[found[0].start : found[end - 1].end], _stems(found[end:]).split()


def _stems(words: Sequence[text.Word]) -> str:
    kept = [word.form for word in words if word.form not in text.FUNCTION_WORDS and word.form not in _IGNORED]
    return " ".join(text.stem(form.removesuffix("'s")) for form in kept)


def _speaker(before: str) -> tuple[str, str] | None:
    """Whom the words before a verb speak of, and under what circumstances; None if they are hedged."""
    words = text.words(re.sub(r"\b(?:decided|agreed|going|want|plan|need) to\b", "", before))
    forms = [word.form for word in words]
    if _HEDGES.intersection(forms):
        return None
    pronoun = next((at for at, form in enumerate(forms) if re.fullmatch(r"(?:i|we)(?:'\w+)?", form)), None)
    if pronoun is not None or (forms and forms[0] in ("in", "for", "on", "at", "with", "as")):
        return "", _stems(words[:pronoun])
    return _stems(words), ""


def _habits(clause: str) -> Iterator[tuple[Claim, str, bool]]:
    """The claim of a clause that says what somebody does, always, or no longer: the whole of it."""
    habit = _HABIT.search(clause) or re.fullmatch(r"(i|we) (.+)", clause)
    speaker = _speaker(clause[: habit.start()]) if habit else None
    if habit and speaker is not None:
        deed = [word.form for word in text.words(habit[2]) if word.form not in _FILLERS]
        claim = Claim(speaker[0], "do", " ".join(text.stem(form) for form in deed), speaker[1])
        yield claim, habit[2], habit[1] not in ("always", "i", "we")


def _being(clause: str) -> Iterator[tuple[Claim, str, bool]]:
    """The claims of a clause that says what something is."""
    being = _BEING.fullmatch(clause)
    subject = _stems(text.words(being[1])) if being and not _HEDGES.intersection(being[1].split()) else ""
    if not being or not subject:
        return
    denied = bool(being[2] or being[3])
    kept, *against = _COUNTER.split(being[4], maxsplit=1)
    for said, rejects in [(kept, denied)] + [(one, True) for one in against]:
        stems = _stems(text.words(said))
        if stems:
            yield Claim(subject, "is", stems, ""), said, rejects
    if not denied and (being[4].startswith("our ") or clause.startswith("our ")):
        theirs = kept if clause.startswith("our ") else being[1]
        yield Claim("", "use", _stems(text.words(theirs)), ""), theirs, False
