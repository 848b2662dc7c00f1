"""What one plain sentence implies: its type, a name, the surfaces that should find it, and where it stands.

Deterministic, and made of a few tables of cues: the same sentence always gives the same answer, so that
what `mem remember` prints can be relied on and corrected. A wrong surface is noise in somebody's prompt, so
what is no sure sign is left out. Loaded when something is remembered, by no command that only reads.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from mem import text

_GLUE = " \r\n\t'\"`*_-/\u201c\u201d"
DERIVED_FROM = 2_000
"""Characters at the beginning of a text that are looked at: a hostile text must not cost quadratic time."""
MAX_DERIVED = 12
"""Aliases derived from one text."""
TITLE = 3
"""Words of a name; an identifier of several parts counts as one."""

# Counts are those of mem/model/words.tsv, in ten million words.
ORDINARY = 200
"""`text.spread` from which on a capital makes no name: `service` has 219, `john` 246; `bob` has 155, `python` 42."""
_PERSON_VERBS = "owns leads prefers likes loves hates wants lives manages maintains runs knows said says thinks joined"
_VERBS = f"""{_PERSON_VERBS} is was has had will can must should does did uses handles depends works needs serves stores
    hosts reports calls talks listens reads writes sends expects returns keeps ships takes gives expires consumes"""

# -- words by class: what they tell is the type or the time, not the topic ---------------------------

_CUES = frozenset(
    """prefer prefers preferred always never decided decide chose choose chosen picked going go goes went settled
    agreed switched moved migrated replaced use uses using used like likes love hate want wants please avoid remember
    instead rather stopped stop longer know knows let make makes made sure set question open preference decision fact
    note first then next last new now ago better best unclear unsure today tomorrow yesterday week month year day days weeks months years
    seconds minutes hours one two three four five six seven eight nine ten http https www usually often currently everywhere anywhere lot everything something worth thing things way
    full step steps""".split()
)
"""What a name is better without."""
_FAINT = frozenset(
    f"""{_VERBS} call talk depend own run live keep kept gets get got called found met ran sit sits stay stays happen
    happens need take lost put puts work answer reply respond explain night move wait hold""".split()
)
"""What a name holds only beside a single ordinary word: `passport_expires`."""
_CALENDAR = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december today tomorrow yesterday christmas easter""".split()
)
# Nouns of computing that stand bare at the beginning of a note (`Backend is Django`) and are no names. The
# word table cannot tell them from names: like those, they are absent from talk.
_GENERIC = frozenset(
    """auth backend backends frontend config configs db wifi router repo repos staging prod dev infra deploy build
    pipeline cluster login logs signup checkout invoice orchestrator webhook server client cache database default
    password storage queue linter formatter indentation editor shell terminal dashboard todo fyi imo ok am pm ps nb
    eg ie etc vs""".split()
)
# The commonest words without a topic in languages that are written with spaces, folded.
_FOREIGN = {
    language: frozenset(words.split())
    for language, words in {
        "de": """der die das den dem des ein eine einen einem einer ich du er sie es wir ihr mich uns mein meine unser
              unsere und oder aber nicht kein keine mit von zu zum zur im in am an auf aus bei fur uber nach vor bis ist
              sind war hat haben wird werden nutzen nutze benutzen verwenden immer nie bitte statt als wie sich dass wenn nur auch""",
        "fr": """le la les un une des du de d l je j tu il elle on nous vous ils mon ma mes notre nos et ou mais ne pas
              n plus que qui qu c ce cette est sont a au aux en dans sur pour par avec sans toujours jamais se s lieu avons ai utilisons utilise""",
        "es": """el la los las un una unos de del al yo tu nosotros mi mis nuestro nuestra y o pero no que en por para
              con sin es son esta estan se su sus lo le siempre nunca a como vez lugar hemos he usamos uso""",
        "it": """il lo la i gli le un una uno di del della dei delle al alla da dal in nel nella io noi mio mia nostro
              e o ma non che per con senza su sul si ci sono sempre mai a come invece ho abbiamo usiamo uso""",
        "pt": """o a os as um uma de do da dos das no na nos nas em eu nos meu minha nosso nossa e ou mas nao que por
              para com sem ao se sao esta sempre nunca como vez usamos uso""",
        "nl": """de het een ik jij wij we ons onze mijn en of maar niet geen met van te ten in op aan uit bij voor over
              naar is zijn was heeft hebben wordt altijd nooit dat die als ook plaats gebruiken gebruik""",
        "ru": """я ты он она мы вы они мои наш наша и или но не на в во с со к у о от до за из по для без это что как
              всегда никогда нас вместо использовать используем""",
        "ar": """في من على إلى عن مع هذا هذه التي الذي أن لا ما كان هو هي نحن أنا بدلا""",
        "he": """את של על עם אל לא זה זו הוא היא אני אנחנו יש אין כי גם או אבל במקום""",
        "hi": """का की के में है हैं और से को पर यह वह हम मैं नहीं था थी हमारा हमारी मेरा मेरी""",
        "el": """ο η το οι τα του της των τον την στο στη στον στην σε με για από και ή αλλά δεν θα να είναι ειναι μου μας
              εγώ εμείς πάντα ποτέ που ως""",
    }.items()
}
_FOREIGN_CUES = {
    "preference": r"bevorzuge\w*|lieber|prefere|prefer(?:o|isco|imos|iamo|ons)|prefiero|prefiro|liever|предпочитаю|προτιμώ",
    "decision": r"entschieden|choisi|elegido|decidid[oa]s?|decidimos|deciso|scelto|besloten|gekozen|решили|αποφασίσαμε",
}
# Characters of Chinese that are function words, and hiragana, which spells those of Japanese.
_PARTICLES = re.compile("[\u3040-\u309f的了是在我们你他她它这那和与就都也很把被]")
_APART = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")


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


