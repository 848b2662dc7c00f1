"""Words: which beliefs a prompt names, and how well beliefs match a query.

Postings are rows of our own, keyed by scope, so that a query reads the key ranges of visible scopes and
nothing else: document frequency, average length and therefore every score depend on visible beliefs
alone. Scores are Okapi with weighted term frequencies and an idf that is positive at every size;
`reference` computes the same with rank_bm25, and doctor and the tests hold the two together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from mem import text
from mem.belief import ALIAS_WEIGHTS, Alias, Belief
from mem.record import Any, NamedTuple
from mem.store import Indexed, View

# Okapi for short texts: measured on dialogue turns (five LoCoMo conversations, n = 997 questions),
# any-evidence recall@10 was 69.9 with these against 67.1 with 1.5 and 0.75.
K1 = 0.4
B = 0.1

# What one occurrence counts for, by where it stands; aliases carry their own weight. A start, from the
# design, to be tuned on data: a name says what a belief is about, why says what it is good for.
NAME_WEIGHT = 14.0
CONTENT_WEIGHT = 1.0
WHY_WEIGHT = 0.5

COMMON = 10_000
"""Occurrences in ten million words of a word that counts half as much as a rare one."""


Overlay = Mapping[int, Belief | None]
"""Beliefs, by row number, that are not as the rows have them: as a page says now, or None if withheld."""


class Named(NamedTuple):
    """One way in which a prompt names a belief."""

    surface: str
    """The name or alias, as the belief has it."""
    matched: str
    """The words of the prompt."""
    how: str
    """`exact`, `stem` or `typo`."""


class Miss(NamedTuple):
    """A surface that a prompt nearly names."""

    belief: int
    """Row number."""
    surface: str
    reason: str
    """Why it does not count, as the end of a sentence."""


class Statistics(NamedTuple):
    """What scores need to know of the visible beliefs."""

    documents: int
    average_length: float
    """Weighted terms; 1 when there are no documents."""
    frequencies: Mapping[str, int]
    """Documents that hold each term of the query; a term in none is absent."""

    def idf(self, term: str) -> float:
        """Rarity of a term among the visible beliefs; positive at every size."""
        n = self.frequencies.get(term, 0)
        return math.log(1.0 + (self.documents - n + 0.5) / (n + 0.5))

    def curve(self, term: str) -> tuple[float, float, float]:
        """Okapi for one term as (gain, flat, slope): a text scores gain · f / (f + flat + slope · length)."""
        return self.idf(term) * (K1 + 1), K1 * (1 - B), K1 * B / self.average_length


GRAIN = 1024
"""Parts of one in which weights are counted: sums of such numbers are exact, so that an undo leaves no trace."""
MOST_LEARNED = 3
"""Words that one confirmation teaches; a query of more rare words is a quotation."""
SHORTEST_LEARNED = 3

# -- what a belief puts into the index --------------------------------------------------------------


def bag(belief: Belief) -> dict[str, float]:
    """Terms of a belief with their weighted frequency."""
    found: dict[str, float] = {}

    def add(source: str, weight: float) -> None:
        for term, _ in text.terms(source):
            found[term] = found.get(term, 0.0) + weight

    add(belief.name, NAME_WEIGHT)
    for alias in belief.aliases:
        add(alias.text, alias.weight)
    add(belief.content, CONTENT_WEIGHT)
    add(belief.why or "", WHY_WEIGHT)
    return {term: round(weight * GRAIN) / GRAIN for term, weight in found.items()}


def surfaces(belief: Belief) -> list[tuple[str, str, str, str]]:
    """What names a belief, as (key, phrase, surface, origin): its name and its aliases, nothing else.

    A name that is a given alias too counts as given; else it is the name, whatever a text implied or use taught.
    """
    origins = {belief.name: "name"}
    for entry in belief.aliases:
        if _trusted(entry) == "given":
            origins[entry.text] = "given"
        origins.setdefault(entry.text, entry.origin)
    return [
        (_key(phrase), " ".join(phrase), surface, origin)
        for surface, origin in origins.items()
        for phrase in text.phrases(surface)
    ]


def _trusted(entry: Alias) -> str:
    """The origin that counts for naming: a learned alias that was confirmed again is as good as a given one."""
    return "given" if entry.origin == "learned" and entry.weight >= ALIAS_WEIGHTS["given"] else entry.origin


def salient(query: str, belief: Belief) -> list[str]:
    """The words of a query that could have named a belief and did not, rarest first."""
    known = [belief.name, *(entry.text for entry in belief.aliases if entry.origin != "learned")]
    terms = {term for surface in known for term, _ in text.terms(surface)}
    words = {
        term: text.fold(written)
        for term, written in text.terms(query)
        if term not in terms and len(written) >= SHORTEST_LEARNED and text.spread(text.fold(written)) < text.ORDINARY
    }
    return sorted(dict.fromkeys(words.values()), key=lambda word: (text.spread(word), text.frequency(word)))[
        :MOST_LEARNED
    ]


def indexed(belief: Belief) -> Indexed:
    """The retrieval rows of a belief: none unless it is live and approved; no postings once archived."""
    if not belief.live or belief.review != "approved":
        return Indexed({}, [])
    return Indexed(bag(belief) if belief.current else {}, surfaces(belief))


def _key(phrase: Sequence[str]) -> str:
    return " ".join(text.bucket(word) for word in phrase[:2])


def claimants(view: View, belief: Belief) -> set[int]:
    """Row numbers of visible beliefs that are named by the same words as this one's name or a given alias."""
    given = [belief.name] + [entry.text for entry in belief.aliases if entry.origin == "given"]
    wanted = {" ".join(phrase): _key(phrase) for surface in given for phrase in text.phrases(surface)}
    sql = "SELECT belief, phrase FROM surface WHERE scope :scopes AND key"
    return {n for n, phrase in _rows_with(view, sql, set(wanted.values())) if phrase in wanted}


