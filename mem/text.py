"""Words: how text is split, folded and stemmed, and how it is made safe to store and to show.

Two readings of a text share one scanner. `words` keeps order and edges, for naming: a phrase may not
begin or end inside an identifier. `terms` is a bag of canonical forms, for scoring.
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib import import_module
from itertools import chain, repeat

from mem.record import Any, NamedTuple

# The closed classes of English (articles, pronouns, prepositions, auxiliaries, conjunctions, question
# words) among the 330 commonest words of the training corpus (dialogue, definitions, prose: the mean of
# the three relative frequencies, n = 40.2 million words), with their rarer forms. They carry no topic.
FUNCTION_WORDS = frozenset(
    """a an the this that these those such some any no not none all both each every either neither i me my
    mine myself you your yours yourself he him his himself she her hers herself it its itself we us our
    ours ourselves they them their theirs themselves who whom whose which what when where why how there
    here then than so as if of to in on at by for from with without about into onto out up down off over
    under between through during before after above below against among within upon per via and or but
    nor yet because while until since although though unless whether is are was were be been being am
    isn't aren't wasn't weren't do does did doing done don't doesn't didn't have has had having haven't
    hasn't hadn't will would shall should can could may might must won't wouldn't shouldn't can't cannot
    couldn't i'm you're he's she's it's we're they're i've you've we've they've i'd you'd he'd she'd
    we'd they'd i'll you'll he'll she'll we'll they'll that's there's here's what's who's where's how's
    when's let's just very too also only even ever still again once really quite much many more most
    other another own same however""".split()
)

MAX_TEXT = 65_536
"""Characters in one text of a belief; ten times what fits the default injection budget."""

# Scripts written without spaces: every character is a word of its own when naming, and pairs of
# neighbours are the terms when scoring.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0002fa1f"
# Combining marks that spell words in scripts where `\w` leaves them out (Hebrew, Arabic, Indic, Thai).
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0dff\u0e31-\u0e4e"
_JOINERS = r"._\-/:@&+#"
# An apostrophe joins what English contracts (`don't`, `Dana's`) and parts what other languages elide (`l'eau`).
_ELISION = r"'(?!(?:s|t|re|ve|ll|d|m)\b)"


class _Scanner(NamedTuple):
    chunk: re.Pattern[str]
    """A word or identifier with the signs that belong to it: `node.js`, `.env`, `C++`, `what's`."""
    piece: re.Pattern[str]
    """A part of a chunk that is a word of its own."""


@cache
def _scanner(ascii_only: bool) -> _Scanner:
    """The expressions for plain ASCII, or for all scripts: these take 3 ms to compile and are rarely needed."""
    marks, apart = ("", "") if ascii_only else (_MARKS, _CJK)
    flags = re.ASCII if ascii_only else 0
    chunk = rf"(?:(?<![\w.])\.)?[^\W_](?:[\w{marks}]|[.\-/@:&'+#](?=\w)|[+#](?![^\W_]))*"
    letters = rf"(?:(?!{_ELISION})[^{apart}{_JOINERS}])+"
    piece = rf"[{apart}]|{letters}" if apart else letters
    return _Scanner(re.compile(chunk, flags), re.compile(piece, flags | re.IGNORECASE))


_GLUE = " \t\r\n*_`~\"'\u201c\u201d\u2018\u2019\u00ab\u00bb"
"""What may stand between two words of one phrase: blanks and the marks of emphasis or quotation."""


class Word(NamedTuple):
    """One word of a text, where it stands, and whether a phrase may begin or end at it."""

    form: str
    """Folded."""
    start: int
    end: int
    """Positions in the normalised text (`normalise`)."""
    opens: bool
    closes: bool
    """False inside an identifier: `node` in `node.js` neither ends a phrase nor is one."""
    segment: int
    """Counts up at sentence punctuation and blank lines, which end a phrase."""


def normalise(text: str) -> str:
    """The text in one Unicode form (NFKC), with straight apostrophes."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text).replace("\u2019", "'")


