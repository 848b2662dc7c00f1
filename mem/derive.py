"""What one plain sentence implies: its type, a name, and the surfaces that should find it.

Deterministic, by a few tables of cues: the same sentence always gives the same answer, so that what `mem
remember` prints can be relied on and corrected. A wrong surface is noise in somebody's prompt, so what is no
sure sign is left out. Loaded when something is remembered, by no command that only reads.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise

from mem import text
from mem.record import NamedTuple

DERIVED_FROM = 2_000
"""Characters at the beginning of a text that are looked at: a hostile text must not cost quadratic time."""
MAX_DERIVED = 12
"""Aliases derived from one text."""
TITLE = 3
"""Words of a name; an identifier of several parts counts as one."""

# Characters of Chinese that are function words, and hiragana, which spells those of Japanese.
_PARTICLES = text.shape("[\u3040-\u309f的了是在我们你他她它这那和与就都也很把被]")
_APART = text.shape("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")


@cache
def _classes() -> dict[str, frozenset[str]]:
    """Words by class; mem/model/cues.txt says what the classes are."""
    with open(os.path.join(os.path.dirname(__file__), "model", "cues.txt"), encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    return {
        name: frozenset(words.split()) for name, words in re.findall(r"^(\w+):\n((?:  .*\n)+)", "".join(lines), re.M)
    }


_FAINT = ("verb", "person", "faint")


def _is(form: str, *classes: str) -> bool:
    return any(form in _classes()[name] for name in classes)


class Token(NamedTuple):
    """A word or identifier of a sentence."""

    written: str
    """Without an English possessive."""
    forms: tuple[str, ...]
    """Folded; several for an identifier."""
    start: int
    end: int
    gap: str
    """What stands between it and the one before."""

    @property
    def capital(self) -> bool:
        """True if it begins with a capital."""
        return self.written[:1].isupper()


_END = Token("", ("",), 0, 0, ".")


@lru_cache(maxsize=16)
def _tokens(content: str) -> list[Token]:
    """The words of a normalised text; identifiers whole, scripts without spaces in runs without particles."""
    found: list[Token] = []
    forms: list[str] = []
    start = previous = 0
    for word in text.words(content):
        if word.opens:
            forms, start = [], word.start
        forms.append(word.form.removesuffix("'s").strip("'"))
        if not word.closes or not forms[0]:
            continue
        if _PARTICLES.fullmatch(forms[0]):
            previous = word.end
            continue
        gap, previous = content[previous:start], word.end
        last = found[-1] if found else None
        if last and last.end == start and _APART.match(forms[0]) and _APART.match(last.forms[0]):
            found[-1] = last._replace(forms=(last.forms[0] + forms[0],), end=word.end)
        else:
            written = content[start : word.end].removesuffix("'s").removesuffix("'S")
            found.append(Token(written, tuple(forms), start, word.end, gap))
    return found


@lru_cache(maxsize=16)
def _language(content: str) -> str:
    """The language whose function words a text has most of; `en` unless another one has more."""
    forms = [token.forms[0] for token in _tokens(content)]
    known = {"en": text.FUNCTION_WORDS} | {name: words for name, words in _classes().items() if len(name) == 2}
    return max(known, key=lambda language: sum(form in known[language] for form in forms))


# -- type -------------------------------------------------------------------------------------------

_LABEL = text.shape(
    r"^\s*[\[(]?(preference|decision|fact|entity|relation|procedure|event|question|how-?to)(?:[\])]:?|:)\s*", re.I
)
_STEP = r"""(?:run|open|click|press|hold|type|call|start|stop|restart|install|add|create|set|export|edit|copy|use|first|
    make|push|pull|check|ssh|select|delete|remove|rebuild|execute|put|turn|ask|send|drain|go\sto|log\sin)\b"""
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*"
_DATE = rf"""\b(?: on\s(?: \w+day\b(?!s) | \d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?{_MONTH} | {_MONTH}\s\d )
    | in\s(?:{_MONTH}\s)?(?:19|20)\d\d | in\s{_MONTH}\b | (?:19|20)\d\d-\d\d-\d\d
    | \w+\sago\b | this\smorning | yesterday | last\s\w )"""
_PAST = r"""(?<!\bis\s)(?<!\bare\s)(?<!\bbe\s)(?<!\bget\s)(?<!\bgets\s)\b(?!\w*(?:need|feed|speed|seed|indeed|ceed)\b)
    (?:[a-z]{3,}ed|was|were|(?:re)?wrote|lost|met|went|ran|broke|fell|sent|took|came|found|held|left|saw|bought|built|gave|got|won)\b"""
_SUBJECT = r"(?:(?:the|our|my)\s)?[\w.+#/&'`-]{1,60}(?:\s[\w.+#/&'`-]{1,60}){0,3}?"
# The first that fits counts; a sentence is read in lower case, without accents.
_TYPE_CUES = tuple(
    (type_, text.shape(pattern, re.VERBOSE))
    for type_, pattern in (
        ("question", r"""[?\u061f\uff1f]["')\s]*$ | ^open\squestion\b
            | ^(?:i'm\s|i\sam\s|i\s)?(?:not\ssure|unsure|unclear|undecided|wonder|wondering)\s(?:if|how|wh\w+)\b"""),
        ("decision", rf"""\b(?: decided | agreed\s(?:on|to|with|that) | chose | picked | (?:going|went)\swith
            | settled\son | opted\sfor | we(?:'ll|\swill|\sare\sgoing\sto)\suse | we\sno\slonger
            | (?<!\bwas\s)(?<!\bwere\s)(?<!\bbeen\s)(?:switch|mov|migrat)(?:ed|ing)\s(?:over\s)?(?:to|from|off)
            | (?:we|i)(?:\shave|'ve)?\s(?:chosen|replaced|dropped|adopted|ditched|stopped\s\w+ing)
            | {"|".join(_classes()["decision"])} )\b"""),
        ("procedure", rf"""^to\s(?!be\b)[^.?!]{{2,80}}?[,:]?\s(?:{_STEP}|`) | ^how\s(?:to|i)\b
            | ^(?:steps|instructions|recipe)(?:\s(?:to|for)\b|:) | ^[^:]{{0,80}}:?\s*1[.)]\s(?s:.{{1,400}}?)\s2[.)]\s
            | ^(?:{_STEP}|start\sby\b)[^.]{{1,200}}?\bthen\b"""),
        ("event", rf"""^\W*(?:yesterday\b | last\s(?:night|week|month|year|spring|summer|autumn|fall|winter|\w+day)\b
            | (?:19|20)\d\d-\d\d-\d\d\s?[:,\u2013-])
            | ^(?!.*\b(?:will|must|should|every|always|never)\b)(?=.*{_DATE}).*{_PAST}"""),
        ("preference", rf"""\b(?:prefers|favou?rite|(?:i'd|would)\srather)\b
            | (?:^|[.!,;:]\s|\b(?:i|we|you|they|who|should|must|please|and|but|we'll|i'll)\s)
              (?:really\s|usually\s|strongly\s|almost\s)? (?:prefer|always|never|avoid|please)\b
            | (?:^|[.!]\s)(?:do\snot|don't|no\smore|instead\sof|make\ssure)\s
            | ^(?:use|keep|write|answer|reply|respond|explain|show|ask|stick\sto|be)\s(?!.*\bto\s\w)
            | \buse\s.*\b(?:instead\sof|rather\sthan)\b
            | \bi(?:\sreally|\sdo|\sjust)?(?:\sdon't|\sdo\snot)?\s(?:like|love|hate|dislike|enjoy|want|can't\sstand)\b
            | ^(?!it\b|this\b|that\b){_SUBJECT}\s(?:likes|loves|hates|dislikes)\s
            | ^(?:i|we)\s.*\b(?:instead\sof|rather\sthan|no\slonger)\b
            | \b(?:{"|".join(_classes()["preference"])})\b"""),
        ("relation", rf"""^(?!(?:i|we|you|it|this|that|there|he|she|they)\b){_SUBJECT}\s(?:also\s|now\s)?
            (?:depends?\son|owns|calls|reports\sto|belongs\sto|replaces|maintains|talks\sto|manages|is\spart\sof
            | (?:is|are)\s(?:owned|maintained|managed|called)\sby|consumes|publishes\sto|subscribes\sto|reads\sfrom
            | writes\sto|works\sfor|is\smarried\sto)\s(?!(?:me|it|you|him|her|us|them|every|when)\b)"""),
    )
)  # fmt: skip
_ROLE = r"\w*(?:er|or|ist|ian|ant|lead|head|boss|founder|cto|ceo|cfo|owner|contact|partner|wife|vet|dad|mom|mum|nurse)"
_ENTITY = text.shape(
    r"`?([^`\n?!,:;]{1,40}?)`? is (?:(?:an?|our|my) (?!(?:bit|lot|good|bad|great|big|huge|pain|mess|must|better|no)\b)"
    rf"|the (?=(?:[\w-]{{1,30}} ){{0,2}}{_ROLE}\b))\w",
    re.I,
)