@cache
def _tokens(content: str) -> list[Token]:
    """The words of a normalised text; identifiers whole, scripts without spaces in runs without particles."""
    found: list[Token] = []
    forms: list[str] = []
    start = previous = 0
    for word in text.words(content):
        if word.opens:
            forms, start = [], word.start
        forms.append(word.form.removesuffix("'s").strip("'"))
        if not word.closes or not forms[0] or _PARTICLES.fullmatch(forms[0]):
            continue
        gap, previous = content[previous:start], word.end
        last = found[-1] if found else None
        if last and not gap and _APART.match(forms[0]) and _APART.match(last.forms[0]):
            found[-1] = last._replace(forms=(last.forms[0] + forms[0],), end=word.end)
        else:
            written = content[start : word.end].removesuffix("'s").removesuffix("'S")
            found.append(Token(written, tuple(forms), start, word.end, gap))
    return found


@cache
def _language(content: str) -> str:
    """The language whose function words a text has most of; `en` unless another one has more."""
    forms = [token.forms[0] for token in _tokens(content)]
    best, most = "en", sum(form in text.FUNCTION_WORDS for form in forms)
    for language, words in _FOREIGN.items():
        count = sum(form in words for form in forms)
        if count > most:
            best, most = language, count
    return best


@cache
def _window(content: str) -> str:
    return text.normalise(content[:DERIVED_FROM])


# -- type -------------------------------------------------------------------------------------------

_LABEL = re.compile(
    r"\s*[\[(]?(preference|decision|fact|entity|relation|procedure|event|question|how-?to)[\])]?(?:(?<=[\])])|:)\s*",
    re.I,
)
_STEP = r"""(?:run|open|click|press|hold|type|call|start|stop|restart|install|add|create|set|export|edit|copy|use|first|
    make|push|pull|check|ssh|select|delete|remove|rebuild|execute|put|turn|ask|send|drain|go\sto|log\sin)\b"""
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*"
_DATE = rf"""\b(?: on\s\w+day\b(?!s) | on\s\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?{_MONTH} | on\s{_MONTH}\s\d | on\s\d{{4}}-\d\d
    | in\s(?:{_MONTH}\s)?(?:19|20)\d\d | in\s{_MONTH}\b | \w+\sago\b | this\smorning | (?:19|20)\d\d-\d\d-\d\d )"""
_PAST = r"""(?<!\bis\s)(?<!\bare\s)(?<!\bbe\s)(?<!\bget\s)(?<!\bgets\s)\b(?!\w*(?:need|feed|speed|seed|indeed|ceed)\b)
    (?:[a-z]{2,}[^\WaeiouE]ed|[a-z]+[ei]ed|lost|met|went|ran|broke|fell|sent|took|came|found|held|left|saw|began|bought|built|
    shut|gave|got|won)\b"""