def fold(text: str) -> str:
    """The text without case and accents, so that `Café` is `cafe`; other scripts keep their marks."""
    if text.isascii():
        return text.lower()
    kept, latin = [], False
    for character in unicodedata.normalize("NFD", normalise(text).casefold()):
        mark = "\u0300" <= character <= "\u036f"
        if not mark:
            latin = character < "\u0370"
        if not (mark and latin):
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def words(text: str) -> list[Word]:
    """The words of a normalised text, in order."""
    found: list[Word] = []
    segment, previous = 0, 0
    scanner = _scanner(text.isascii())
    for chunk in scanner.chunk.finditer(text):
        gap = text[previous : chunk.start()]
        if gap.strip(_GLUE) or _has_blank_line(gap):
            segment += 1
        previous, written = chunk.end(), chunk[0]
        if written.isalnum() and written.isascii():
            found.append(Word(written.lower(), chunk.start(), previous, True, True, segment))
        else:
            found.extend(_pieces(scanner, written, chunk.start(), segment))
    return found


def _has_blank_line(gap: str) -> bool:
    return "\n" in gap and gap.replace("\r", "").replace(" ", "").replace("\t", "").count("\n") > 1


_EDGES = ("", "/", "'")
"""Between the letters of a script without spaces, between alternatives, at an elision: no identifier goes on."""


_SIGNS = frozenset("&/")


def _is_short(chunk: str) -> bool:
    return all(len(piece) <= 3 for piece in re.split("[&/]", chunk))


def _pieces(scanner: _Scanner, chunk: str, start: int, segment: int, *, apart: bool = False) -> Iterator[Word]:
    if chunk.isalnum() and chunk.isascii():
        yield Word(chunk.lower(), start, start + len(chunk), True, True, segment)
        return
    if chunk[0] == "." or chunk[-1] in "+#" or (not apart and _SIGNS.intersection(chunk) and _is_short(chunk)):
        # `.env`, `C++`, `F#`, `R&D`, `24/7`: the sign is part of the word
        yield Word(fold(chunk), start, start + len(chunk), True, True, segment)
        return
    found = list(scanner.piece.finditer(chunk))
    for at, piece in enumerate(found):
        before = chunk[found[at - 1].end() : piece.start()] if at else "/"
        after = chunk[piece.end() : found[at + 1].start()] if at + 1 < len(found) else "/"
        yield Word(
            fold(piece[0]),
            start + piece.start(),
            start + piece.end(),
            before in _EDGES,
            after in _EDGES,
            segment,
        )


# -- what a prompt says in its own words ------------------------------------------------------------

# Lines that a program wrote: stack traces, logs, compilers, diffs, tests, code. One expression, compiled
# when a prompt first needs it.
_PROGRAM_LINE = r"""\s*(?:
    at\s(?:[\w.$<>/]+\(.*|\S+\.\w{1,5}:\d.*) | File\s"[^"]*",\sline\s\d+.* | Traceback\s\(.* | Caused\sby:.*
  | goroutine\s\d+.* | panic:.* | thread\s'[^']*'\spanicked.* | Exception\sin\sthread.* | Unhandled\sexception.*
  | (?:\w+\s)?(?:Fatal\serror|Parse\serror|Segmentation\sfault)\b.* | \#\d+\s\S+.*[(:].*
  | (?:\w+\.)*\w*(?:Error|Exception):\s.* | (?:\w+\.)+\w*(?:Error|Exception)
  | \S+\.\w{1,5}:\d+(?::\d+)?(?:[:\s].*)?
  | \[?\d{4}[-/]\d\d[-/]\d\d[T\s]\d\d:\d\d.* | \[?\d\d:\d\d:\d\d\b.* | [A-Z][a-z]{2}\s+\d{1,2}\s\d\d:\d\d:\d\d.*
  | \[\s*\d+\.\d+\]\s.* | \[[A-Z][a-z]{2}\s[A-Z][a-z]{2}\s\d.* | [\w.-]+\s{2,}\|\s.*
  | \[?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b(?:\]|:|\s+[\[(\d]).* | [IWEF]\d{4}\s\d\d:.*
  | (?:level|lvl|severity)=\w+.* | time=["\d].*
  | index\s[0-9a-f]+\.\..* | (?:---|\+\+\+)\s\S+.*
  | (?:PASS|FAIL|PASSED|FAILED|SKIPPED)[:\s].* | (?:not\s)?ok\s\d+\s-\s.* | ok\s+\S+/\S+\s.* | \S+::\S+.*
  | [=_]{3,}.*[=_]{3,} | [E>]\s{3,}.* | [\u2713\u2714\u2717\u2718\u25cf]\s.*
  | \$\s\S.* | >>>\s.*
  | .*[()\[\]{}=<>"'].*; | .*[{}] | [}\])]+[,;]? | "[^"]+"\s*:\s.* | (?:if|for|while|switch|catch)\s?\(.*
  | from\s[\w.]+\simport\b.* | import\s(?:[a-z_][\w.]*(?:\sas\s\w+)?|.*['"{*].*)
  | (?:const|let|var)\s[\w$\[{]+[^=]{0,40}=.* | (?:def|func|fn|function)\s[\w.$]+\s?[(<].* | class\s\w+\s?[({:<].*
  | return\s[\w.$]+[(\[.].* | export\s(?:default|const|function|class)\s.* | (?:export\s)?[A-Z_]{3,}=\S+
  | [\w.\[\]"']+\s(?:[:+*/-]?=|=>)\s[^\s?]+(?:\s[-+*/%|&]+\s\S+)*;?
)\s*"""

