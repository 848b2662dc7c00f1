"""Words: splitting, folding, matching, and what may leave for a terminal or an agent."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mem import text
from tests.strategies import CHARACTERS

# -- words ------------------------------------------------------------------------------------------


def edges(source: str) -> list[tuple[str, bool, bool]]:
    return [(word.form, word.opens, word.closes) for word in text.words(text.normalise(source))]


def segments(source: str) -> list[int]:
    return [word.segment for word in text.words(text.normalise(source))]


def test_words_keep_order_and_fold_case() -> None:
    assert edges("Postgres IS\nfast") == [("postgres", True, True), ("is", True, True), ("fast", True, True)]


@pytest.mark.parametrize("written", ["node.js", "node-js", "node_js", "node@js", "node:js", "node&js"])
def test_a_piece_of_an_identifier_is_neither_a_phrase_nor_the_end_of_one(written: str) -> None:
    assert edges(f"use {written} now")[1:3] == [("node", True, False), ("js", False, True)]


def test_a_slash_divides_words_that_can_be_named_alone() -> None:
    assert edges("client/server") == [("client", True, True), ("server", True, True)]
    assert edges("CI/CD") == [("ci/cd", True, True)]  # short ones are one word: `R&D` is not the road in `Mill Rd`


@pytest.mark.parametrize("written", ["C++", "F#", ".env", "what's"])
def test_signs_that_belong_to_a_word_stay_with_it(written: str) -> None:
    assert edges(f"({written})") == [(written.lower(), True, True)]


def test_every_character_of_a_script_without_spaces_is_a_word() -> None:
    assert edges("数据库 DB") == [*[(c, True, True) for c in "数据库"], ("db", True, True)]


def test_words_beside_characters_of_such_a_script_can_be_named() -> None:
    assert edges("用Postgres库") == [("用", True, True), ("postgres", True, True), ("库", True, True)]


@pytest.mark.parametrize("gap", [". ", ", ", "\n\n", " \r\n \r\n", "; ", " (", " – "])
def test_punctuation_and_blank_lines_end_a_phrase(gap: str) -> None:
    assert segments(f"blue{gap}whale") == [0, 1]


@pytest.mark.parametrize("gap", [" ", "\n", "\r\n", " **", " `", ' "', "\u00a0", " \u2018"])
def test_blanks_line_breaks_and_emphasis_do_not_end_a_phrase(gap: str) -> None:
    assert segments(f"blue{gap}whale") == [0, 0]


@given(st.text(CHARACTERS, max_size=80))
def test_words_lie_in_the_text_in_order_and_do_not_overlap(source: str) -> None:
    source = text.normalise(source)
    end = 0
    for word in text.words(source):
        assert word.form and end <= word.start < word.end <= len(source)
        end = word.end


@given(st.text(st.characters(max_codepoint=127)) | st.text("aB1 ._-/:@&'+#\n", max_size=12))
def test_the_quick_scanner_reads_ascii_as_the_general_one_does(source: str) -> None:
    quick, general = text._scanner(True), text._scanner(False)
    chunks = [found.span() for found in quick.chunk.finditer(source)]
    assert chunks == [found.span() for found in general.chunk.finditer(source)]
    for start, end in chunks:
        pieces = [found.span() for found in quick.piece.finditer(source[start:end])]
        assert pieces == [found.span() for found in general.piece.finditer(source[start:end])]


# -- fold and normalise -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Café", "cafe"),
        ("CAFE\u0301", "cafe"),
        ("Straße", "strasse"),
        ("ＤＢ２", "db2"),
        ("İstanbul", "istanbul"),
        ("ﬁle", "file"),
        ("it’s", "it's"),
        ("Йод", "йод"),
        ("हिन्दी", "हिन्दी"),
        ("한국어", "한국어"),
    ],
)
def test_folding_takes_away_case_and_accents_only(written: str, folded: str) -> None:
    assert text.fold(written) == folded


@given(st.text(st.characters(max_codepoint=127)))
def test_folding_ascii_is_lower_case(source: str) -> None:
    assert text.fold(source) == source.lower() == text.fold(source + "é")[:-1]


# -- terms ------------------------------------------------------------------------------------------


def bag(source: str) -> list[str]:
    return [term for term, _ in text.terms(source)]


@pytest.mark.parametrize(
    ("source", "terms"),
    [
        ("the databases are deployed", ["databas", "deploy"]),
        ("node.js", ["node.js", "node", "js"]),
        ("snake_case", ["snake_case", "snake", "case"]),
        ("CI/CD", ["ci/cd", "ci", "cd"]),
        ("CamelCase", ["camelcas", "camel", "case"]),
        ("HTTPServer", ["httpserver", "http", "server"]),
        (".env C++ v2.1", [".env", "c++", "v2.1", "v2", "1"]),
        ("John's", ["john"]),
        ("Café", ["cafe"]),
        ("数据库", ["数据", "据库"]),
        ("Postgres数据", ["postgr", "数据"]),
        ("库", ["库"]),
        ("what is it?", []),
        ("", []),
    ],
)
def test_terms_are_stems_whole_identifiers_their_parts_and_pairs_of_characters(source: str, terms: list[str]) -> None:
    assert bag(source) == terms


def test_terms_say_which_words_they_came_from() -> None:
    assert list(text.terms("Deploying node.js")) == [
        ("deploy", "Deploying"),
        ("node.js", "node.js"),
        ("node", "node.js"),
        ("js", "node.js"),
    ]


# -- phrases ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("surface", "phrases"),
    [
        ("store_of_record", [("store", "of", "record"), ("storeofrecord",)]),
        ("blue-whale", [("blue", "whale"), ("bluewhale",)]),
        ("Blue  Whale", [("blue", "whale")]),
        ("TypeScript", [("typescript",), ("type", "script")]),
        ("HTTPServer", [("httpserver",), ("http", "server")]),
        ("C++", [("c++",)]),
        ("数 据", [("数", "据")]),
        ("***", []),
    ],
)
def test_a_surface_is_named_as_written_with_its_capitals_split_and_in_one_word(
    surface: str, phrases: list[tuple[str, ...]]
) -> None:
    assert text.phrases(surface) == phrases


# -- match ------------------------------------------------------------------------------------------

INFLECTED = """edits/edit editing/edit edited/edit databases/database database's/database deploying/deploy
    policies/policy stopped/stop stopping/stop stopping/stopped services/service caching/cache caches/cache
    cached/caching boxes/box's studies/study studying/study tests/testing
    decided/decide deciding/decides agreed/agreeing kubernetes's/kubernetes""".split()