def type_of(content: str) -> str:
    """The type that a sentence shows by a label or its cues; `fact` when it shows none."""
    content = text.normalise(content[:DERIVED_FROM]).strip()
    label = _LABEL.match(content)
    if label:
        return "procedure" if label[1].lower().startswith("how") else label[1].lower()
    low = text.fold(content)
    for type_, cue in _TYPE_CUES:
        if cue.search(low):
            return type_
    entity = _ENTITY.match(content)
    surfaces = aliases_of(content) if entity else ()
    return "entity" if entity and any(entity[1].endswith(surface) for surface in surfaces) else "fact"


# -- name -------------------------------------------------------------------------------------------

_ADDRESS = text.shape(
    r"\b[a-z][a-z0-9+.-]{1,20}://\S+|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}|(?<![\w/])(?:~|\.{1,2})?/\S+"
    r"|(?<![\w/.-])[\w.-]{1,60}(?:/[\w.-]{1,60}){2,}|(?<![\w/.-])[\w-]{1,60}/[\w-]{1,60}\.\w{1,5}\b",
    re.I,
)


def name_of(content: str) -> str:
    """A short snake_case name: the most informative words of the first clause, in their order."""
    content = _LABEL.sub("", text.normalise(content[:DERIVED_FROM]))
    title, spare = _title(content)
    if not title or (len(title) == 1 and any(text.spread(form) for form in title[0].forms)):
        title += sorted(spare, key=lambda token: _is(token.forms[0], *_FAINT))[: 2 - len(title)]
    chosen: list[Token] = []
    title = title or _tokens(content)[:TITLE]
    for token in sorted(title, key=lambda token: -_weight(token, title)):
        if len(chosen) < TITLE and sum(len(one.forms) for one in [*chosen, token]) <= max(4, len(token.forms)):
            chosen.append(token)
    chosen.sort(key=lambda token: token.start)
    return "_".join("_".join(token.forms) for token in chosen)[:60].strip("_") or "untitled"


