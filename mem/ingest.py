"""Notes to candidates: what a note says that may be worth believing, and what became of what it said before.

Pure: a text in, values out. A person has to decide about each candidate, so what is no sure sign is left out: tasks,
tables, code, quotes, lists of links, and prose without a cue. A statement counts where its form (`Decision: …`),
its words (`never …`, `we decided …`) or the heading above it (Preferences, Decisions, Rules) say what it is.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from mem import text
from mem.record import NamedTuple

LONGEST = 400
"""Characters of one statement; what is longer is an essay, and no belief by itself."""
LONGEST_PROCEDURE = 2_000
"""Characters of all steps of a procedure; more does not fit into what an agent is given."""
MOST_WORDS = 60
LONGEST_BLOCK = 3_000
"""Characters of an item or paragraph, as it is written, that is looked at; hostile markup costs the square of it."""


class Candidate(NamedTuple):
    """One thing that a note says."""

    line: int
    """Where, 1-based."""
    content: str
    type: str | None
    """None where only its words can tell."""
    name: str | None = None
    """Given where the note has a word for it; else it follows from the content."""
    aliases: tuple[str, ...] = ()
    """What the note itself calls it: its title's other names, and the notes that it links to."""
    why: str | None = None
    headings: tuple[str, ...] = ()
    """The headings above it, outermost first."""


class Block(NamedTuple):
    """One item of a list, or one paragraph."""

    line: int
    raw: str
    """As it is written, on one line."""
    item: bool
    ordered: bool
    parent: int | None
    """Index of the item that it belongs to."""
    headings: tuple[str, ...]


# -- blocks -----------------------------------------------------------------------------------------