def holders(view: View, terms: Sequence[str]) -> set[int]:
    """Row numbers of visible current beliefs that hold every one of these terms."""
    one = "SELECT belief FROM posting WHERE scope :scopes AND term = ?"
    return {n for (n,) in view.rows(" INTERSECT ".join([one] * len(terms)), *terms)} if terms else set()


# -- naming -----------------------------------------------------------------------------------------


def named(view: View, prompt: str, overlay: Overlay) -> dict[int, list[Named]]:
    """The beliefs that a prompt names, by row number, archived ones too; longest surfaces first.

    A belief is named when its whole name or one alias stands in the prompt as one phrase. A learned
    alias, or a derived one that several visible beliefs share, names nothing: it is no sure sign.
    """
    return examine(view, prompt, overlay)[0]


def examine(view: View, prompt: str, overlay: Overlay) -> tuple[dict[int, list[Named]], list[Miss]]:
    """What a prompt names, and the surfaces that it nearly names, with the reason why not."""
    prompt, words = text.read_prompt(prompt)
    places = _places(words, _misspelt(view, words, overlay))
    sql = "SELECT key, belief, phrase, surface, origin FROM surface WHERE scope :scopes AND key"
    rows = [row for row in _rows_with(view, sql, places) if row[1] not in overlay]
    for n, changed in overlay.items():
        if changed is not None:
            rows += [(key, n, *rest) for key, *rest in indexed(changed).surfaces if key in places]
    owners: dict[str, set[int]] = {}
    for _, belief, phrase, _, _ in rows:
        owners.setdefault(phrase, set()).add(belief)
    result: dict[int, list[Named]] = {}
    misses: list[Miss] = []
    for key, belief, phrase, surface, origin in sorted(rows, key=lambda row: (-len(row[2]), row[1:])):
        wanted = phrase.split(" ")
        found = _first_match(words, places[key], wanted)
        if found is None:
            misses.append(Miss(belief, surface, "its words do not stand there as one phrase"))
            continue
        start, end, how = found
        doubt = _doubt(prompt[start:end], wanted, surface, origin, len(owners[phrase]))
        known = result.setdefault(belief, []) if doubt is None else []
        if doubt is not None:
            misses.append(Miss(belief, surface, doubt))
        elif surface not in (earlier.surface for earlier in known):
            known.append(Named(surface, prompt[start:end], how))
    return result, [miss for miss in misses if miss.belief not in result]