def _title(content: str) -> tuple[list[Token], list[Token]]:
    """The words of the first clause that a name may hold, and those that it holds rather than being one word."""
    beside = {at for span in _ADDRESS.finditer(content) for at in range(*span.span())}
    beside |= {token.start for phrase in _counters(content) for token in phrase}
    empty = text.FUNCTION_WORDS | _classes()["cue"] | _classes().get(_language(content), frozenset())
    title: list[Token] = []
    spare: list[Token] = []
    for token in _tokens(content):
        form = token.forms[0]
        if len(title) > 1 and (token.gap.strip(" \r\n\t'\"`*_-/\u201c\u201d") or _is(form, "subordinate")):
            break
        if (
            _NO_NAME.fullmatch(token.written)
            or _KEY.search(token.written)
            or (len(token.forms) == 1 and (form in empty or _says_how(form)))
        ):
            continue
        if token.start in beside:
            spare += [token._replace(forms=(form,))] if not _is(form, "address") else []
        elif not {*token.forms} <= {form for one in title for form in one.forms}:
            (spare if _is(form, *_FAINT) else title).append(token)
    return title, spare


def _says_how(form: str) -> bool:
    """True for adverbs, and what tells the type in another language."""
    stem = form.removesuffix("ly")
    adverb = stem != form and text.frequency(stem) > 0 and stem not in ("night", "week", "month", "year", "hour")
    return adverb or _is(form, "preference", "decision")


def _weight(token: Token, title: Sequence[Token]) -> float:
    """How much a word tells: its rarity, and more for the first ones, which are what the sentence is about."""
    if _is(token.forms[0], "calendar"):
        return 0.0
    rarity = min(math.log(30_000 / (1 + text.frequency(form))) for form in token.forms)
    coined = 4 if re.search(r"[a-z][A-Z]|[A-Z]{2}|\w[_\d]", token.written) else 0
    return rarity + coined + max(0, 6 - 3 * title.index(token))