_FENCE = text.shape(
    r"^[ \t>]*(?:[-*+]\s+)?(`{3,}(?=[^`\n]*$)|~{3,})[^\n]*\n(?s:.*?)(?:^[ \t>]*\1[`~]*[ \t]*$|\Z)", re.M
)
_COMMENT = text.shape(r"<!--(?s:.*?)(?:-->|\Z)|%%(?s:.*?)%%|^[ \t]*\$\$(?s:.*?)\$\$", re.M)
_ITEM = text.shape(r"^([ \t]*)(?:[-*+•]|(\d{1,9})[.)])[ \t]+(\S.*)$")
_HEADING = text.shape(r"^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = text.shape(r"^ {0,3}(=+|-+)[ \t]*$")
_BREAK = text.shape(r"^[ \t]*([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_NO_PROSE = text.shape(r"^[ \t]*(?:>|\||<[/!a-zA-Z]|!\[|\[[^\]]+\]:\s|\[\^|@[\w~./-]+$|\$\$)")
"""Quotes, tables, markup, pictures, what links and footnotes stand for, and files that an agent shall read."""
_TABLE = text.shape(r"^[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*$")
_FRONT = text.shape(r"\A---[ \t]*\n(?s:(.*?))^(?:---|\.\.\.)[ \t]*$\n?", re.M)


def _blanked(found: re.Match[str]) -> str:
    """As many lines, with nothing on them."""
    return "\n" * found[0].count("\n")


def blocks(body: str) -> list[Block]:
    """The items and paragraphs of a note, in order, without code, comments, quotes, tables and markup."""
    found: list[Block] = []
    headings: list[tuple[int, str]] = []
    open_items: list[tuple[int, int]] = []
    grows = after_blank = quoted = False
    lines = _COMMENT.sub(_blanked, _FENCE.sub(_blanked, body)).split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip() or len(line) > LONGEST_BLOCK:
            grows, quoted, after_blank = False, False, True
            continue
        item, heading = _ITEM.match(line), _HEADING.match(line)
        depth = len(line) - len(line.lstrip(" \t")) + 3 * line[: len(line) - len(line.lstrip())].count("\t")
        if _UNDERLINE.match(line) and grows and not found[-1].item:
            level = 1 if "=" in line else 2
            headings = [*(one for one in headings if one[0] < level), (level, plain(found.pop().raw))]
            grows, open_items = False, []
        elif heading:
            headings = [*(one for one in headings if one[0] < len(heading[1])), (len(heading[1]), plain(heading[2]))]
            grows, open_items = False, []
        elif _BREAK.match(line):
            grows, open_items = False, []
        elif _TABLE.match(line) and grows:  # the line above was its head
            found.pop()
            grows, quoted = False, True
        elif _NO_PROSE.match(line) or (quoted and not item):
            grows, quoted = False, True
        elif item:
            open_items = [one for one in open_items if one[0] < depth]
            parent = open_items[-1][1] if open_items else None
            open_items.append((depth, len(found)))
            found.append(Block(number, item[3], True, bool(item[2]), parent, _path(headings)))
            grows, quoted = True, False
        elif grows and len(found[-1].raw) > LONGEST_BLOCK:
            continue
        elif grows:
            found[-1] = found[-1]._replace(raw=f"{found[-1].raw} {line.strip()}")
        elif not (depth >= 4 and after_blank and not open_items):  # which is code
            open_items = open_items if depth else []
            parent = open_items[-1][1] if open_items else None
            found.append(Block(number, line.strip(), False, False, parent, _path(headings)))
            grows = True
        after_blank = False
    return found


def _path(headings: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(title for _, title in headings if title)


# -- words ------------------------------------------------------------------------------------------

_LINK = text.shape(r"(!?)\[\[([^\[\]|#\n]*)(?:#[^\[\]|\n]*)?(?:\|([^\[\]\n]*))?\]\]")
_OPENS = text.shape(r"(?<!\\)(?:\*\*|==|(?<!\w)__)")
_CLOSES = {mark: text.shape(rf"(?<=\S){re.escape(mark)}") for mark in ("***", "**", "==", "__")}


def _without_emphasis(found: re.Match[str]) -> str:
    """A text without the marks of what is in bold or marked.

    A mark that is closed nowhere is looked for once: as one expression, that would cost the square of the length.
    """
    part, kept, done, at = found[0], "", 0, 0
    open_marks = [*_CLOSES]
    while opening := _OPENS.search(part, at):
        at = opening.start() + 1
        for mark in [one for one in open_marks if part.startswith(one, opening.start())]:
            inside = opening.start() + len(mark)
            if part[inside : inside + 1].strip():
                closing = _CLOSES[mark].search(part, inside + 1)
                if closing is not None:
                    kept += part[done : opening.start()] + part[inside : closing.start()]
                    done = at = closing.end()
                    break
                open_marks.remove(mark)
    return kept + part[done:]


def _without_tags(found: re.Match[str]) -> str:
    """Tags in a row: none at the end of a text, words elsewhere."""
    return "" if found["end"] is not None else re.sub(r"(?<!\S)#", "", found[0])


# A shape, what stands in its place, and characters without which it cannot be there: looking for one is cheaper.
_MARKUP: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str], str], ...] = (
    (text.shape(r"<(?=[^<>\s]++>)((?:https?://|mailto:)?[^<>\s@]+(?:@|://)[^<>\s]+)>"), r"\1", "<"),
    (
        text.shape(r"~~.+?~~|<[^<>]*>(?!\s*\d)|\s\^[\w-]+$|\[\^[^\[\]]+\]|!\[[^\[\]]*\]\((?:[^()]++|\([^()]*+\))*+\)"),
        "",
        "~<^!",
    ),
    (text.shape(r"\[([^\[\]]*)\]\((?:[^()]++|\([^()]*+\))*+\)|\[([^\[\]]+)\]\[[^\[\]]*\]"), r"\1\2", "["),
    (text.shape(r"(?s).+"), _without_emphasis, "*=_"),
    (text.shape(r"(?<![\w*\\])\*(?=\S)([^*\n]+?)(?<=[^\s\\])\*(?![\w*])"), r"\1", "*"),
    (text.shape(r"(?<!\w)_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)"), r"\1", "_"),
    (text.shape(r"(?<!\s)(?:\s++#[A-Za-z][\w/-]*+)++(?P<end>\s*$)?|(?<!\S)#(?=[A-Za-z])"), _without_tags, "#"),
    (text.shape(r"[\[(]?\b(\w[\w -]{0,30}):: *([^\])]*)[\])]?"), r"\1: \2", ":"),
    (text.shape(r"\\([!-/:-@\[-`{-~])"), r"\1", "\\"),
)
_TAG = text.shape(r"(?<!\S)#([A-Za-z][\w/-]*)")


def plain(raw: str) -> str:
    """One line of Markdown as a person reads it; code keeps its marks, which tell names from words."""
    raw = _LINK.sub(lambda found: "" if found[1] else found[3] or found[2], raw) if "[[" in raw else raw
    parts = re.split(r"(`[^`]+`)", raw) if "`" in raw else [raw]
    for shape, instead, signs in _MARKUP:
        if any(sign in raw for sign in signs):
            parts[::2] = [shape.sub(instead, part) for part in parts[::2]]
    return " ".join("".join(parts).split())


def linked(raw: str) -> tuple[str, ...]:
    """The notes that a line links to, by their names; pictures are none."""
    names = (found[2].strip().rpartition("/")[2].removesuffix(".md") for found in _LINK.finditer(raw) if not found[1])
    return tuple(dict.fromkeys(name for name in names if name))


_UNSPACED = text.shape("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")


def _word_count(content: str) -> int:
    """Words, or pairs of characters in scripts without spaces."""
    return len(re.findall(r"[^\W_][\w'’-]*", content)) + len(_UNSPACED.findall(content)) // 2


_NO_STATEMENT = text.shape(
    r"""(?:\W*(?:todo|fixme|xxx|tbd|wip|note|nb|tip|warning|caution|important|hint|idea|example|e\.?g|i\.?e|cf|see|source|
      link|links|ref|reference|date|time|status|author|owner|tags?|url|due|ps|update|edit|q|a)\b\s*(?::|\s-\s|[–—]))
      |\W*(?:todo|fixme|see\s+(?:also|the|my|our)|read\s+more|back\s+to|click\s+here|table\s+of\s+contents)\b
      |\W*(?:https?|ftp|mailto|file|obsidian)://\S+$|[\W\d_]*$|.*(?:\{\{|<%)""",
    re.I | re.X,
)
_DUE = text.shape("[\U0001f4c5\u23f3\U0001f6eb\u2705\U0001f501]|@due\\b")
"""Signs by which Obsidian's tasks tell their dates."""


def _speaks(content: str, raw: str, least: int = 3) -> bool:
    """Whether a line says something by itself: no task, no lead-in, no question, no list of links."""
    if len(content) > LONGEST or content.rstrip(" *_").endswith((":", "…", "...")) or _is_asked(content):
        return False
    if _NO_STATEMENT.match(content) or _DUE.search(raw) or not least <= _word_count(content) <= MOST_WORDS:
        return False
    inside = sum(len(part) for part in re.findall(r"\[\[[^\[\]]*\]\]|\[[^\[\]]*\]\([^)]*\)|https?://\S+", raw))
    return inside <= 0.5 * len(raw)


def _is_asked(content: str) -> bool:
    return content.rstrip(" *_\"')").endswith(("?", "？", "؟"))


# -- headings ---------------------------------------------------------------------------------------

# What the beliefs under a heading are. A telling word counts at the end of a heading (`Coding conventions`) or before
# a word that says of what (`Rules for deploys`), not in its midst (`Decision tree`).
_SECTIONS = {
    "none": r"""to-?\s?dos?|tasks?|next\s(?:steps|actions)|action\sitems|actions|backlog|agenda|attendees|participants
        |links?|references|resources|see\salso|further\sreading|reading\slist|sources|bibliography|related|citations
        |quotes?|examples?|templates?|(?:table\sof\s)?contents|toc|index|navigation|changelog|release\snotes|done|archive|shopping(?:\slist)?|groceries|ideas|brainstorm(?:ing)?|alternatives
        |alternatives\sconsidered|options(?:\sconsidered)?|rejected|pros|cons|pros\sand\scons|status|acceptance\scriteria
        |features|roadmap|milestones|installation|license|credits|acknowledge?ments|what\swe\stried|transcript""",
    "preference": r"""preferences?|rules?|conventions?|guidelines?|principles?|polic(?:y|ies)
        |(?:code|coding|house|writing|communication|commit|naming|git)\sstyle|style\sguide|(?<!\S)(?<!\w\s)style|standards?|do'?s\sand\sdon'?ts|dos|don'?ts
        |working\sagreements?|best\spractices|practices|habits|guardrails|ground\srules|non-?negotiables
        |likes|dislikes|do\snot|never|avoid|forbidden|always|anti-?patterns|how\si\s(?:work|like\sto\swork)|instructions""",
    "decision": r"""decisions?|decision\s(?:log|records?|outcome)|decided|agreements?|what\s(?:we|i)(?:'ve)?\sdecided
        |resolutions\sof\sthe\smeeting""",
    "question": r"(?:open\s|unresolved\s)?questions?|open\spoints|open\sissues|unknowns",
    "entity": r"""glossary|definitions?|terminology|terms|vocabulary|(?:key\s)?people|team|team\smembers
        |who(?:'s|\sis)\swho|contacts|stakeholders|acronyms|abbreviations|key\sconcepts""",
    "fact": r"""(?:key\s|known\s|useful\s)?facts|good\sto\sknow|things\sto\sknow|about\s(?:me|us|the\steam)|gotchas
        |invariants""",
    "procedure": r"how-?\s?to\b.*|how\s(?:do|can|should)\s(?:i|we)\b.*|how\swe\s.*",
}
_TELLING = tuple(
    (
        type_,
        text.shape(
            rf"(?:.*[\s/&,-])?(?:{shape})(?:\s(?:for|about|on|in|at|of|and|made|taken|so\sfar|we|from|when)\b.*)?", re.X
        ),
    )
    for type_, shape in _SECTIONS.items()
)
_TURNS = text.shape(r"(?:.*\s)?(?:do not|never|avoid|don'?ts|forbidden|anti-?patterns|dislikes|likes)\b.*", re.I)
"""Headings without which an item below them would say the opposite, or nothing."""
MOST_HEADING = 6
"""Words of a heading that may tell; longer ones are sentences."""


@lru_cache(maxsize=4096)
def section(heading: str) -> str | None:
    """What the beliefs under a heading are: a type, `none` where there are no beliefs, or None if it does not say."""
    bare = re.sub(r"\([^)]*\)|[^\w\s/&,'’-]|^[\d.\s]+", " ", text.fold(heading)).replace("’", "'")
    bare = " ".join(bare.split())
    if heading.startswith("`") or not 0 < len(bare.split()) <= MOST_HEADING:
        return None
    return next((type_ for type_, shape in _TELLING if shape.fullmatch(bare)), None)


def _section(headings: Sequence[str], leads: Collection[str]) -> tuple[str | None, int]:
    """What the innermost telling heading says, and how far out it stands (1 is the innermost of all).

    The end of a long sentence that leads on to a list tells nothing, and what is above it is not meant.
    """
    for distance, heading in enumerate(reversed(headings), 1):
        said = section(heading)
        if said is not None:
            return said, distance
        if heading in leads and _word_count(heading) > MOST_HEADING:
            break
    return None, 0


# -- cues -------------------------------------------------------------------------------------------

_LABELS = {
    **{type_: type_ for type_ in "preference decision fact entity relation procedure event question".split()},
    **dict.fromkeys("rule convention guideline principle policy".split(), "preference"),
    **{"decided": "decision", "agreed": "decision", "definition": "entity", "open question": "question"},
    **{"how to": "procedure", "how-to": "procedure", "howto": "procedure", "adr": "decision"},
}
_LABEL = text.shape(
    rf"(?:[\[(]({'|'.join(_LABELS)})[\])]:?|({'|'.join(_LABELS)})(?:\s\(?\d{{4}}-\d\d-\d\d\)?)?\s*:)\s*(?=\S)", re.I
)
_PERSON = r"(?:i|we|you|they|the\s(?:user|team|customer|client)|[A-Z][a-z]+)"
_HARDLY_PAST = r"(?!\w+ed\b|(?:was|were|had|did|saw|got|went|knew|thought|came|made|took|heard|felt|been|mind)\b)"
_NO_BAN = (
    r"(?!\s(?:worry|hesitate|forget|panic|know|think|see|have|want|need|get|understand|remember|care|mind|feel)\b)"
)
# `I never saw` tells a story, `I never use` a habit. Case counts: of `Anna prefers tea`, Anna is a name.
_CUES = (
    ("decision", text.shape(
        r"(?:(?i:(?:^|[.,;:]\s|\b)(?:we|i|the\steam)(?:'ve|\shave|\shas)?\s(?:just\s|finally\s|now\s|all\s)?"
        r"(?:decided\s(?:to|on|that|against|not)|agreed\s(?:to|on|that)|chose|settled\son|opted\sfor|picked|standardi[sz]ed\son"
        r"|went\swith|are\sgoing\swith|will\sgo\swith|switched\s(?:to|from)|moved\s(?:to|off)|migrated\s(?:to|from)"
        r"|no\slonger\suse|dropped))"
        r"|^(?i:decided\s(?:to|on|that|against)|agreed\s(?:to|on|that)|going\swith|settled\son|it\swas\sdecided))\s\S"
    )),
    ("preference", text.shape(
        rf"(?:^(?:(?i:please\s)?(?i:always|never|prefer|avoid|(?:do\snot|don[’']t){_NO_BAN}"
        rf"|must\s(?:not|never)|make\ssure)\s{_HARDLY_PAST}\w"
        rf"|(?i:use|choose)\s[^.;]{{2,80}}\s(?i:instead\sof|rather\sthan|over|not)\s)"
        rf"|(?:^|[.,;:]\s|\b(?i:and|but)\s)(?i:{_PERSON})\s(?i:really\s|strongly\s|usually\s|generally\s|much\s)?prefers?\s"
        rf"|(?:^|[.;:]\s)(?i:i|we)\s(?i:always|never)\s{_HARDLY_PAST}\w+"
        r"|\b(?i:must|should|may)\s(?i:always|never)\s(?!(?i:happen|occur|be\s\w+ed\sdirectly)\b)"
        r"|^[^.;]{1,80}\s(?i:is|are)\s(?i:preferred|forbidden)\b"
        r"|^(?i:prefer)\s[^.;]{1,80}\s(?i:over|to)\s)"
    )),
)  # fmt: skip
_SIGNS = re.split(
    r",\s+",
    """decided, agreed, chose, settled, opted, picked, standardi, switched, moved, migrated, dropped, always, never,
    prefer, avoid, don', don’, must, choose, forbidden, use, with, no longer, do not, make sure""",
)
"""Of which every cue holds one: most paragraphs hold none, and are not looked at more closely."""
_HANGING = text.shape(
    r"(?:it|this|that|these|those|they|he|she|him|her|them|his|its|their|here|there|then|so|but|and|or|also|which|who"
    r"|however|therefore|thus|because|if\sso|otherwise|instead|later|the\s(?:former|latter))\b",
    re.I,
)
"""Beginnings of sentences that lean on the one before."""
_TELLS_TO = frozenset(
    """use prefer avoid keep write run make add put never always don't dont do ensure follow name test commit document
    place store import return handle check include split limit set call format treat read update create delete remove
    start stop ask answer respond explain show stick be let leave mark wrap validate log raise catch pin lint build
    deploy review merge rebase squash push pull open close reuse pass define declare extract group sort order move
    rename replace verify confirm stay assume must should only no all every each when before after if""".split()
)
"""First words of what instruction files tell an agent to do."""


def cue(sentence: str) -> str | None:
    """The type of a sentence that says by its words that it decides or prefers something; None for all others."""
    return next((type_ for type_, shape in _CUES if shape.search(sentence)), None)


_URGENT = text.shape(r"(?:important|critical|attention)(?::|\s[–—-])\s*", re.I)
_SENTENCE = text.shape(r"(?<=[.!?])[\"')]*\s+(?=[\"'(`]*[A-ZÀ-ÖØ-Þ`])")
_TERM = text.shape(
    r"""(?:\*\*(?P<bold>[^*]{1,60}?)(?::\*\*|\*\*\s*(?::|[—–]|\s-\s))
      |\[\[(?P<link>[^\[\]|#]{1,60})(?:\|[^\[\]]*)?\]\]\s*(?::|[—–]|\s-\s))\s*(?P<is>\S.*)""",
    re.X,
)
_PLAIN_TERM = text.shape(r"(?P<term>[^:—–\n]{1,40}?)(?::\s|\s?[—–]\s?|\s-\s)\s*(?P<is>\S.*)")
_IS = text.shape(r"\*\*(?P<term>[^*`]{1,60})\*\*(?: \([^)]{1,60}\))? (?=(?:is|are) (?:an?|the|our|my) \w)")
_IS_A = text.shape(r"(?: \([^)]{1,60}\))? (?:is|are) (?:an?|the|our|my) \w")
_DEFINES = text.shape(r"(?:an?|the|our|my|his|her|their|short\sfor|stands\sfor|is|are|what|where|who|whoever)\s", re.I)
_NO_TERM = text.shape(
    r"""(?:step|phase|week|day|part|chapter|option|version|v|q)?\s*[\d.]+|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|mornings?
    |evenings?|today|tomorrow|yesterday|dates?|time|status|authors?|links?|urls?|sources?|tags?|due|phone|e-?mail|address|place
    |location|pros?|cons?|examples?|inputs?|outputs?|goals?|summary|next|priority|price|cost|total|notes?|tip|warning|todo
    |why|how|what|when|where|who|reason|rationale|context|problem|solution|result|results|impact|background|important|bug
    |fix|added|changed|fixed|removed|update|new|before|after|first|second|third|finally|overview|description|usage|title""",
    re.X | re.I,
)
_WHY = text.shape(r"(?:why|reason|rationale|because)\b\s*[:—–-]?\s*(?=\S)", re.I)


# -- candidates -------------------------------------------------------------------------------------


class Front(NamedTuple):
    """What the properties of a note say that matters here."""

    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    status: str


def front_matter(note: str) -> tuple[Front, str]:
    """The properties of a note, and the note with empty lines in their place; what is not understood says nothing."""
    found = _FRONT.match(note)
    if not found:
        return Front((), (), ""), note
    values: dict[str, list[str]] = {}
    key = ""
    for line in found[1].split("\n"):
        entry = re.match(r"([\w-]+):\s*(.*)", line)
        more = re.match(r"\s*-\s+(.*)", line)
        key = entry[1].lower() if entry else key
        said = entry[2] if entry else more[1] if more else ""
        inner = said[1:-1].split(",") if said.startswith("[") and said.endswith("]") else [said]
        values.setdefault(key, []).extend(one for part in inner if (one := part.strip().strip("\"'").lstrip("#")))
    names = values.get("aliases", []) + values.get("alias", [])
    tags = [part for one in values.get("tags", []) + values.get("tag", []) for part in one.replace(",", " ").split()]
    return Front(tuple(names), tuple(tags), " ".join(values.get("status", [])).lower()), _FRONT.sub(_blanked, note)


INSTRUCTIONS = text.shape(r"(?:claude|agents?|gemini|copilot-instructions|conventions)(?:\.local)?\.md", re.I)
"""Files that are written for agents: each sentence that tells to do something is a rule."""


def candidates(note: str, file_name: str) -> list[Candidate]:
    """What a note says that may be worth believing, in order."""
    front, body = front_matter(note)
    found = blocks(body)
    reader = _Reader(found, front, file_name)
    for at in range(len(found)):
        reader.read(at)
    return sorted(reader.candidates(), key=lambda one: one.line)


def _texts_above(found: Sequence[Block]) -> Iterator[int]:
    """For each block the index of the paragraph above it, under the same heading; -1 where there is none."""
    above = -1
    for at, block in enumerate(found):
        if at and block.headings != found[at - 1].headings:
            above = -1
        yield above
        above = at if not block.item and block.parent is None else above


class _Reader:
    """Goes through the blocks of one note; what an item is depends on the one that it belongs to."""

    def __init__(self, found: Sequence[Block], front: Front, file_name: str) -> None:
        self._blocks = found
        self._front = front
        self._file = file_name
        self._title = re.sub(r"\.\w+$", "", file_name)
        self._instructions = INSTRUCTIONS.fullmatch(file_name) is not None
        self._above = [*_texts_above(found)]
        self._found: dict[int, list[Candidate]] = {}
        """By the index of the block."""
        self._leads: dict[int, str] = {}
        """Items and paragraphs that are headings for what follows them."""
        self._dropped: set[int] = set()
        """Tasks and the like; what is below them says nothing either."""
        self._steps: dict[tuple[str, ...], list[int]] = {}
        """The items of a procedure, by the headings above it."""
        self._told: set[tuple[str, ...]] = set()

    def candidates(self) -> Iterator[Candidate]:
        """All that was found."""
        for found in self._found.values():
            yield from found
        for headings, steps in self._steps.items():
            yield from self._procedure(headings, steps)

    def read(self, at: int) -> None:
        """See what one block says."""
        block = self._blocks[at]
        content = plain(block.raw) if len(block.raw) <= LONGEST_BLOCK else ""
        if self._leads_on(at, content) or self._is_dropped(at, content):
            return
        headings = self._headings(at)
        said, distance = _section(headings, self._leads.values())
        if said is None and self._instructions:
            said = "instructions"
        if block.parent in self._found and self._is_reason(block, content):
            return
        found = list(self._labelled(block, content)) or (
            [] if said == "none" else list(self._item(at, content, said, distance))
        )
        if not found and said != "none":
            found = list(self._prose(block, content, said))
        above = tuple(part for part in headings[1:] if part and part != self._file)
        if found:
            self._found[at] = [one._replace(headings=above) for one in found]

    def _headings(self, at: int) -> tuple[str, ...]:
        """What stands above a block, outermost first: the note's title, headings, items and lead-ins."""
        inner: list[str] = []
        parent = self._blocks[at].parent
        while parent is not None:
            inner += [self._leads[parent]] if parent in self._leads else []
            parent = self._blocks[parent].parent
        lead = self._leads.get(self._above[at]) if self._blocks[at].item else None
        tags = [tag for tag in self._front.tags if section(tag) == "preference"]
        return (self._title, *tags[:1], *self._blocks[at].headings, *([lead] if lead else []), *reversed(inner))

    def _leads_on(self, at: int, content: str) -> bool:
        """Whether a block is a heading for the list that follows it."""
        block, following = self._blocks[at], self._blocks[at + 1] if at + 1 < len(self._blocks) else None
        below = following is not None and following.item and following.parent == at
        beside = following is not None and not block.item and following.item and following.headings == block.headings
        ends = content.endswith(":")
        few = below and _word_count(content) <= 4 and cue(content) is None and not content.endswith((".", "!", "?"))
        if (below and (ends or few)) or (beside and ends):
            self._leads[at] = content.removesuffix(":").strip()
            return not re.match(r"\[.\]\s", block.raw)
        return False

    def _is_dropped(self, at: int, content: str) -> bool:
        block = self._blocks[at]
        task = block.item and re.match(r"\[.\](?:\s|$)", block.raw)
        if task or block.parent in self._dropped or re.fullmatch(r"~~.+~~\W*", block.raw) or not content:
            self._dropped.add(at)
            return True
        return False

    def _is_reason(self, block: Block, content: str) -> bool:
        """An item below a statement that says why it is so."""
        why = _WHY.match(content)
        if why and block.parent is not None:
            first, *others = self._found[block.parent]
            self._found[block.parent] = [first._replace(why=content[why.end() :]), *others]
        return why is not None

    def _labelled(self, block: Block, content: str) -> Iterator[Candidate]:
        """What says itself what it is: `[decision] …`, `Decision: …`, `… #decision`."""
        label = _LABEL.match(content)
        tag = next((_LABELS[name] for name in map(str.lower, _TAG.findall(block.raw)) if name in _LABELS), None)
        type_ = _LABELS[(label[1] or label[2]).lower()] if label else tag
        if type_ is None:
            return
        rest = content[label.end() :] if label else content
        if type_ == "procedure" and label:
            rest = content
        asked = type_ == "question" and _word_count(rest) >= 2 and len(rest) <= LONGEST
        if asked or _speaks(rest, rest, 2):
            yield Candidate(block.line, rest, type_, aliases=linked(block.raw))

    def _item(self, at: int, content: str, said: str | None, distance: int) -> Iterator[Candidate]:
        """What is under a telling heading, or defines a term."""
        block = self._blocks[at]
        defined = self._defined(block, content, said)
        if defined is not None:
            yield defined
            return
        if said == "procedure" and block.item:
            if block.parent is None:
                self._steps.setdefault(block.headings, []).append(at)
            return
        nested = block.parent is not None and block.parent not in self._leads
        if said == "question":
            if _is_asked(content) and _word_count(content) >= 3 and len(content) <= LONGEST and not nested:
                yield Candidate(block.line, content, "question", aliases=linked(block.raw))
            return
        if said not in ("preference", "decision", "fact") or nested:
            return
        ruled = block.item or (said == "decision" and distance == 1 and self._first_of(block.headings))
        if ruled and not self._is_history(said):
            yield from self._stated(at, content, said, distance)

    def _stated(self, at: int, content: str, said: str, distance: int) -> Iterator[Candidate]:
        """A statement under a telling heading; an item below a lead-in of its own is read after that."""
        block = self._blocks[at]
        if not block.item and len(content) > LONGEST:
            content = _SENTENCE.split(content)[0]
        lead = self._leads.get(block.parent) if block.parent is not None else None
        if lead is None or section(lead) is not None:
            lead = self._headings(at)[-distance]
            lead = lead if _TURNS.fullmatch(lead) and " and " not in lead else None
        content = f"{lead}: {content}" if lead is not None else content
        least = 2 if lead is not None or content.split(" ")[0].lower() in _TELLS_TO else 3
        if _speaks(content, block.raw, least):
            type_ = None if said == "fact" else said
            yield Candidate(block.line, content, type_, aliases=linked(block.raw))

    def _first_of(self, headings: tuple[str, ...]) -> bool:
        """True once for each heading: what a record of a decision decides is its first paragraph."""
        new = headings not in self._told
        self._told.add(headings)
        return new

    def _is_history(self, said: str) -> bool:
        """True for the record of a decision that does not hold, or not yet."""
        return (
            said == "decision" and re.search(r"reject|supersed|deprecat|draft|propos", self._front.status) is not None
        )

    def _defined(self, block: Block, content: str, said: str | None) -> Candidate | None:
        """A term and what it means: in bold or as a link anywhere, in any form under a heading for such."""
        found = _TERM.match(block.raw) if block.item else None
        term = next((one for one in found.group("bold", "link") if one), None) if found else None
        meaning = plain(found["is"]) if found else ""
        if term is None:
            found = _IS.match(block.raw)
            term, meaning = (found["term"], content) if found else (None, "")
        if term is None and said == "entity" and block.item:
            found = _PLAIN_TERM.match(content)
            term, meaning = (found["term"], found["is"]) if found else (None, "")
        defines = said == "entity" or _DEFINES.match(meaning) or meaning is content
        if term is None or not defines or said == "preference":
            return self._titled(block, content)
        name = plain(term).strip(" .:")
        short = not 1 <= len(name.split()) <= 5 or _word_count(meaning) < (2 if said == "entity" else 3)
        if short or _NO_TERM.fullmatch(name) or not _speaks(content, block.raw, 2) or len(name) < 2:
            return None
        return Candidate(block.line, content, "entity", name, (name, *linked(meaning)))

    def _titled(self, block: Block, content: str) -> Candidate | None:
        """The sentence that says what the thing is that the whole note is about."""
        if block.item or self._told or len(self._blocks) == 0 or self._blocks[0] is not block:
            return None
        sentence = _SENTENCE.split(content)[0]
        names = dict.fromkeys((self._title, *block.headings[:1], *self._front.aliases))
        low = text.fold(sentence).removeprefix("the ")
        for name in names:
            opens = low.startswith(text.fold(name)) and _IS_A.match(low, len(text.fold(name)))
            if len(name) > 1 and opens and _speaks(sentence, sentence):
                others = tuple(one for one in names if one != name and _word_count(one) <= 5)
                return Candidate(block.line, sentence, "entity", name, (name, *others))
        return None

    def _prose(self, block: Block, content: str, said: str | None) -> Iterator[Candidate]:
        """Sentences that say by their words what they are, wherever they stand."""
        nested = block.parent is not None and block.parent not in self._leads and block.parent not in self._found
        low = content.lower()
        if nested or not (said == "instructions" or any(sign in low for sign in _SIGNS)):
            return
        for sentence in _SENTENCE.split(content):
            sentence = _URGENT.sub("", sentence)
            type_ = cue(sentence)
            if type_ is None and said == "instructions" and block.parent is None:
                first = sentence.split(" ")[0].strip("`*,:").lower()
                told = first in _TELLS_TO and (block.item or first in ("always", "never", "use", "prefer", "avoid"))
                type_ = "preference" if told else None
            if type_ and _speaks(sentence, block.raw) and not _HANGING.match(sentence):
                yield Candidate(block.line, sentence, type_, aliases=linked(block.raw))

    def _procedure(self, headings: tuple[str, ...], steps: Sequence[int]) -> Iterator[Candidate]:
        """The list under a heading `How to …`, as one candidate."""
        title = headings[-1] if headings else self._title
        lines = [f"{n}. {plain(self._blocks[at].raw)}" for n, at in enumerate(steps, 1)]
        content = "\n".join([f"{title.rstrip(':')}:", *lines])
        if len(steps) >= 2 and len(content) <= LONGEST_PROCEDURE and section(title) == "procedure":
            yield Candidate(self._blocks[steps[0]].line, content, "procedure", headings=headings)


# -- what became of it ------------------------------------------------------------------------------

ALIKE = 0.5
"""Share of the words that two versions of a line have in common, at least: half of them were kept."""
IN_PLACE = 0.25
"""The same for a line between the same neighbours, of which its place tells too."""
MOST_COMPARED = 40_000
"""Pairs of lines that are compared by their words; a note that changed more than that is another one."""


class Seen(NamedTuple):
    """What a note said when it was last ingested."""

    digest: str
    belief: str | None
    """The id of what came from it; None where that was known before."""


class Step(NamedTuple):
    """What became of one thing that a note says."""

    kind: str
    """`same`, `edited`, `added` or `removed`."""
    before: int | None
    """Index of what was seen."""
    after: int | None
    """Index of the candidate."""


def key(content: str) -> str:
    """What two wordings have in common that differ in case, blanks or the stop at the end."""
    return " ".join(text.fold(text.normalise(content)).split()).strip(" .!;,")


def compare(before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]) -> list[Step]:
    """Match what a note said with what it says, both as (digest, words): first the same, then what was edited.

    Where the words of a belief are not known any more, `words` is empty and only its place can tell.
    """
    same = _same([digest for digest, _ in before], [digest for digest, _ in after])
    gone = [i for i in range(len(before)) if i not in same]
    taken = {*same.values()}
    new = [j for j in range(len(after)) if j not in taken]
    edited = _edited(before, after, gone, new)
    edited |= _in_place(before, after, same | edited)
    steps = [Step("same", i, j) for i, j in same.items()] + [Step("edited", i, j) for i, j in edited.items()]
    used = {*edited.values()}
    steps += [Step("added", None, j) for j in new if j not in used]
    steps += [Step("removed", i, None) for i in gone if i not in edited]
    return sorted(steps, key=lambda step: (step.after is None, step.after or 0, step.before or 0))