def _doubt(written: str, phrase: Sequence[str], surface: str, origin: str, owners: int) -> str | None:
    """Why a surface that stands in a prompt is no sure sign of its belief, or None if it is one."""
    everyday = len(phrase) == 1 and text.everyday(phrase[0])
    short = len(phrase) == 1 and len(phrase[0]) <= 3 and text.everyday_short(phrase[0])
    own = {surface, surface.capitalize()} if surface.islower() else {surface}
    if origin == "learned":
        return "it was learned, not given"
    if origin == "derived" and owners > 1:
        return f"it was derived, and {owners} visible beliefs share it"
    if origin != "given" and everyday:
        return "it is an everyday word, and was not given as an alias"
    if short and written.removesuffix("'s") not in own and written.removesuffix("s") not in own:
        return f"it is an everyday word unless written {surface}"
    return None


def _misspelt(view: View, words: Sequence[text.Word], overlay: Overlay) -> dict[str, set[str]]:
    """Words of the prompt that may be slips for words of visible names and aliases, with those words."""
    unknown = {
        word.form
        for word in words
        if len(word.form) >= text.MISTYPED - 1 and word.form.isalpha() and not text.frequency(word.form)
    }
    changed = [row for belief in overlay.values() if belief is not None for row in surfaces(belief)]
    spelt = {word for _, phrase, _, _ in changed for word in phrase.split(" ")}
    found: dict[str, set[str]] = {}
    for prefix in {form[:2] for form in unknown}:
        rows = view.rows(
            "SELECT word FROM spelling WHERE scope :scopes AND word >= ? AND word < ?", prefix, prefix + "\U0010ffff"
        )
        known = {word for (word,) in rows} | {word for word in spelt if word.startswith(prefix)}
        for form in unknown - known:
            if form.startswith(prefix):
                near = (word for word in known if -2 < len(word) - len(form) < 2)
                found[form] = {word for word in near if text.typo(form, word)}
    return {form: meant for form, meant in found.items() if meant}


def _places(words: Sequence[text.Word], misspelt: Mapping[str, set[str]]) -> dict[str, list[int]]:
    """Where each one- and two-word key of the prompt begins, slips in one of the words allowed for."""
    buckets = [text.bucket(word.form) for word in words]
    meant = [[text.bucket(word) for word in sorted(misspelt.get(word.form, ()))] for word in words]
    places: dict[str, list[int]] = {}
    for at, word in enumerate(words):
        if not word.opens:
            continue
        keys = [buckets[at], *meant[at]]
        if at + 1 < len(words):
            keys += [f"{one} {buckets[at + 1]}" for one in list(keys)]
            keys += [f"{buckets[at]} {one}" for one in meant[at + 1]]
        for key in keys:
            places.setdefault(key, []).append(at)
    return places


def _first_match(
    words: Sequence[text.Word], places: Iterable[int], phrase: Sequence[str]
) -> tuple[int, int, str] | None:
    """The first place where the phrase stands whole, as (start, end, how)."""
    for at in places:
        run = words[at : at + len(phrase)]
        if len(run) < len(phrase) or not run[-1].closes or run[-1].segment != run[0].segment:
            continue
        how = _how(run, phrase)
        if how is not None:
            return run[0].start, run[-1].end, how
    return None


def _how(run: Sequence[text.Word], phrase: Sequence[str]) -> str | None:
    """How a run of words matches a phrase: all `exact`, some `stem`, one `typo`, or not at all."""
    worst = "exact"
    for word, wanted in zip(run, phrase, strict=True):
        how = text.match(word.form, wanted)
        if how is None:
            if worst == "typo" or not text.typo(word.form, wanted):
                return None
            worst = "typo"
        elif how == "stem" and worst == "exact":
            worst = "stem"
    return worst


def _rows_with(view: View, sql: str, values: Iterable[str]) -> list[tuple[Any, ...]]:
    """Rows whose last column of `sql` is one of many values, asked for a few hundred at a time."""
    wanted = list(values)
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        rows += view.rows(f"{sql} IN ({','.join('?' * len(part))})", *part)
    return rows


# -- scoring ----------------------------------------------------------------------------------------