# -- aliases ----------------------------------------------------------------------------------------

_SPAN = text.shape(
    r"(?:(?<!\w)[\"'`\u201c\u201e\u00ab]|\u300c)([^\"`\u201c\u201d\u00bb\u300d\n]{1,40}?)[\"'`\u201c\u201d\u00bb\u300d](?!\w)"
)
_NO_PART = text.shape(r"\b(?:(?:Dr|Mr|Mrs|Ms|Prof)\b\.?(?= [A-Z])|(?:[Cc]lick|[Pp]ress|[Tt]ap|[Hh]it) [A-Z]\w+)")
"""Capitals that belong to no name: titles of people, and what stands on a button."""
_KEY = text.shape(r"(?=[a-zA-Z_-]*\d)[\w-]{20}|(?=[a-zA-Z]*\d)\w{16}")
"""What looks like a key or a hash: nobody calls a thing so, and a file should not be called by it."""
_NO_NAME = text.shape(r"[vqp]\d[\d.]*|(?:\w\.)+\w?|\d.*", re.I)
_ENDING = text.shape(r"\w+(?:ing|tion|sion|ment|ness|ity|ance|ence|ship|ism|age|ware|ed|ive|able)")
RARE = 10
"""`text.spread` below which a part makes a dashed word an identifier: `billing` has 5, `server` 14, `side` 2,707."""
SELDOM = 50
"""`text.frequency` below which a bare word before a verb is a name: `ottawa` has 40, `tenant` 106, `cache` 777."""


def aliases_of(content: str) -> tuple[str, ...]:
    """Surface forms in a sentence that should find it: code, quotes, identifiers, names, what it rules out."""
    content = text.normalise(content[:DERIVED_FROM])
    prose = _NO_PART.sub(_blank, _ADDRESS.sub(_blank, _SPAN.sub(_blank, content)))
    found = [
        (span, text.ORDINARY)
        for span in _SPAN.findall(content)
        if len(span.split()) <= 4 and not _ADDRESS.fullmatch(span)
    ]
    found += [(name, text.ORDINARY) for name in _names(prose)]
    for phrase in _counters(prose):  # of an old Jenkins server, the `Jenkins`
        names = [token for token in phrase if token.capital]
        found.append((" ".join(token.written for token in names or phrase), text.EVERYDAY))
    kept: dict[str, str] = {}
    for surface, ordinary in found:
        surface = " ".join(surface.split())
        if text.phrases(surface) and not _is_common(surface, ordinary):
            kept.setdefault(text.fold(surface), surface)
    return tuple(kept.values())[:MAX_DERIVED]


def _blank(found: re.Match[str]) -> str:
    return "," * len(found[0])


def _is_common(surface: str, ordinary: int) -> bool:
    """True for one word that most prompts may hold, whatever they are about."""
    form = text.fold(surface)
    plain = re.fullmatch(r"[\w']+", form) is not None
    if form in text.FUNCTION_WORDS or _is(form, "generic") or _is(form.removesuffix("s"), "calendar"):
        return True
    return plain and (text.spread(form) >= ordinary or form.isdigit() or len(form) < 2)


def _names(prose: str) -> Iterator[str]:
    """Identifiers, and capitalised neighbours; one that opens a sentence if it reads like a name."""
    tokens = _tokens(prose)
    capitals = [token.capital for token in tokens if token.forms[0] not in text.FUNCTION_WORDS]
    telling = _language(prose) != "de" and sum(capitals) <= max(4, 0.8 * len(capitals))
    shouted = prose.isupper()
    run: list[Token] = []
    for token, follower in pairwise([*tokens, _END, _END]):
        form = token.forms[0]
        plain = form in text.FUNCTION_WORDS or _is(form, "calendar") or _NO_NAME.fullmatch(token.written)
        named = token.capital and not plain
        if run and (token.gap.strip() or not named):
            yield from _named(run, token)
            run = []
        if telling and named and not shouted:
            run.append(token)
        elif not shouted and _is_identifier(token, follower):
            yield _singular(token.written)


def _singular(written: str) -> str:
    return re.sub(r"(?<=[A-Z]{2})s$", "", written)