_SUBJECT = r"(?:(?:the|our|my)\s)?[\w.+#/&'`-]{1,60}(?:\s[\w.+#/&'`-]{1,60}){0,3}?"
# The first that fits; all are read in lower case, without accents.
_TYPE_CUES = tuple(
    (type_, re.compile(pattern, re.VERBOSE))
    for type_, pattern in (
        ("question", r"""[?\u061f\uff1f]["')\s]*$ | ^\W*open\squestion\b
            | ^(?:i'm\s|i\sam\s|still\s)?(?:not\ssure|unsure|unclear|undecided|wondering|i\swonder)\s
              (?:whether|if|how|what|which|where|who|why|when)\b"""),
        ("decision", rf"""\b(?: decided | agreed\s(?:on|to|with|that) | we'?ve?\s(?:have\s)?(?:chosen|picked|adopted) | chose | picked
            | (?:going|went)\swith | settled\son | we(?:'ll|\swill|\sare\sgoing\sto)\suse | opted\sfor
            | (?:switched|moved|migrated|moving|migrating|switching)\s(?:over\s)?(?:to|from|off)
            | (?:we|i)\s(?:have\s)?(?:replaced|dropped|adopted|ditched) | (?:we|i)(?:\shave|'ve)?\sstopped\s\w+ing
            | we\sno\slonger | {_FOREIGN_CUES["decision"]} )\b"""),
        ("procedure", rf"""^to\s(?!be\b)[^.?!]{{2,80}}?[,:]?\s(?:{_STEP}|`) | ^how\sto\b | ^how\si\s
            | ^(?:steps|instructions|recipe)(?:\s(?:to|for)\b|:) | ^[^:]{{0,80}}:?\s*1[.)]\s(?s:.{{1,400}}?)\s2[.)]\s
            | ^(?:first|start\sby)\b(?s:.{{1,200}}?)\bthen\b | ^{_STEP}[^.]{{1,200}}?\bthen\b"""),
        ("event", rf"""^\W*(?:yesterday | last\s(?:night|week|month|year|spring|summer|autumn|fall|winter|\w+day)
            | (?:19|20)\d\d-\d\d-\d\d\s?[:,\u2013-])
            | ^(?!.*\b(?:will|must|should|every|always|never)\b)(?=.*(?:{_DATE}|\byesterday|\blast\s\w+)).*{_PAST}"""),
        ("preference", rf"""\b(?:i|we|you|she|he|who|user|team|they)\s(?:really\s|usually\s|generally\s|strongly\s|all\s|much\s)?
              prefer | \b(?:prefers|favou?rite|i'd\srather|would\srather)\b | (?:^|[.,;:]\s|\b(?:and|but)\s)(?:please\s)?prefer
            | (?:^|[.!,;:]\s|\b(?:i|we|you|should|must|please|but)\s)(?:almost\s)?(?:always|never|avoid|please)\b
            | (?:^|[.!]\s)(?:do\snot|don't|no\smore)\s\w
            | ^(?:use|keep|write|answer|reply|respond|explain|stick\sto|be)\s(?!.*\bto\s\w)
            | \bi(?:\sreally|\sdo|\sjust)?(?:\sdon't|\sdo\snot)?\s(?:like|love|hate|dislike|enjoy|want|can't\sstand)\b
            | ^(?!it\b|this\b|that\b){_SUBJECT}\s(?:likes|loves|hates|dislikes)\s
            | ^(?:i|we)\s.*\b(?:instead\sof|rather\sthan|no\slonger)\b | \b(?:{_FOREIGN_CUES["preference"]})\b"""),
        ("relation", rf"""^(?!(?:i|we|you|it|this|that|there|he|she|they)\b){_SUBJECT}\s(?:also\s|now\s)?
            (?:depends?\son|owns|calls|reports\sto|belongs\sto|replaces|maintains|talks\sto|manages|is\spart\sof
            | (?:is|are)\s(?:owned|maintained|managed|called)\sby|consumes|publishes\sto|subscribes\sto|reads\sfrom
            | writes\sto|works\sfor|is\smarried\sto)\s(?!me\b|it\b|you\b|him\b|her\b|us\b|them\b|every\b|when\b)"""),
    )
)  # fmt: skip
_ROLE = r"\w*(?:er|or|ist|ian|ant|lead|head|boss|founder|cto|ceo|cfo|owner|contact|partner|wife|vet|dad|mom|mum|nurse)"
_ENTITY = re.compile(
    rf"`?([^`\n?!,:;]{{1,40}}?)`? is (?:(?:an?|our|my) (?!(?:bit|lot|good|bad|great|big|huge|pain|mess|must|better|no)\b)"
    rf"|the (?=(?:[\w-]{{1,30}} ){{0,2}}{_ROLE}\b))\w",
    re.I,
)