def statistics(view: View, terms: Iterable[str], overlay: Overlay) -> Statistics:
    """Totals over the visible beliefs, and the document frequency of some terms among them."""
    wanted = set(terms)
    documents, length = view.rows(
        "SELECT COALESCE(SUM(documents), 0), COALESCE(SUM(length), 0.0) FROM scope WHERE n :scopes"
    )[0]
    frequencies: dict[str, int] = dict.fromkeys(wanted, 0)
    for term, count in _rows_with(view, "SELECT term, documents FROM frequency WHERE scope :scopes AND term", wanted):
        frequencies[term] += count
    for n, belief in overlay.items():
        for old_length, old_terms in view.rows(
            "SELECT length, terms FROM document WHERE scope :scopes AND belief = ?", n
        ):
            documents, length = documents - 1, length - old_length
            for term in wanted.intersection(old_terms.split(" ")):
                frequencies[term] -= 1
        fresh = indexed(belief).terms if belief is not None else {}
        if fresh:
            documents, length = documents + 1, length + sum(fresh.values())
            for term in wanted.intersection(fresh):
                frequencies[term] += 1
    found = {term: count for term, count in frequencies.items() if count}
    return Statistics(documents, length / documents if documents else 1.0, found)


def search(view: View, query: Sequence[str], known: Statistics, overlay: Overlay) -> list[dict[int, float]]:
    """For each term, the visible current beliefs that hold it, by row number, and how much of it they do.

    Units: in [0, 1), as `shares`.
    """
    found: list[dict[int, float]] = []
    for term in query:
        _, flat, slope = known.curve(term)
        rows = (
            view.rows("SELECT belief, frequency, length FROM posting WHERE scope :scopes AND term = ?", term)
            if term in known.frequencies
            else ()
        )
        found.append({n: frequency / (frequency + flat + slope * length) for n, frequency, length in rows})
    for n, belief in overlay.items():
        bag_ = indexed(belief).terms if belief is not None else {}
        for term, share, holders_ in zip(query, shares(bag_, query, known), found, strict=True):
            holders_.pop(n, None)
            if term in bag_:
                holders_[n] = share
    return found


def okapi(view: View, query: Sequence[str], known: Statistics, overlay: Overlay) -> dict[int, float]:
    """Okapi's scores of all visible current beliefs that hold a term of the query, by row number.

    Terms are counted once, however often the query repeats them.
    """
    terms = list(dict.fromkeys(query))
    scores: dict[int, float] = {}
    for term, found in zip(terms, search(view, terms, known, overlay), strict=True):
        gain = known.curve(term)[0]
        for n, share in found.items():
            scores[n] = scores.get(n, 0.0) + gain * share
    return scores


def scores(
    view: View, named: Mapping[str, int], query: Sequence[str], known: Statistics, overlay: Overlay
) -> dict[str, float]:
    """Scores of some visible beliefs, given as id to row number; as `search` would give them."""
    found = dict.fromkeys(named, 0.0)
    ids = {n: id_ for id_, n in named.items()}
    stored = ",".join(str(n) for n in ids if n not in overlay)
    sql = f"SELECT belief, term, frequency, length FROM posting WHERE scope :scopes AND belief IN ({stored}) AND term"
    for n, term, frequency, length in _rows_with(view, sql, dict.fromkeys(query)):
        gain, flat, slope = known.curve(term)
        found[ids[n]] += gain * frequency / (frequency + flat + slope * length)
    for n, id_ in ids.items():
        belief = overlay.get(n)
        if belief is not None:
            found[id_] = score(bag(belief), query, known)
    return found


def score(terms: Mapping[str, float], query: Sequence[str], known: Statistics) -> float:
    """The score of one bag of terms, as `search` would give it were it in the index."""
    length = sum(terms.values())
    total = 0.0
    for term in dict.fromkeys(query):
        if term in terms:
            gain, flat, slope = known.curve(term)
            total += gain * terms[term] / (terms[term] + flat + slope * length)
    return total


def shares(terms: Mapping[str, float], query: Sequence[str], known: Statistics) -> list[float]:
    """How much of what each term of the query could score a bag of terms does score.

    Units: in [0, 1), 0 for a term that is not there. `score` is the sum of idf · (k1 + 1) · share.
    """
    length = sum(terms.values())
    flat = K1 * (1 - B) + K1 * B / known.average_length * length
    return [terms[term] / (terms[term] + flat) if term in terms else 0.0 for term in query]