# Inside a sentence: addresses, paths, hashes and tags.
_PROGRAM_SPAN = r"""
    \b[a-z][a-z0-9+.-]{1,20}://\S+ | \bwww\.\S+ | (?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+(?::\S*)?
  | (?<![\w.-])[a-z0-9-]{1,64}(?:\.[a-z0-9-]{1,64})+/[a-z0-9]\S*
  | "[A-Za-z]:\\[^"\n]*" | \b[A-Za-z]:\\\S* | \\\\\S+ | (?<![\w.-])[\w.-]{1,80}(?:\\[\w.-]{1,80})+
  | (?<![\w/<])(?:~|\.{1,2})?/[^\s,;:)'"`]+ | (?<![\w.@-])[\w.@-]{1,80}(?:/[\w.@-]{1,80}){2,}/?
  | (?<![\w.@-])[\w.@-]{1,80}/[\w@-]{1,80}(?:\.[\w@-]{1,80})*\.[a-z][a-z0-9]{0,4}\b
  | \b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b | \b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}\b
"""
# A tag may go over lines.
_TAG = r"</?[A-Za-z!][^<>]{0,2000}>"


class Prompt(NamedTuple):
    """What of a prompt may name a belief."""

    text: str
    """Normalised prose; then each piece of inline code in a paragraph of its own."""
    words: list[Word]
    """Words of the text. A piece of inline code names only as a whole."""


@cache
def read_prompt(prompt: str) -> Prompt:
    """The words a person wrote, without what they pasted: code, traces, logs, diffs, addresses, paths, markup."""
    prose, code = _prose(normalise(prompt))
    found = words(prose)
    for span in code:
        start, segment = len(prose) + 2, found[-1].segment + 1 if found else 0
        prose += f"\n\n{span}"
        parts = words(span)
        for at, word in enumerate(parts):
            found.append(Word(word.form, start + word.start, start + word.end, at == 0, at == len(parts) - 1, segment))
    return Prompt(prose, found)


def _prose(prompt: str) -> tuple[str, list[str]]:
    """The prose of a prompt, with breaks where something was taken out, and its inline code."""
    if "\n" in prompt or re.search(r"[:;{}=$>\d|]", prompt):
        prompt = "\n".join(_prose_lines(prompt.split("\n")))
    if "<" in prompt:
        prompt = re.sub(_TAG, " ; ", prompt)
    code: list[str] = []
    if "`" in prompt:
        code = [found[2].strip() for found in re.finditer(r"(`{1,3})([^`\n]+)\1", prompt)]
        prompt = re.sub(r"(`{1,3})([^`\n]+)\1", " ; ", prompt)
    if re.search(r"[/\\@\d]|www", prompt):
        prompt = re.sub(_PROGRAM_SPAN, " ; ", prompt, flags=re.VERBOSE)
    return prompt, code


