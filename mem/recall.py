"""Ranked recall: how relevant a belief is, what else speaks for it, and which ones are worth showing.

Relevance and prior are two numbers. Relevance is the match alone, in [0, 1]; admission looks at nothing
else. The prior only orders what was admitted.

Three channels make relevance: the query's words; words close to them in meaning, token by token (*soft*);
and the likeness of query and belief as a whole (*embedding*), which counts for more the less the words find.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice

from mem import lexical, text
from mem.belief import Belief
from mem.lexical import Overlay
from mem.record import TYPE_CHECKING, NamedTuple
from mem.retention import elapsed_days, retention
from mem.store import View

if TYPE_CHECKING:
    from mem.embedding import Meaning

PRIOR_LOW, PRIOR_HIGH = 0.8, 1.2


# The weights of the channels, chosen on the dev half of tests/recall (n = 102 questions of meaning) and on five LoCoMo
# conversations (n = 997). Over SOFT 0.4 to 0.8, EMBEDDING 0.2 to 0.4 and EMBEDDING_ALONE 0.3 to 1.5, recall@1 of the
# first went from 61 to 71, and any-evidence recall@10 of the second stayed between 84.4 and 85.0.
NEAR = 0.4
"""Cosine of two tokens below which they have nothing to do with each other."""
SOFT = 0.6
"""What a word counts for that is only met in meaning."""
EMBEDDING = 0.2
"""What the likeness of the whole counts for where words find all of the query."""
EMBEDDING_ALONE = 1.5
"""What it counts for in addition where they find nothing."""
LENT = 0.6
"""Part of its score that an event lends to the next one of its session; to the one after that, the square."""
REACH = 4
"""Events that the lending reaches on each side: 0.6 to the fifth is 0.08."""
LENT_EVEN = 0.5
"""The same for likeness as a whole, which is evened out instead; it reaches `REACH_EVEN` events."""
REACH_EVEN = 2
LIKELY = 200
"""Beliefs of the most words, and as many of the likeliest vectors, whose meaning is compared in full."""
TAIL = 0.1
"""Part of the best relevance below which a hit is noise (tests/recall, n = 195 answerable: it cuts no answer)."""
TOLD = 0.55
"""Cosine of two tokens from which on a person sees why a belief came up."""
PROMISING = 60
"""Of these, the best ones whose neighbours are compared as well."""
SURE = 2.0
"""What close words count for, next to exact ones, where it is asked whether there is an answer at all."""
SURE_WHOLE = 1.0
"""What likeness as a whole counts for there: less, as a question about the same things that has no answer is alike
too (on a set by others, n = 70, false answers at the middle were 43 % with 2.0, and 27 % with this)."""
ENOUGH = 1.2
"""Support from which on a query counts as answered. On the dev half of tests/recall (n = 55 questions without an
answer, 98 with one) few answers are false (10 %) and few lost (3 %) from 1.09 to 1.26; higher in there than the
middle, since a question that a store nearly answers is harder to tell than most of those 55."""
ENOUGH_WORDS = 0.42
"""The same where only words can be compared."""


Near = Mapping[int, Mapping[int, float]]
"""For each token of a query, the tokens whose cosine with it is `NEAR` or more."""


class Word(NamedTuple):
    """One word of a query."""

    weight: float
    """Its idf among the visible beliefs times its global rarity."""
    tokens: tuple[int, ...]
    """What the embedding model makes of it; empty where meaning is off."""


class Match(NamedTuple):
    """How one belief answers a query."""

    lexical: float
    """Share of the query, by weight, that its words hold; in [0, 1]."""
    soft: float | None = None
    """What words close in meaning add to that, so that the sum is at most 1; None where meaning is off."""
    embedding: float | None = None
    """Cosine of the whole."""

    @property
    def worded(self) -> float:
        """What single words say, exact or close."""
        return self.lexical + SOFT * (self.soft or 0.0)


class Because(NamedTuple):
    """One reason why a belief came up."""

    surface: str
    """The words of the belief."""
    matched: str
    """The words of the prompt or query."""
    how: str
    """`exact`, `stem`, `soft` (close in meaning), `typo`, `relation`, `pinned` or `persona`."""


class Hit(NamedTuple):
    """One belief that answers a query."""

    belief: Belief
    relevance: float
    """Match alone, in [0, 1]: what words, meaning and neighbours say, of the most that they could."""
    prior: float
    retention: float
    channels: Mapping[str, float | None]
    """What each channel gave; None for one that is off."""
    because: tuple[Because, ...]

    @property
    def score(self) -> float:
        """What hits are ordered by."""
        return self.relevance * self.prior


def strength(belief: Belief, now: datetime) -> float:
    """Retention of a belief at this moment; 1 for what is pinned, which never fades."""
    return 1.0 if belief.pinned else retention(belief.stability, elapsed_days(belief.anchor, now))


def prior(belief: Belief, now: datetime) -> float:
    """How much speaks for a belief apart from the query.

    Units: a factor in [0.8, 1.2]: half the span from retention, three eighths from confidence, one
    eighth from having been confirmed. Narrow on purpose: a third more relevance always wins.
    """
    merit = 0.5 * strength(belief, now) + 0.375 * belief.confidence + 0.125 * (belief.confirmed is not None)
    return PRIOR_LOW + (PRIOR_HIGH - PRIOR_LOW) * merit


# -- relevance --------------------------------------------------------------------------------------


def match(
    words: Sequence[Word],
    shares: Sequence[float],
    tokens: Collection[int] = (),
    near: Near | None = None,
    embedding: float | None = None,
) -> Match:
    """How a belief answers a query, given what its terms and its tokens hold of it.

    Shapes: shares has one number in [0, 1] for each word (`lexical.shares`). `near` has, for each token of a word,
    the tokens close to it; None turns soft matching off.
    """
    total = sum(word.weight for word in words) or 1.0
    lexical = sum(word.weight * share for word, share in zip(words, shares, strict=True)) / total
    if near is None:
        return Match(lexical, None, embedding)
    soft = 0.0
    for word, share in zip(words, shares, strict=True):
        if share < 1.0:
            soft += word.weight * max(0.0, _nearness(word.tokens, tokens, near) - share)
    return Match(lexical, soft / total, embedding)


def _nearness(word: Sequence[int], tokens: Collection[int], near: Near) -> float:
    """How close the closest tokens of a belief come to a word: 0 at `NEAR`, 1 at the same."""
    best = 0.0
    for piece in word:
        close = near[piece]
        best += max((close[token] for token in close.keys() & tokens), default=0.0)
    return max(0.0, (best / len(word) - NEAR) / (1 - NEAR)) if word else 0.0


def relevance(matches: Mapping[int, Match], sessions: Sequence[Sequence[int]] = ()) -> dict[int, float]:
    """Relevance of every belief, by row number.

    Units: in [0, 1]. `sessions` are the row numbers of the events of a session, in the order of their time:
    what their words say is lent to their neighbours, and their likeness as a whole is evened out among them.
    """
    return _joined(matches, _worded(matches, sessions), sessions)


def _worded(matches: Mapping[int, Match], sessions: Sequence[Sequence[int]]) -> dict[int, float]:
    """What single words say of each belief, of its own and lent."""
    return lend({n: found.worded for n, found in matches.items()}, sessions)


def _joined(
    matches: Mapping[int, Match], worded: dict[int, float], sessions: Sequence[Sequence[int]]
) -> dict[int, float]:
    """What single words say and what the whole says, in one number."""
    if all(found.embedding is None for found in matches.values()):
        return worded
    likeness = even({n: max(0.0, found.embedding or 0.0) for n, found in matches.items()}, sessions)
    best = max(found.lexical for found in matches.values())
    weight = EMBEDDING + EMBEDDING_ALONE * (1 - best)
    return {n: (value + weight * likeness.get(n, 0.0)) / (1 + weight) for n, value in worded.items()}


def lend(scores: Mapping[int, float], sessions: Collection[Sequence[int]]) -> dict[int, float]:
    """Scores in [0, 1] with what the neighbours in a session add; neighbours may come up by that alone.

    As independent reasons add up: nothing goes beyond 1, and nothing is lost.
    """
    if not sessions:
        return {n: min(1.0, score) for n, score in scores.items()}
    doubts = {n: 1 - min(1.0, score) for n, score in scores.items()}
    for events in sessions:
        for at, n in enumerate(events):
            score = min(1.0, scores.get(n, 0.0))
            for distance, other in _around(events, at, REACH) if score > 0 else ():
                doubts[other] = doubts.get(other, 1.0) * (1 - LENT**distance * score)
    return {n: 1 - doubt for n, doubt in doubts.items()}


def even(likeness: Mapping[int, float], sessions: Iterable[Sequence[int]]) -> dict[int, float]:
    """Likeness of each belief, that of an event as the mean over the events next to it, the closest counting most.

    Every text is a little like every other, so that sums would only tell who has many neighbours.
    """
    result = dict(likeness)
    for events in sessions:
        for at, n in enumerate(events):
            near = [(0, n), *_around(events, at, REACH_EVEN)]
            known = [(LENT_EVEN**distance, likeness[other]) for distance, other in near if other in likeness]
            if n in likeness:
                result[n] = sum(share * value for share, value in known) / sum(share for share, _ in known)
    return result


def _around(events: Sequence[int], at: int, reach: int) -> list[tuple[int, int]]:
    """The events within reach on both sides, as (distance, event)."""
    near = range(max(0, at - reach), min(len(events), at + reach + 1))
    return [(abs(place - at), events[place]) for place in near if place != at]


def support(found: Match) -> float:
    """How sure it is that a belief answers at all; 0 without a word or a close one: likeness alone admits nothing."""
    if found.embedding is None or not (found.lexical or found.soft):
        return found.lexical
    return found.lexical + SURE * (found.soft or 0.0) + SURE_WHOLE * max(0.0, found.embedding)


def answered(matches: Iterable[Match]) -> bool:
    """True if any belief has enough support; calibrated on questions that a store can and cannot answer."""
    return any(support(found) >= (ENOUGH_WORDS if found.embedding is None else ENOUGH) for found in matches)


# -- search -----------------------------------------------------------------------------------------


class Sense(NamedTuple):
    """What a query means."""

    meaning: Meaning
    """The model that says so."""
    vector: Sequence[float]
    """Of length 1, or zeros."""


class Found(NamedTuple):
    """What a search came up with, by row number."""

    words: dict[str, str]
    """The terms of the query, and how each was written."""
    near: dict[str, dict[int, float]]
    """For each term, the tokens of beliefs that are close enough to it to be told as a reason, with their cosine."""
    matches: dict[int, Match]
    relevance: dict[int, float]
    admitted: set[int]
    """Those that a word speaks for, exact or close, its own or an event's beside it."""
    keywords: bool
    """True if the query asks nothing, and only names what to look for."""

    def answers(self, among: Collection[int]) -> set[int]:
        """Those of some beliefs that are worth showing: none, where none of them answers the query."""
        matches = [self.matches[n] for n in among if n in self.matches]
        if not answered(matches) and not (self.keywords and any(found.lexical for found in matches)):
            return set()
        admitted = self.admitted.intersection(among)
        floor = TAIL * max(self.relevance[n] for n in admitted)
        return {n for n in admitted if self.relevance[n] >= floor}