def _same(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    places: dict[str, deque[int]] = {}
    for j, digest in enumerate(after):
        places.setdefault(digest, deque()).append(j)
    return {i: places[digest].popleft() for i, digest in enumerate(before) if places.get(digest)}


def _edited(
    before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]], gone: Sequence[int], new: Sequence[int]
) -> dict[int, int]:
    """Pairs that have most words in common, the most alike first."""
    if len(gone) * len(new) > MOST_COMPARED:
        return {}
    olds, news = {i: _bag(before[i][1]) for i in gone}, {j: _bag(after[j][1]) for j in new}
    likeness = [(_shared(olds[i], news[j]), i, j) for i in gone for j in new]
    found: dict[int, int] = {}
    for share, i, j in sorted(likeness, key=lambda one: (-one[0], abs(one[1] - one[2]))):
        if share >= ALIKE and i not in found and j not in found.values():
            found[i] = j
    return found


def _in_place(
    before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]], known: dict[int, int]
) -> dict[int, int]:
    """The one line that is left between the same neighbours, before and after."""
    found = {}
    anchors = [(-1, -1), *sorted(known.items()), (len(before), len(after))]
    taken = {*known.values()}
    for (i, j), (k, m) in pairwise(anchors):
        if (
            k - i == 2
            and m - j == 2
            and j + 1 not in taken
            and _shared(_bag(before[i + 1][1]), _bag(after[j + 1][1])) >= IN_PLACE
        ):
            found[i + 1] = j + 1
    return found


def _bag(content: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", key(content)))


def _shared(one: Counter[str], other: Counter[str]) -> float:
    """Share of the words that two texts have in common, 0 to 1."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0