def type_of(content: str) -> str:
    """The type that a sentence shows by a label or its cues; `fact` when it shows none."""
    content = _window(content).strip()
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

_SUBORDINATE = frozenset(
    "because since when if unless so with without until before after while which that and but then".split()
)
_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://\S+|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}|(?<![\w/])(?:~|\.{1,2})?/\S+"
    r"|(?<![\w/.-])[\w.-]{1,60}(?:/[\w.-]{1,60}){2,}|(?<![\w/.-])[\w-]{1,60}/[\w-]{1,60}\.\w{1,5}\b",
    re.I,
)


def name_of(content: str) -> str:
    """A short snake_case name: the most informative words of the first clause, in their order."""
    content = _window(content)
    label = _LABEL.match(content)
    content = content[label.end() :] if label else content
    beside = {at for span in _ADDRESS.finditer(content) for at in range(*span.span())}
    beside |= {token.start for phrase in _counters(content) for token in phrase}
    empty = _FOREIGN.get(_language(content), frozenset()) | text.FUNCTION_WORDS
    title: list[Token] = []
    spare: list[Token] = []
    for token in _tokens(content):
        if len(title) > 1 and (token.gap.strip(_GLUE) or token.forms[0] in _SUBORDINATE):
            break
        if _says_nothing(token, empty) or token.forms in [one.forms for one in title]:
            continue
        if token.start in beside:
            spare.append(token._replace(forms=token.forms[:1]))
        else:
            (spare if token.forms[0] in _FAINT else title).append(token)
    if not title or (len(title) == 1 and any(text.spread(form) for form in title[0].forms)):
        title += sorted(spare, key=lambda token: token.forms[0] in _FAINT)[: 2 - len(title)]
    chosen: list[Token] = []
    for token in sorted(title, key=lambda token: -_weight(token, title)):
        if len(chosen) < TITLE and sum(len(one.forms) for one in [*chosen, token]) <= max(4, len(token.forms)):
            chosen.append(token)
    chosen.sort(key=lambda token: token.start)
    return "_".join("_".join(token.forms) for token in chosen)[:60].strip("_") or "untitled"


def _says_nothing(token: Token, empty: frozenset[str]) -> bool:
    form = token.forms[0]
    if len(token.forms) > 1 and not form.isdigit():
        return False
    if form in empty or form in _CUES or form[:1].isdigit():
        return True
    stem = form.removesuffix("ly")
    adverb = stem != form and text.frequency(stem) > 0 and stem not in ("night", "week", "month", "year", "hour")
    return adverb or any(re.fullmatch(cues, form) for cues in _FOREIGN_CUES.values())


def _weight(token: Token, title: Sequence[Token]) -> float:
    """How much a word tells: its rarity, and more for the first ones, which are what the sentence is about."""
    if token.forms[0] in _CALENDAR:
        return 0.0
    rarity = min(math.log(30_000 / (1 + text.frequency(form))) for form in token.forms)
    coined = 4 if re.search(r"[a-z][A-Z]|[A-Z]{2}|\w[_\d]", token.written) else 0
    return rarity + coined + max(0, 6 - 3 * title.index(token))


# -- aliases ----------------------------------------------------------------------------------------