def _prose_lines(lines: Sequence[str]) -> Iterator[str]:
    """The lines that a person wrote; an empty one for each that was pasted."""
    fence, diff, listed, indented, blank, follows = "", False, False, False, True, False
    for at, line in enumerate(lines):
        bare = line.strip()
        if fence or bare[:3] in ("```", "~~~"):
            fence = "" if fence and bare.startswith(fence) and not bare.strip(fence[0]) else fence or bare[:3]
            yield ""
            continue
        deep = line.startswith(("    ", "\t"))
        indented = deep and not listed and (blank or indented)
        diff = _opens_diff(bare) or (diff and _goes_on(line, lines[at + 1 : at + 2]))
        pasted = indented or diff or (follows and (deep or not blank)) or _is_program(line, bare)
        # The source line below a frame, the message below a panic.
        follows = bare.startswith('File "') or " panicked at " in bare
        if not deep and bare:
            listed = re.match(r"[-*+\u2022]\s|\d+[.)]\s", bare) is not None
        blank = not bare
        yield "" if pasted else line


def _is_program(line: str, bare: str) -> bool:
    probe = line if len(line) <= 500 else line[:400] + line[-100:]  # its ends tell what a line is
    return bool(bare) and re.fullmatch(_PROGRAM_LINE, probe, re.VERBOSE) is not None


def _opens_diff(bare: str) -> bool:
    return bare.startswith(("diff --git", "diff -", "@@ ")) or (
        bare[:1].isdigit() and re.fullmatch(r"\d+(?:,\d+)?[acd]\d+(?:,\d+)?", bare) is not None
    )


_DIFF_LINE = ("+", "-", " ", "<", ">", "\\", "@")


def _goes_on(line: str, following: Sequence[str]) -> bool:
    """True for a line of a diff; one that lost its first blank is one if the next line is."""
    return line.startswith(_DIFF_LINE) or any(after[:1] in ("+", "-") for after in following)


class _Shape:
    def __init__(self, pattern: str, flags: int) -> None:
        self._source = pattern, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(*self._source), name)
        setattr(self, name, found)
        return found


def shape(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """A regular expression that is compiled when it is first used: most commands use none of a module's."""
    return _Shape(pattern, flags)  # type: ignore[return-value]  # to the letter: it hands on what is asked of it


def split_camel(text: str) -> str:
    """`TypeScript` as `Type Script`; capitals in a row stay together."""
    if text.islower():
        return text
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})", " ", text)


def phrases(surface: str) -> list[tuple[str, ...]]:
    """The word sequences that name something called `surface`.

    As written, with CamelCase split, and an identifier also in one word (`auth_service` as AuthService).
    """
    text = normalise(surface)
    apart = split_camel(text)
    readings = [_forms(text)]
    readings.append(readings[0] if apart == text else _forms(apart))
    if len(readings[1]) > 1 and not re.search(r"[ &/+#:@']", text):
        readings.append(("".join(readings[1]),))
    return [reading for at, reading in enumerate(readings) if reading and reading not in readings[:at]]


def _forms(text: str) -> tuple[str, ...]:
    """What the words of a normalised text are when folded, without their places."""
    ascii = text.isascii()
    return tuple(chain.from_iterable(map(_forms_of, _scanner(ascii).chunk.findall(text), repeat(ascii))))


@lru_cache(8192)
def _forms_of(written: str, ascii: bool) -> tuple[str, ...]:
    return tuple(word.form for word in _pieces(_scanner(ascii), written, 0, 0))


def terms(text: str) -> Iterator[tuple[str, str]]:
    """The canonical terms of a text with the words that they came from, stop words left out.

    Identifiers count whole and in their parts, words by their stem, Chinese, Japanese and Korean by
    pairs of characters.
    """
    text = normalise(text)
    ascii = text.isascii()
    return chain.from_iterable(map(_terms_of, _scanner(ascii).chunk.findall(text), repeat(ascii)))