UNRELATED = """edition/edit editor/edit university/universe organization/organ factory/facts relational/relation
    processor/process pgx/pg used/us news/newer general/generous postgresql/postgres draft/drift server/service
    feed/fees seed/sees caring/car needed/need's-be dbed/db organ/organize""".split()


@pytest.mark.parametrize("pair", INFLECTED)
def test_an_inflection_matches_its_word_both_ways(pair: str) -> None:
    a, b = pair.split("/")
    assert text.match(a, b) == text.match(b, a) == "stem"


@pytest.mark.parametrize("pair", UNRELATED)
def test_a_derived_or_similar_word_does_not_match(pair: str) -> None:
    a, b = pair.split("/")
    assert text.match(a, b) is text.match(b, a) is None


def test_a_word_matches_itself_exactly() -> None:
    assert text.match("postgres", "postgres") == "exact"


@pytest.mark.parametrize("pair", INFLECTED)
def test_inflections_share_their_bucket(pair: str) -> None:
    a, b = pair.split("/")
    assert text.bucket(a) == text.bucket(b)


ENDINGS = st.sampled_from(["", "s", "es", "d", "ed", "ing", "'s", "e", "y", "ying", "ies"])
ROOTS = st.text("abcdeginrstyz2é", min_size=1, max_size=7)


@given(ROOTS, ENDINGS, ENDINGS)
def test_whatever_matches_is_found_in_one_bucket(root: str, one: str, other: str) -> None:
    a, b = text.fold(root + one), text.fold(root + other)
    assert text.match(a, b) is None or text.bucket(a) == text.bucket(b)