def rarity(word: str) -> float:
    """What a query word counts for anywhere, next to its idf here: in a small store, idf over-rates banal words.

    Units: in (0, 1], 0.5 for a word that is one in a thousand.
    Source: a / (a + p), Arora, Liang & Ma (2017), with p from the table of word frequencies.
    """
    return COMMON / (COMMON + text.frequency(text.fold(word)))


def reference(bags: Sequence[Mapping[str, float]], query: Sequence[str]) -> list[float]:
    """The scores of all bags by rank_bm25's Okapi, given our weights and our idf.

    Source: rank_bm25.BM25Okapi, whose own idf turns negative for a term in half of the texts.
    """
    from rank_bm25 import BM25Okapi  # type: ignore[import-untyped]

    class Reference(BM25Okapi):  # type: ignore[misc]
        def _initialize(self, corpus: Sequence[Mapping[str, float]]) -> dict[str, int]:
            self.corpus_size = len(corpus)
            self.doc_freqs = [dict(entry) for entry in corpus]
            self.doc_len = [sum(entry.values()) for entry in corpus]
            self.avgdl = sum(self.doc_len) / len(corpus)
            counts: dict[str, int] = {}
            for entry in corpus:
                for term in entry:
                    counts[term] = counts.get(term, 0) + 1
            return counts

        def _calc_idf(self, counts: Mapping[str, int]) -> None:
            size = self.corpus_size
            self.idf = {term: math.log(1 + (size - n + 0.5) / (n + 0.5)) for term, n in counts.items()}

    if not bags:
        return []
    return [float(value) for value in Reference(bags, k1=K1, b=B).get_scores(list(dict.fromkeys(query)))]


def stale(view: View) -> list[str]:
    """What the index rows say that the beliefs do not, a sentence each; empty when they agree."""
    found = []
    totals: dict[int, tuple[int, float]] = dict.fromkeys(view.numbers, (0, 0.0))
    counted: dict[tuple[int, str], int] = {}
    for n, scope in view.rows("SELECT n, scope FROM belief WHERE scope :scopes"):
        belief = view.numbered([n])[n]
        wanted = indexed(belief)
        terms = dict(
            view.rows("SELECT term, frequency FROM posting WHERE scope = ? AND belief = ? AND scope :scopes", scope, n)
        )
        surfaces_ = view.rows("SELECT key, phrase, surface, origin FROM surface WHERE scope :scopes AND belief = ?", n)
        if terms != wanted.terms or set(surfaces_) != set(wanted.surfaces):
            found.append(f"the index rows of {belief.id} ({belief.name}) are stale")
        if wanted.terms:
            documents, length = totals[scope]
            totals[scope] = documents + 1, length + sum(wanted.terms.values())
        for term in wanted.terms:
            counted[scope, term] = counted.get((scope, term), 0) + 1
    for n, documents, length in view.rows("SELECT n, documents, length FROM scope WHERE n :scopes"):
        if totals[n][0] != documents or not math.isclose(totals[n][1], length, rel_tol=1e-9, abs_tol=1e-6):
            found.append(f"the totals of scope number {n} are stale")
    rows = view.rows("SELECT scope, term, documents FROM frequency WHERE scope :scopes")
    if {(scope, term): documents for scope, term, documents in rows} != counted:
        found.append("the document frequencies are stale")
    return found


def verify(view: View, queries: Sequence[Sequence[str]]) -> tuple[float, int]:
    """Compare our scores with rank_bm25's on these queries.

    Returns the largest difference of a score, and the number of queries whose order differs.
    """
    numbers = [n for (n,) in view.rows("SELECT n FROM belief WHERE scope :scopes AND current ORDER BY n")]
    beliefs = view.numbered(numbers)
    bags = [bag(beliefs[n]) for n in numbers]
    worst, disordered = 0.0, 0
    for query in queries:
        ours = okapi(view, query, statistics(view, query, {}), {})
        theirs = dict(zip(numbers, reference(bags, query), strict=True))
        worst = max([worst, *(abs(ours.get(n, 0.0) - theirs[n]) for n in numbers)])
        mine = sorted(ours, key=lambda n: (-round(ours[n], 9), n))
        disordered += mine != sorted((n for n in numbers if theirs[n] > 0), key=lambda n: (-round(theirs[n], 9), n))
    return worst, disordered