@lru_cache(8192)  # most words of a text have been met before
def _terms_of(written: str, ascii: bool) -> tuple[tuple[str, str], ...]:
    pieces = [word.form for word in _pieces(_scanner(ascii), written, 0, 0, apart=True)]
    if len(pieces) > 1:
        return tuple(_identifier_terms(written, pieces))
    if written[-1:] == "s" and written[:-1].isupper():  # `JWTs`: the stemmer knows no plural without vowels
        pieces = [pieces[0][:-1]]
    camel = split_camel(written) if not (written.islower() or written.isdigit()) else written
    parts = [fold(part) for part in camel.split()] if camel != written else []
    return tuple(term for form in (*pieces, *parts) for term in _term(form, written))


def _identifier_terms(written: str, pieces: Sequence[str]) -> Iterator[tuple[str, str]]:
    apart = [not written.isascii() and re.match(f"[{_CJK}]", piece) is not None for piece in pieces]
    if not any(apart):
        yield fold(written), written
    for at, piece in enumerate(pieces):
        if not apart[at]:
            yield from _term(piece, written)
        elif at + 1 < len(pieces) and apart[at + 1]:
            yield piece + pieces[at + 1], piece + pieces[at + 1]


def _term(form: str, written: str) -> Iterator[tuple[str, str]]:
    if form not in FUNCTION_WORDS:
        yield stem(form), written


LANGUAGES = tuple(
    """english arabic armenian basque catalan danish dutch finnish french german greek hindi hungarian indonesian irish
    italian lithuanian nepali norwegian portuguese romanian russian serbian spanish swedish tamil turkish
    yiddish""".split()
)
"""What Snowball has stems for."""

_language = LANGUAGES[0]


def speak(language: str) -> None:
    """Fold the endings of this language from now on: that of the store at hand, whose rows were made with it."""
    global _language
    if language != _language:
        _language = language
        stem.cache_clear()
        _terms_of.cache_clear()
        bucket.cache_clear()
        _stemmer.cache_clear()


@cache
def stem(word: str) -> str:
    """The Snowball stem of a folded word; anything with a digit (or, in English, another script) is itself."""
    if len(word) < 3 or not (word.isascii() or _language != "english") or not word.replace("'", "").isalpha():
        return word
    return str(_stemmer().stemWord(word))  # type: ignore[attr-defined]


@cache
def _stemmer() -> object:
    """The one stemmer in use. The package's own front door loads 35 languages: 10 ms at every prompt."""
    if "snowballstemmer" not in sys.modules:
        from importlib.machinery import ModuleSpec, PathFinder
        from types import ModuleType

        spec = PathFinder.find_spec("snowballstemmer")
        if isinstance(spec, ModuleSpec) and spec.submodule_search_locations is not None:
            bare = ModuleType("snowballstemmer")
            bare.__path__ = list(spec.submodule_search_locations)
            sys.modules["snowballstemmer"] = bare
            try:
                module = import_module(f"snowballstemmer.{_language}_stemmer")
                return getattr(module, f"{_language.capitalize()}Stemmer")()
            finally:
                del sys.modules["snowballstemmer"]
    return import_module("snowballstemmer").stemmer(_language)


@lru_cache(8192)
def bucket(word: str) -> str:
    """A coarse key that all inflections of a word share; many unrelated words may share it too."""
    if _language != "english":
        return stem(word)
    word = word.removesuffix("'s")
    while len(word) > 1:
        if word.endswith("ing") and len(word) > 4:
            word = word[:-3]
        elif word[-1] == "s" or (len(word) > 2 and (word[-1] in "de" or word[-1] == word[-2])):
            word = word[:-1]
        else:
            break
    return word[:-1] + "i" if len(word) > 1 and word[-1] == "y" else word