_SPAN = re.compile(
    r"`([^`\n]{1,40})`|\"([^\"\n]{2,40})\"|\u201c([^\u201d\n]{2,40})\u201d|\u201e([^\u201c\u201d\n]{2,40})[\u201c\u201d]"
    r"|\u00ab([^\u00bb\n]{2,40})\u00bb|\u300c([^\u300d\n]{1,40})\u300d|(?<!\w)'([^'\n]{2,40})'(?!\w)"
)
_NO_PART = re.compile(r"\b(?:(?:Dr|Mr|Mrs|Ms|Prof)\b\.?(?= [A-Z])|(?:[Cc]lick|[Pp]ress|[Tt]ap|[Hh]it) [A-Z]\w+)")
"""Capitals that belong to no name: titles of people, and what stands on a button."""
_NO_NAME = re.compile(r"[vqp]\d[\d.]*|(?:\w\.)+\w?|\d.*", re.I)
_ENDING = re.compile(r"\w+(?:ing|tion|sion|ment|ness|ity|ance|ence|ship|ism|age|ware|ed|ive|able)")
_PREFIXES = frozenset("non self pre post multi re co semi anti sub ex".split())
RARE = 20
"""`text.spread` below which a part makes a dashed word an identifier: `server` has 14, `side` 2,707."""


def aliases_of(content: str) -> tuple[str, ...]:
    """Surface forms in a sentence that should find it: code, quotes, identifiers, names, what it rules out."""
    content = _window(content)
    found = [next(filter(None, span)) for span in _SPAN.findall(content)]
    found = [surface for surface in found if len(surface.split()) <= 4 and not _ADDRESS.fullmatch(surface)]
    prose = _NO_PART.sub(_blank, _ADDRESS.sub(_blank, _SPAN.sub(_blank, content)))
    found += _names(prose)
    kept: dict[str, str] = {}
    for surface in (" ".join(one.split()) for one in found):
        if text.phrases(surface) and not _is_common(surface, ORDINARY):
            kept.setdefault(text.fold(surface), surface)
    for surface in map(_surface, _counters(prose)):
        if text.phrases(surface) and not _is_common(surface, text.EVERYDAY):
            kept.setdefault(text.fold(surface), surface)
    return tuple(kept.values())[:MAX_DERIVED]


def _blank(found: re.Match[str]) -> str:
    return "," * len(found[0])


def _is_common(surface: str, ordinary: int) -> bool:
    """True for one word that most prompts may hold, whatever they are about."""
    form = text.fold(surface)
    plain = re.fullmatch(r"[\w']+", form) is not None
    if form in text.FUNCTION_WORDS or form in _GENERIC or form.removesuffix("s") in _CALENDAR:
        return True
    return plain and (text.spread(form) >= ordinary or form.isdigit() or len(form) < 2)


def _names(prose: str) -> Iterator[str]:
    """Identifiers, and capitalised neighbours; one that opens a sentence if it reads like a name."""
    tokens = _tokens(prose)
    capitals = [token.capital for token in tokens if token.forms[0] not in text.FUNCTION_WORDS]
    telling = _language(prose) != "de" and not (len(capitals) > 4 and sum(capitals) > 0.8 * len(capitals))
    shouted = prose.isupper()
    run: list[Token] = []
    for token, follower in pairwise([*tokens, Token("", ("",), 0, 0, "."), Token("", ("",), 0, 0, ".")]):
        if run and (token.gap.strip() or not token.capital or _is_plain(token)):
            yield from _named(run, token)
            run = []
        if telling and token.capital and not _is_plain(token):
            run.append(token)
        elif not shouted and _is_identifier(token, follower):
            yield re.sub(r"(?<=[A-Z]{2})s$", "", token.written)


def _is_plain(token: Token) -> bool:
    form = token.forms[0]
    return len(token.forms) == 1 and (
        form in text.FUNCTION_WORDS or form in _CALENDAR or bool(_NO_NAME.fullmatch(form))
    )


def _named(run: list[Token], follower: Token) -> Iterator[str]:
    """The name that a run of capitalised words is, without what opens the sentence and is none."""
    first = run[0]
    opens = not first.start or first.gap.strip(" ,'*_") or "\n" in first.gap or first.gap.strip() == "."
    if opens and not _is_identifier(first, follower) and not _reads_like_a_name(run, follower):
        run = run[1:]
    if len(run) == 1 and run[0].written.isupper() and _is_common(run[0].written, ORDINARY):
        return
    if run:
        yield re.sub(r"(?<=[A-Z]{2})s$", "", " ".join(token.written for token in run))