def _named(run: Sequence[Token], follower: Token) -> Iterator[str]:
    """The name that a run of capitalised words is, without what opens the sentence and is none."""
    opens = not run[0].start or run[0].gap.strip(" ,'*_") or "\n" in run[0].gap
    if opens and not _is_identifier(run[0], follower) and not _reads_like_a_name(run, follower):
        run = run[1:]
    if run:
        yield _singular(" ".join(token.written for token in run))


def _reads_like_a_name(run: Sequence[Token], follower: Token) -> bool:
    """True for a word that opens a sentence bare, with the verb of one thing or person after it."""
    form, verb = run[0].forms[0], follower.forms[0]
    if _is(form, "cue", "generic") or text.spread(form) >= text.ORDINARY or follower.gap.strip():
        return False
    known = text.frequency(form) > 0
    if len(run) > 1:
        return not known or _is(verb, "verb", "person")
    if run[0].end - run[0].start > len(run[0].written):  # `Emma's birthday`
        return True
    plural = form.endswith("s") and text.frequency(form[:-1]) > 0
    if plural or (known and _ENDING.fullmatch(form)):
        return False
    return _is(verb, "person") or (_is(verb, "verb") and (text.spread(form) == 0 or text.frequency(form) < SELDOM))


def _is_identifier(token: Token, follower: Token) -> bool:
    """CamelCase, an ACRONYM, or a word with dots, dashes, underscores, digits or signs inside."""
    written = token.written
    if _NO_NAME.fullmatch(written) or _KEY.search(written) or not written[:1].isascii():
        return False
    if re.fullmatch(r"[A-Z][A-Z0-9&]{1,7}s?", written):
        return not _is_common(written, text.ORDINARY)
    if re.search(r"[a-z][A-Z]|[A-Z]{2}[a-z]|[A-Za-z]\w*[._]\w|\d|^\w[+#]+$|^\.\w", written):
        return True
    if "-" not in written or _is(token.forms[0], "prefix") or _ENDING.fullmatch(token.forms[-1]):
        return False
    form = follower.forms[0]
    stands = bool(follower.gap.strip()) or form in text.FUNCTION_WORDS or _is(form, "verb", "person")
    return stands and any(text.spread(part) < RARE for part in token.forms)


# -- what is ruled out ------------------------------------------------------------------------------

_SHIFT = r"(?:switch|mov|migrat)(?:e|ed|ing|es)?"
_COUNTER = text.shape(
    rf"""\b(?: (?:instead\sof|rather\sthan)\s(?:using\s)? | (?:no\slonger|stop(?:ped)?|quit)\sus(?:e|es|ing)\s
      | {_SHIFT}\s(?:over\s)?(?:away\s)?from\s | {_SHIFT}\sto\s[^.,;!?\n]{{1,40}}\sfrom\s
      | (?:replac(?:ed|e|ing)|got\srid\sof|ditched|abandoned|moved\soff)\s
      | (?:prefers?|preferred|chose|chosen|choose|picked?|favou?r|like|want)\s[^.;!?\n]{{1,60}}?\sover\s
      | prefers?\s(?:[\w-]{{1,40}}\s){{1,2}}to\s(?=[\w-]{{1,40}}[.,;!]|[\w-]{{1,40}}$)
      | (?:statt|anstatt|au\slieu\s(?:de\s|du\s|d')|en\s(?:lugar|vez)\sde|em\svez\sde|invece\sdi|in\splaats\svan|вместо)
        \s? )|,\snot\s""",
    re.VERBOSE | re.IGNORECASE,
)


def _counters(content: str) -> Iterator[list[Token]]:
    """What a sentence rules out, as phrases of up to three words: the Y of `X instead of Y`."""
    tokens = _tokens(content)
    for cue in _COUNTER.finditer(content):
        phrase: list[Token] = []
        for token in tokens:
            if token.start < cue.end() - 1 or (not phrase and _is(token.forms[0], "determiner")):
                continue
            if (phrase and token.gap.strip(" '\"`")) or len(phrase) == 3 or token.forms[0] in text.FUNCTION_WORDS:
                break
            phrase.append(token)
        verb = phrase and phrase[0].forms[0].endswith("ing") and not phrase[0].capital
        if phrase and not verb and not _is(phrase[0].forms[0], "cue"):
            yield phrase