def search(view: View, query: str, overlay: Overlay, extra: Mapping[int, Belief], sense: Sense | None, k: int) -> Found:
    """How the visible beliefs answer a query; the best k are among them.

    `overlay` are beliefs that are not as the rows have them, `extra` some that are not current and so have no
    postings. What meaning is compared with is chosen by words, and by a look at all vectors that is quick and rough.
    """
    written = dict(reversed(list(text.terms(query))))
    known = lexical.statistics(view, written, overlay)
    bags = {n: lexical.bag(belief) for n, belief in extra.items()}
    held = lexical.search(view, list(written), known, overlay)
    for n, bag in bags.items():
        for share, holders in zip(lexical.shares(bag, list(written), known), held, strict=True):
            if share:
                holders[n] = share
    words = [
        Word(
            known.idf(term) * lexical.rarity(word), tuple(sense.meaning.table.tokens(word)) if sense is not None else ()
        )
        for term, word in written.items()
    ]
    shares = _lexical(words, held)
    matches = {n: Match(shares[n]) for n in contenders(shares, max(k, LIKELY))}
    near: dict[int, dict[int, float]] = {}
    if sense is not None:
        near = _meant(view, words, held, matches, sense, overlay, extra)
    scores = {n: found.worded for n, found in matches.items()}
    sessions = _sessions(view, heapq.nlargest(2 * LIKELY, scores, key=scores.__getitem__), overlay)
    worded = _worded(matches, sessions)
    return Found(
        written,
        {term: _told(word, near) for term, word in zip(written, words, strict=True)},
        matches,
        _joined(matches, worded, sessions),
        {n for n, value in worded.items() if value > 0},
        "?" not in query and text.FUNCTION_WORDS.isdisjoint(text.fold(query).split()),
    )