def test_a_letter_and_its_plural_share_their_bucket() -> None:
    assert text.match("rs", "r") == "stem"
    assert text.bucket("rs") == text.bucket("r")


# -- shown ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "plain\ttext\nin lines",
        "می\u200cخواهم",  # Persian needs the zero-width non-joiner
        "क्\u200dष",  # Hindi the joiner
        "👩\u200d💻 👍🏽 ❤\ufe0f",
        "Ünïcödé 数据库 한국어",
        "\u0600١٢٣",  # an Arabic sign that is visible, though of the category of invisible ones
    ],
)
def test_what_scripts_and_emoji_need_is_shown_as_it_is(source: str) -> None:
    assert text.shown(source) == source


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("a\x1b[31mb", "a␛[31mb"),
        ("a\x00b\x07", "a␀b␇"),
        ("a\x7fb\x9bc", "a\\x7fb\\x9bc"),
        ("a\r\nb\rc", "a\nbc"),
        ("a\udc80b", "ab"),
    ],
)
def test_controls_become_visible_and_carriage_returns_go(source: str, shown: str) -> None:
    assert text.shown(source) == shown


BIDI = [chr(n) for n in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]
TAGS = [chr(n) for n in (0xE0001, *range(0xE0020, 0xE0080))]
ZERO_WIDTH = [chr(n) for n in (0x200B, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0xFEFF, 0x180E)]
FORMAT = [chr(n) for n in (0x00AD, 0x034F, *range(0xFFF9, 0xFFFC))]
SELECTORS = [chr(n) for n in range(0xE0100, 0xE01F0)]
"""A run of these after one letter carries any text unseen; only Han characters have a use for one of them."""


@pytest.mark.parametrize(
    "characters",
    [BIDI, TAGS, ZERO_WIDTH, FORMAT, SELECTORS],
    ids=["bidi", "tags", "zero-width", "format", "selectors"],
)
def test_what_hides_or_reorders_text_is_not_shown(characters: list[str]) -> None:
    kept = [f"U+{ord(one):04X} {unicodedata.name(one, '')}" for one in characters if one in text.shown(f"a{one}b")]
    assert kept == []


@given(st.text(st.characters() | st.sampled_from([*BIDI, *ZERO_WIDTH, "\x1b", "\r"]), max_size=40))
def test_what_is_shown_can_be_shown_again(source: str) -> None:
    once = text.shown(source)
    assert text.shown(once) == once
    assert not any(unicodedata.category(one) in ("Cc", "Cs") and one not in "\t\n" for one in once)


# -- fault ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["", "a\tb\r\nc", "👩\u200d💻", "x" * text.MAX_TEXT, "\u2028\ufeff"])
def test_ordinary_text_has_no_fault(source: str) -> None:
    assert text.fault(source) is None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("ab\x00", "U+0000) at character 3"),
        ("\x1b[31m", "U+001B) at character 1"),
        ("a\x7f", "U+007F"),
        ("a\x85", "U+0085"),
        ("a\udcff", "not UTF-8 at character 2"),
        ("x" * (text.MAX_TEXT + 1), "65,537 characters, and 65,536 are allowed"),
    ],
)
def test_a_fault_says_what_is_wrong_and_where(source: str, said: str) -> None:
    assert said in (text.fault(source) or "")


# -- size -------------------------------------------------------------------------------------------