def match(written: str, wanted: str) -> str | None:
    """How a folded word of a prompt matches a word of a name or alias: `exact`, `stem` or None.

    Inflected means: the same stem, and only s, es, 's, d, ed or ing apart (`edit` is not `edition`).
    Words of up to three letters take a plural s and nothing else. In other languages than English endings are
    many, so equal stems are enough as long as no more than three letters differ.
    """
    if written == wanted:
        return "exact"
    if _language != "english" and len(wanted) > 3:
        near = abs(len(written) - len(wanted)) <= 3
        return "stem" if near and stem(written) == stem(wanted) else None
    if len(wanted) <= 3:
        return "stem" if written in (f"{wanted}s", f"{wanted}'s") else None
    a, b = written.removesuffix("'s"), wanted.removesuffix("'s")
    if min(len(a), len(b)) < 3:
        return None
    if a == b or (stem(a) == stem(b) and not _roots(a).isdisjoint(_roots(b))):
        return "stem"
    return None


def _roots(word: str) -> set[str]:
    """What a word may be an inflection of, final e, y and doubled letters levelled."""
    roots = {word} | {word.removesuffix(ending) for ending in ("s", "es", "d", "ed", "ing")}
    levelled = set()
    for root in roots:
        root = root.removesuffix("e")
        if len(root) > 3 and root[-1] == root[-2]:
            root = root[:-1]
        levelled.add(root[:-1] + "i" if root.endswith("y") else root)
    return levelled


def typo(written: str, wanted: str) -> bool:
    """True if a folded word of a prompt is a word of a name or alias with one slip of the finger.

    One letter too many, too few, wrong, or two exchanged, after the first two; the wanted word has five
    letters or more; and what was written is no common word itself (`draft` is not a slip for `drift`).
    """
    if len(wanted) < MISTYPED or written[:2] != wanted[:2] or not (written.isalpha() and wanted.isalpha()):
        return False
    return _one_edit(written, wanted) and frequency(written) == 0


MISTYPED = 5
"""Letters of a word from which on a slip is forgiven; shorter words are too close to each other."""


def _one_edit(a: str, b: str) -> bool:
    """True if two words are one insertion, deletion, substitution or exchange of neighbours apart."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    at = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) != len(b):
        longer, shorter = (a, b) if len(a) > len(b) else (b, a)
        return longer[at + 1 :] == shorter[at:]
    return a[at + 1 :] == b[at + 1 :] or (a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :])


def frequency(word: str) -> int:
    """Occurrences of a folded word in ten million words of English; 0 beyond the 20,000 commonest.

    Source: mem/model/words.tsv, the mean over dialogue, definitions and prose.
    """
    return _row(word)[0]


def spread(word: str) -> int:
    """Occurrences of a folded word in ten million words of the kind of text that uses it least.

    Names of tools are common in technical prose and absent from talk (0); ordinary words are everywhere.
    """
    return _row(word)[1]


def everyday(word: str) -> bool:
    """True for function words and the 500 words that are commonest in every kind of text."""
    return word in FUNCTION_WORDS or spread(word) >= EVERYDAY


def everyday_short(word: str) -> bool:
    """True for a word of up to three letters that every kind of text uses: an abbreviation of that form is no sign."""
    return everyday(word) or spread(word) >= EVERYDAY_SHORT


ORDINARY = 200
"""`spread` from which on a word is no name, even with a capital: `service` has 219, `john` 246; `bob` has 155."""

EVERYDAY_SHORT = 60
"""As `EVERYDAY`, for words of up to three letters: where `ha` (61) and `ups` (68) are words, and `api` (0) is none."""

EVERYDAY = 602
"""Occurrences in ten million words, in the kind of text that uses it least: the 500th word has 602."""


@cache
def _row(word: str) -> tuple[int, int]:
    """Both columns of a word's row, by bisection: reading all rows would cost 5 ms at every prompt."""
    table, wanted = _table(), word.encode()
    low, high = 0, len(table)
    while low < high:
        start = table.rfind(b"\n", 0, (low + high) // 2) + 1
        end = table.index(b"\n", start)
        found, mean, least = table[start:end].split(b"\t")
        if found == wanted:
            return int(mean), int(least)
        low, high = (end + 1, high) if found < wanted else (low, start)
    return 0, 0


@cache
def _table() -> bytes:
    with open(os.path.join(os.path.dirname(__file__), "model", "words.tsv"), "rb") as file:
        return file.read()


def counted(count: int, noun: str) -> str:
    """`1 page`, `2 pages`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def is_utf8(text: str) -> bool:
    """False for a text that stands for bytes which are none."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def fault(text: str) -> str | None:
    """Why a text cannot be stored, or None: too long, or with characters that no text has."""
    if len(text) > MAX_TEXT:
        return f"is too long: {len(text):,} characters, and {MAX_TEXT:,} are allowed"
    if text.isascii() and text.isprintable():
        return None
    found = re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", text)
    if found and found[0] >= "\ud800":
        return f"is not UTF-8 at character {found.start() + 1}"
    if found:
        return f"holds a control character (U+{ord(found[0]):04X}) at character {found.start() + 1}"
    return None


_UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"  # controls, halves of characters
    "\u200e\u200f\u061c\u202a-\u202e\u2028\u2029\ufff9-\ufffb"  # direction, lines, annotations
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u206f\u3164\ufeff\uffa0"  # nothing to see
)