def _told(word: Word, near: Near) -> dict[int, float]:
    """The tokens that are close to any of a word's."""
    found: dict[int, float] = {}
    for piece in word.tokens:
        for token, cosine in near.get(piece, {}).items():
            if cosine >= max(TOLD, found.get(token, 0.0)):
                found[token] = cosine
    return found


def _lexical(words: Sequence[Word], held: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Share of the query that each belief's words hold."""
    total = sum(word.weight for word in words) or 1.0
    found: dict[int, float] = {}
    for word, holders in zip(words, held, strict=True):
        weight = word.weight / total
        for n, share in holders.items():
            found[n] = found.get(n, 0.0) + weight * share
    return found


def _meant(
    view: View,
    words: Sequence[Word],
    held: Sequence[Mapping[int, float]],
    matches: dict[int, Match],
    sense: Sense,
    overlay: Overlay,
    extra: Mapping[int, Belief],
) -> dict[int, dict[int, float]]:
    """Complete the matches of the beliefs that are worth comparing by meaning; returns the tokens that are close."""
    from mem import embedding

    meaning, vector = sense
    lexical_ = {n: found.lexical for n, found in matches.items()}
    likely = {*heapq.nlargest(LIKELY, lexical_, key=lexical_.__getitem__), *embedding.nearest(view, vector, LIKELY)}
    known = embedding.stored(view, (likely | extra.keys()) - overlay.keys())
    texts = {n: belief for n, belief in overlay.items() if belief is not None and (belief.current or n in extra)}
    known |= embedding.unstored(meaning, dict(islice(texts.items(), LIKELY)))
    cosines = {n: meaning.likeness(vector, packed) for n, (packed, _) in known.items()}
    promise = {n: lexical_.get(n, 0.0) + EMBEDDING * value for n, value in cosines.items()}
    best = heapq.nlargest(PROMISING, promise, key=promise.__getitem__)
    beside = _beside(best, _sessions(view, best, overlay), REACH_EVEN) - known.keys() - overlay.keys()
    for n, entry in embedding.stored(view, beside).items():
        known[n], cosines[n] = entry, meaning.likeness(vector, entry[0])
    pieces = {token for word in words for token in word.tokens}
    near = meaning.table.near(pieces, set().union(*(tokens for _, tokens in known.values())), NEAR)
    for n, (_, tokens) in known.items():
        matches[n] = match(words, [holders.get(n, 0.0) for holders in held], tokens, near, cosines[n])
    return near


def _sessions(view: View, numbers: Sequence[int], overlay: Overlay) -> list[list[int]]:
    """The sessions that some beliefs are events of: all visible current events of each, by time, then as they came."""
    wanted = ",".join(map(str, numbers))
    keys = view.rows(
        f"SELECT DISTINCT scope, session FROM belief WHERE scope :scopes AND n IN ({wanted}) AND session IS NOT NULL"
    )
    found = []
    for scope, session in keys:
        rows = view.rows(
            """SELECT n
               FROM belief
               WHERE scope = ? AND session = ? AND scope :scopes AND current AND type = 'event'
               ORDER BY created, n""",
            scope, session,
        )  # fmt: skip
        found.append([n for (n,) in rows if n not in overlay or _is_event(overlay[n])])
    return found


def _is_event(belief: Belief | None) -> bool:
    return belief is not None and belief.current and belief.type == "event"


def _beside(numbers: Iterable[int], sessions: Iterable[Sequence[int]], reach: int) -> set[int]:
    """The events within reach of some beliefs."""
    wanted = set(numbers)
    return {
        other
        for events in sessions
        for at, n in enumerate(events)
        if n in wanted
        for _, other in _around(events, at, reach)
    }


# -- order ------------------------------------------------------------------------------------------


def contenders(relevance: Mapping[int, float], k: int) -> list[int]:
    """Row numbers that can still be among the best k once priors are known, best relevance first."""
    best = heapq.nlargest(k, relevance.values())
    if not best:
        return []
    floor = best[-1] * PRIOR_LOW / PRIOR_HIGH
    return sorted((n for n, value in relevance.items() if value >= floor), key=lambda n: (-relevance[n], n))


def rank(hits: Sequence[Hit], k: int) -> list[Hit]:
    """The best k, best first; equals by id, so that the order is the same everywhere."""
    return sorted(hits, key=lambda hit: (-round(hit.score, 12), hit.belief.id))[:k]