HOSTILE = [
    unit * (text.MAX_TEXT // len(unit)) for unit in ("a", "a.", "aB", "'", "a'", "+", "+_", "库", "é-", "a\n", ".")
]


@pytest.mark.parametrize("source", HOSTILE, ids=[repr(one[:2]) for one in HOSTILE])
def test_the_longest_text_is_read_to_its_end(source: str) -> None:
    words = text.words(source)
    assert not words or words[-1].end >= len(source) - 2
    assert len(list(text.terms(source))) <= 3 * len(source)


@pytest.mark.parametrize(
    ("language", "written", "wanted", "how"),
    [
        ("german", "rechnungen", "rechnung", "stem"),
        ("german", "rechnung", "rechner", None),
        ("french", "factures", "facture", "stem"),
        ("spanish", "facturas", "factura", "stem"),
        ("italian", "fatture", "fattura", "stem"),
        ("russian", "счета", "счет", "stem"),
        ("russian", "счастье", "счет", None),
        ("english", "rechnungen", "rechnung", None),
    ],
)
def test_words_inflect_as_the_language_of_the_store_says(
    language: str, written: str, wanted: str, how: str | None
) -> None:
    text.speak(language)
    try:
        assert text.match(written, wanted) == how
        assert how is None or text.bucket(written) == text.bucket(wanted)
    finally:
        text.speak("english")


def test_every_language_has_a_stemmer() -> None:
    for language in text.LANGUAGES:
        text.speak(language)
        assert text.stem("abcdef")
    text.speak("english")


# -- secrets ----------------------------------------------------------------------------------------

# Put together here, so that no scanner of this repository takes them for real.
LETTERS = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF" * 4
SECRETS = {
    "a private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----\n" + LETTERS[:64],
    "a key of AWS": "AKIA" + "QYLPMN5HHHFPZAM2",
    "a token of GitHub": "ghp_" + LETTERS[:36],
    "a token of GitLab": "glpat-" + LETTERS[:20],
    "a token of Slack": "xoxb-" + "2314567890-" + LETTERS[:24],
    "a key of OpenAI or Anthropic": "sk-ant-" + "api03-" + LETTERS[:40],
    "a key of Stripe": "sk_live_" + LETTERS[:24],
    "a key of Google": "AIza" + LETTERS[:35],
    "a token of npm": "npm_" + LETTERS[:36],
    "a token of PyPI": "pypi-" + "AgEIcHlwaS5vcmc" + LETTERS[:60],
    "a token of Hugging Face": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
    "a token of DigitalOcean": "dop_v1_" + "0123456789abcdef" * 4,
    "a key of SendGrid": "SG." + LETTERS[:22] + "." + LETTERS[:43],
    "a signed web token": "eyJ" + LETTERS[:17] + ".eyJ" + LETTERS[:30] + "." + LETTERS[:43],
    "an address with a password": "postgres://app:" + "s3cr3tpw" + "@db.internal/orders",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_known_by_its_shape(kind: str) -> None:
    assert text.secret(f"First line.\nThe key is {SECRETS[kind]}, keep it.") == (kind, 2)


@pytest.mark.parametrize("kind", SECRETS)
def test_half_a_secret_or_its_beginning_within_a_word_is_none(kind: str) -> None:
    whole = SECRETS[kind]
    assert text.secret(f"It begins with {whole[: len(whole) // 3]} as all of them do.") is None


def test_the_first_secret_is_told() -> None:
    assert text.secret(f"{SECRETS['a token of npm']}\n{SECRETS['a key of AWS']}") == ("a token of npm", 1)


@pytest.mark.parametrize(
    "harmless",
    [
        "Tokens begin with ghp_ and keys with AKIA or sk-.",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "postgres://user:password@localhost/db",
        "postgres://user:$PGPASSWORD@db/orders",
        "postgres://user:<secret>@db/orders",
        "https://example.org:8080/@me/page",
        "git@github.com:me/atlas.git",
        "ssh://git@host:22/x",
        "3aee21b3aee21b3aee21b3aee21b3aee21b3aee21b",
        "The password is in the vault; the token lives for an hour.",
        "sk-learn and hf_transfer are packages",
        "npm_config_registry",
        "-----BEGIN PUBLIC KEY-----",
        "A key file begins with -----BEGIN OPENSSH PRIVATE KEY----- and some lines of letters.",
        "protocol://user[:password]@host",
        "https://host/a:b@c",
        "12:30 at ana@example.org",
    ],
)
def test_what_only_resembles_a_secret_is_none(harmless: str) -> None:
    assert text.secret(harmless) is None