def shown(text: str) -> str:
    """The text made safe for a terminal or an agent: the one way out.

    Control characters become visible; zero-width, direction-changing and tag characters are dropped.
    Joiners stay, which Arabic, Indic scripts and emoji need.
    """
    if text.isascii() and text.replace("\n", " ").isprintable():
        return text
    return re.sub(f"[{_UNSAFE}\U000e0000-\U000e0fff]", _made_visible, text)


def _made_visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == 0x0D:
        return ""
    if code in (0x2028, 0x2029):
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    return f"\\x{code:02x}" if code < 0xA0 else ""


# -- secrets ----------------------------------------------------------------------------------------

# Only what its issuer gave a shape of its own, so that a match is hardly ever anything else. Passwords and keys
# without one look like any word.
# Source: the issuers' documentation of their prefixes, as the rules of gitleaks collect it.
_SECRETS = {
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?s:.{1,300}?)[A-Za-z0-9+/]{40}",
    "a key of AWS": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "a token of GitHub": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{82})\b",
    "a token of GitLab": r"\bgl(?:pat|dt|rt|ptt|agent)-[\w-]{20,}",
    "a token of Slack": r"\bxox[abeoprs]-[A-Za-z0-9-]{20,}|\bhooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{20,}",
    "a key of OpenAI or Anthropic": r"\bsk-(?:(?:proj|svcacct|admin|ant)-[\w-]{20,}|[A-Za-z0-9]{48}\b)",
    "a key of Stripe": r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",
    "a key of Google": r"\bAIza[\w-]{35}(?![\w-])",
    "a token of npm": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a token of PyPI": r"\bpypi-AgE[\w-]{50,}",
    "a token of Hugging Face": r"\bhf_[A-Za-z]{34}\b",
    "a token of DigitalOcean": r"\bdo[opr]_v1_[0-9a-f]{64}\b",
    "a key of SendGrid": r"\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])",
    "a signed web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{16,}",
    "an address with a password": r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@<{\[]{0,64}:(?![$<{\[*%(])[^\s:/@]{3,128}@[\w.-]+",
}

_PLACEHOLDERS = r"(?i)example|:(?:pass|passwd|password|pw|pwd|secret|token|x+)@|(.)\1{7}"


class Secret(NamedTuple):
    """Something in a text that nobody should see."""

    kind: str
    """With its article: `a token of GitHub`."""
    line: int
    """1-based."""


def secret(text: str) -> Secret | None:
    """The first thing in a text that has the shape of a key, token or password; examples of one are none."""
    found = [
        (match.start(), kind)
        for kind, shape in _SECRETS.items()
        for match in re.finditer(shape, text)
        if not re.search(_PLACEHOLDERS, match[0])
    ]
    start, kind = min(found, default=(-1, ""))
    return Secret(kind, text.count("\n", 0, start) + 1) if found else None
