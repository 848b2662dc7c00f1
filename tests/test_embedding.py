"""The embedded model: read by onnxruntime and by plain Python, trained from a corpus, told apart when damaged."""

from __future__ import annotations

import json
import math
import random
import shutil
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from mem import embedding
from mem.embedding import EMBEDDED, Encoder, Meaning, Table
from mem.errors import ModelUnusable
from mem.memory import Memory

CORPUS = Path(__file__).parent / "corpus"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture(scope="module")
def table() -> Table:
    return Table()


def cosine(a: list[float], b: np.ndarray) -> float:
    """1 for two vectors of zeros: both say that there is no known word."""
    return 1.0 if not any(a) and not b.any() else float(np.dot(a, b))


# -- two readers ------------------------------------------------------------------------------------


def newer() -> str:
    """Characters that Python knows and the older tables of the tokenizer do not: each takes them for another kind."""
    split = Tokenizer.from_file(str(Path(EMBEDDED, "tokenizer.json")))
    marks = [chr(n) for n in range(sys.maxunicode) if unicodedata.category(chr(n))[0] in "PMCS" and n > 127]
    wanted = [
        (one, split.normalizer.normalize_str(f"a{one}b")) for one in marks if unicodedata.category(one) not in OFF
    ]
    known = {one: [word for word, _ in split.pre_tokenizer.pre_tokenize_str(text)] for one, text in wanted}
    return "".join(one for one, words in known.items() if words != list(embedding._pieces(f"a{one}b")))


OFF = ("Cs", "Cn", "Co", "Cc")
NEWER = newer()