def _reads_like_a_name(run: Sequence[Token], follower: Token) -> bool:
    """True for a word that opens a sentence bare, with the verb of one thing or person after it."""
    form, verb = run[0].forms[0], follower.forms[0]
    if form in _CUES or form in _GENERIC or text.spread(form) >= ORDINARY or follower.gap.strip():
        return False
    known = text.frequency(form) > 0
    if len(run) > 1:
        return not known or verb in _VERBS.split()
    plural = form.endswith("s") and text.frequency(form[:-1]) > 0
    if plural or (known and _ENDING.fullmatch(form)):
        return False
    return verb in _PERSON_VERBS.split() or (text.spread(form) == 0 and verb in _VERBS.split())


def _is_identifier(token: Token, follower: Token) -> bool:
    """CamelCase, an ACRONYM, or a word with dots, dashes, underscores, digits or signs inside."""
    written = token.written
    if _NO_NAME.fullmatch(written) or not written[:1].isascii():
        return False
    if re.fullmatch(r"[A-Z][A-Z0-9&]{1,7}s?", written):
        return not _is_common(written, ORDINARY)
    if re.search(r"[a-z][A-Z]|[A-Z]{2}[a-z]|[A-Za-z]\w*[._]\w|\d|^\w[+#]+$|^\.\w", written):
        return True
    if "-" not in written or token.forms[0] in _PREFIXES or _ENDING.fullmatch(token.forms[-1]):
        return False
    acts = follower.forms[0] in _VERBS.split()
    stands = acts or bool(follower.gap.strip()) or follower.forms[0] in text.FUNCTION_WORDS
    return stands and any(text.spread(form) < (RARE if acts else 1) for form in token.forms)


# -- what is ruled out ------------------------------------------------------------------------------

_SHIFT = r"(?:switch|mov|migrat)(?:e|ed|ing|es)?"
_COUNTER = re.compile(
    rf"""\b(?: (?:instead\sof|rather\sthan|no\slonger|stop(?:ped)?|quit)\s(?:us(?:e|es|ing)\s)? | {_SHIFT}\s(?:over\s)?(?:away\s)?from\s
      | {_SHIFT}\sto\s[^.,;!?\n]{{1,40}}\sfrom\s | replac(?:ed|e|ing)\s | (?:got\srid\sof|ditched|abandoned|moved\soff)\s
      | (?:prefers?|preferred|chose|chosen|choose|picked?|favou?r|like|want)\s[^.;!?\n]{{1,60}}?\sover\s
      | prefers?\s(?:[\w-]{{1,40}}\s){{1,2}}to\s(?=[\w-]{{1,40}}[.,;!]|[\w-]{{1,40}}$)
      | (?:statt|anstatt|anstelle\svon|au\slieu\s(?:de\s|du\s|d')|en\s(?:lugar|vez)\sde|em\svez\sde|invece\sdi|in\splaats\svan
        | вместо)\s? )|,\snot\s""",
    re.VERBOSE | re.IGNORECASE,
)
_DETERMINERS = frozenset("the a an our my your their all any this that these those".split())


def _counters(content: str) -> Iterator[list[Token]]:
    """What a sentence rules out, as phrases of up to three words: the Y of `X instead of Y`."""
    tokens = _tokens(content)
    for cue in _COUNTER.finditer(content):
        if re.search(r"(?:no longer|stop|stopped|quit) $", cue[0], re.I):  # of doing something, not of a thing
            continue
        phrase: list[Token] = []
        for token in tokens:
            if token.start < cue.end() - 1 or (not phrase and token.forms[0] in _DETERMINERS):
                continue
            if (phrase and token.gap.strip(" '\"`")) or len(phrase) == 3 or token.forms[0] in text.FUNCTION_WORDS:
                break
            phrase.append(token)
        verb = phrase and phrase[0].forms[0].endswith("ing") and not phrase[0].capital
        if phrase and not verb and phrase[0].forms[0] not in _CUES:
            yield phrase


def _surface(phrase: Sequence[Token]) -> str:
    """A phrase as written, or only its names if it has some: the `Jenkins` of an old Jenkins server."""
    names = [token for token in phrase if token.capital]
    return " ".join(token.written for token in names or phrase)