SCRIPTS = st.text(
    st.one_of(
        st.characters(codec="utf-8", exclude_categories=("Cs", "Cn"), exclude_characters=NEWER),
        st.sampled_from("abcdefghijklmnopqrstuvwxyz     0123456789.,;!?'-/"),
        st.sampled_from("éüßÅøñçİıΣςдйшעבעربيةहिन्दีไทย日本語カタカナ한국어中文²½Ⅷ→€™👩‍💻\u0301\u200b\u00ad"),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=300)
@given(SCRIPTS)
@example("Postgres is the store of record for orders.")
@example("Café ΟΔΟΣ İstanbul 2½ naïve\x00text\u2028line \u0130 ﬁne 東京タワー x" + "y" * 120)
def test_plain_python_reads_the_model_as_onnxruntime_does(encoder: Encoder, table: Table, text: str) -> None:
    assert cosine(table.vector(table.tokens(text)), encoder.encode([text])[0]) > 0.999


def test_vectors_have_length_one_and_come_in_two_dimensions(encoder: Encoder) -> None:
    several = encoder.encode(["a cat", "a much longer sentence about a database", "x"])
    assert several.shape == (3, table_dimension()) and np.allclose(np.linalg.norm(several, axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, table_dimension()) and encoder.encode(["one"]).ndim == 2


def table_dimension() -> int:
    return embedding.stamp(EMBEDDED).dimension


def test_a_vector_does_not_depend_on_what_it_is_encoded_with(encoder: Encoder) -> None:
    texts = [f"sentence number {n} " * (n % 7 + 1) for n in range(150)]
    alone = np.vstack([encoder.encode([text]) for text in texts])
    assert np.allclose(alone, encoder.encode(texts), atol=1e-5)


def test_many_texts_get_the_vectors_that_each_gets_alone(table: Table) -> None:
    texts = [
        "",
        "数据库 Zzyzx",
        *(f"Postgres number {n} is the store of record, {'not ' * (n % 7)}Redis" for n in range(99)),
    ]
    many = Table()
    tokens = many.tokens_of(texts)
    assert tokens == [table.tokens(text) for text in texts]
    assert [[*one] for one in many.pooled(tokens)] == [table.vector(one) for one in tokens]


def test_a_damaged_vocabulary_is_named() -> None:
    for words in (b"\xff\t1\n", b"a\tx\n", b"a\n"):
        table = Table()
        table._words = words  # type: ignore[assignment]
        with pytest.raises(ModelUnusable, match="vocabulary is damaged"):
            table.tokens_of(["a"] * embedding.MANY)


def test_a_text_without_a_known_word_has_no_direction(encoder: Encoder, table: Table) -> None:
    assert not encoder.encode(["", "   "]).any() and not any(table.vector(table.tokens("")))


def test_words_of_one_meaning_are_closer_than_others(table: Table) -> None:
    def likeness(a: str, b: str) -> float:
        return math.sumprod(one(a), one(b)) if hasattr(math, "sumprod") else float(np.dot(one(a), one(b)))

    def one(text: str) -> list[float]:
        return table.vector(table.tokens(text))

    assert likeness("car", "vehicle") > likeness("car", "cheese") + 0.2
    assert likeness("who is our doctor?", "the physician is Dr. Smith") > likeness(
        "who is our doctor?", "the bus is late"
    )


def test_the_readers_differ_over_characters_that_are_newer_than_one_of_them_alone() -> None:
    assert len(NEWER) < 600 and not any(one < "\u0100" or "\u2000" <= one < "\u2e00" for one in NEWER)


# -- at rest ----------------------------------------------------------------------------------------


def test_a_packed_vector_is_a_byte_a_dimension_and_keeps_its_direction(encoder: Encoder) -> None:
    vector = encoder.encode(["the store of record"])[0].tolist()
    packed = embedding.pack(vector)
    assert len(packed) == 4 + len(vector) and len(embedding.signs(vector)) == len(vector) // 8
    assert embedding.cosine(vector, packed) > 0.999


def test_many_vectors_are_packed_as_each_of_them(table: Table) -> None:
    vectors = [table.vector(table.tokens(word)) for word in ("tax", "", "the store of record")]
    chance = random.Random(1)
    vectors += [[chance.choice((0.0, 0.5, -0.5, chance.uniform(-1, 1))) for _ in range(128)] for _ in range(200)]
    assert embedding.at_rest(vectors) == [(embedding.pack(one), embedding.signs(one)) for one in vectors]


WORDS = "tax cat bread train code music rain key kitten car vehicle postgres database mysql bike".split()


def test_close_tokens_are_found_among_many_as_by_comparing_all(table: Table) -> None:
    tokens = sorted({token for word in WORDS for token in table.tokens(word)})
    near = table.near(tokens, tokens, 0.5)
    for one in tokens:
        exact = {other: table.likeness(one, other) for other in tokens if table.likeness(one, other) >= 0.55}
        assert {other: value for other, value in near[one].items() if value >= 0.55} == exact
    assert sum(map(len, near.values())) > len(tokens)  # some are close to others than themselves


def test_the_rough_look_finds_the_nearest_of_many(memory: Memory) -> None:
    for n, word in enumerate(WORDS * 4):
        memory.remember(f"belief {n} about {word}", {"name": f"b{n}"}, None, None)
    meaning = Meaning()
    (vector,) = meaning.vectors(["the kitten wants food"])
    with memory._reading() as store:
        assert store is not None
        view = store.everything()
        found = embedding.nearest(view, vector, 12)
        packed = embedding.stored(view, range(1, 1 + 4 * len(WORDS)))
    best = max(packed, key=lambda n: embedding.cosine(vector, packed[n][0]))
    assert len(found) == 12 and best in found


# -- damage -----------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    files = [*json.loads(Path(EMBEDDED, "config.json").read_text())["files"], "config.json"]
    for name in files:
        shutil.copy(Path(EMBEDDED, name), tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", ["model.onnx", "table.bin", "tokenizer.json", "vocabulary.tsv"])
def test_a_damaged_file_is_named(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(ModelUnusable, match=f"{name} is damaged"):
        Encoder(str(copy))


@pytest.mark.parametrize("name", ["model.onnx", "table.bin", "tokenizer.json", "vocabulary.tsv", "config.json"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelUnusable, match=name):
        Encoder(str(copy))


def test_the_plain_reader_notices_a_table_that_was_cut(copy: Path) -> None:
    (copy / "table.bin").write_bytes(b"short")
    with pytest.raises(ModelUnusable, match=r"table\.bin has the wrong size"):
        Table(str(copy))


def test_what_ships_is_small_and_names_its_sources() -> None:
    names = [*json.loads(Path(EMBEDDED, "config.json").read_text())["files"], "config.json", "NOTICE", "words.tsv"]
    assert sum(Path(EMBEDDED, name).stat().st_size for name in names) < 6_000_000
    assert "table.bin" in Path(EMBEDDED, "NOTICE").read_text()


# -- training ---------------------------------------------------------------------------------------


def test_training_on_a_toy_corpus_gives_a_model_that_both_readers_agree_on(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    pytest.importorskip("onnx")
    from mem.model.train import __main__ as training

    sizes = ["--vocabulary", "900", "--dimension", "16", "--steps", "25"]
    training.main([str(CORPUS), str(tmp_path / "one"), *sizes])
    training.main([str(CORPUS), str(tmp_path / "two"), *sizes])
    encoder, table = Encoder(str(tmp_path / "one")), Table(str(tmp_path / "one"))
    for text in ("bake the bread", "Did you feed the cat?", "roll back the release 42"):
        assert cosine(table.vector(table.tokens(text)), encoder.encode([text])[0]) > 0.999
    assert (tmp_path / "one" / "table.bin").read_bytes() == (tmp_path / "two" / "table.bin").read_bytes()
