"""Models that others made: what mem reads of them, and what it says of those that it cannot use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto

from mem.embedding import EMBEDDED, Encoder, ask
from mem.errors import ModelUnusable
from tests.conftest import environment
from tests.encoders import VECTORS, VOCABULARY, WIDTH, model, vector


def encoded(folder: Path, *texts: str, query: bool = False) -> np.ndarray:
    return Encoder(str(folder)).encode(texts, query=query)


def refused(folder: Path) -> str:
    with pytest.raises(ModelUnusable) as caught:
        encoded(folder, "the cat", "the dog")
    assert caught.value.hint and "\n" not in caught.value.message
    return caught.value.message


# -- what is read -----------------------------------------------------------------------------------


def test_the_mean_is_over_the_tokens_and_not_over_the_padding(tmp_path: Path) -> None:
    found = encoded(model(tmp_path), "the cat", "the store of record is postgres")
    assert np.allclose(found[0], vector("[CLS]", "the", "cat", "[SEP]"), atol=1e-6)


def test_cls_takes_the_first_token(tmp_path: Path) -> None:
    found = encoded(model(tmp_path, pooling="cls_token"), "the cat", "the store of record is postgres")
    assert np.allclose(found, vector("[CLS]"), atol=1e-6)


def test_max_takes_the_largest_of_each_part_and_none_of_the_padding(tmp_path: Path) -> None:
    found = encoded(model(tmp_path, pooling="max_tokens"), "the cat", "the store of record is postgres")[0]
    largest = VECTORS[[VOCABULARY[word] for word in ("[CLS]", "the", "cat", "[SEP]")]].max(axis=0)
    assert np.allclose(found, largest / np.linalg.norm(largest), atol=1e-6)


def test_the_newer_way_to_write_a_pooling_is_read(tmp_path: Path) -> None:
    folder = model(tmp_path, pooling=None, modules__json=[{"type": "a.b.Pooling", "path": "2_P"}])
    (folder / "2_P").mkdir()
    (folder / "2_P" / "config.json").write_text('{"pooling_mode": "cls", "embedding_dimension": 8}')
    assert np.allclose(encoded(folder, "the cat"), vector("[CLS]"), atol=1e-6)


def test_without_settings_of_pooling_it_is_the_mean(tmp_path: Path) -> None:
    assert np.allclose(encoded(model(tmp_path, pooling=None), "cat"), vector("[CLS]", "cat", "[SEP]"), atol=1e-6)


def test_what_the_graph_has_pooled_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = model(tmp_path, pooling="cls_token", pooled=True, output="sentence_embedding")
    assert np.allclose(encoded(folder, "cat"), vector("[CLS]", "cat", "[SEP]"), atol=1e-6)


@pytest.mark.parametrize(
    "changed",
    [{"half": True}, {"kind": TensorProto.INT32}, {"inputs": ("input_ids",)}, {"external": "weights.bin"}],
    ids=str,
)
def test_other_kinds_of_numbers_and_inputs_give_the_same(tmp_path: Path, changed: dict[str, Any]) -> None:
    found = encoded(model(tmp_path, **changed), "the cat", "dog")
    assert found.dtype == np.float32 and np.allclose(found[1], vector("[CLS]", "dog", "[SEP]"), atol=1e-3)


def test_half_precision_does_not_overflow_in_the_mean(tmp_path: Path) -> None:
    found = encoded(model(tmp_path, half=True, factor=20_000.0), "cat " * 20)
    assert np.isfinite(found).all() and np.linalg.norm(found) == pytest.approx(1)


def test_a_prompt_is_added_only_if_the_settings_say_so(tmp_path: Path) -> None:
    prompts = {"prompts": {"query": "query : ", "document": "passage : "}}
    e5 = model(tmp_path / "e5", config_sentence_transformers__json=prompts)
    plain = model(tmp_path / "plain", config_sentence_transformers__json={"prompts": {}, "default_prompt_name": None})
    assert np.allclose(encoded(e5, "cat", query=True), encoded(plain, "query : cat"))
    assert np.allclose(encoded(e5, "cat"), encoded(plain, "passage : cat", query=True))


def test_small_letters_are_made_only_if_the_settings_say_so(tmp_path: Path) -> None:
    lower = model(tmp_path / "lower", sentence_bert_config__json={"do_lower_case": True})
    plain = model(tmp_path / "plain")
    assert np.allclose(encoded(lower, "Cat"), encoded(plain, "cat"))
    assert not np.allclose(encoded(plain, "Cat"), encoded(plain, "cat"))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({}, 30),
        ({"sentence_bert_config__json": {"max_seq_length": 10}}, 8),
        ({"tokenizer_config__json": {"model_max_length": 12}}, 10),
        ({"tokenizer_config__json": {"model_max_length": 10**30}}, 30),
        ({"sentence_bert_config__json": {"max_seq_length": None}}, 30),
        ({"config__json": {"model_type": "xlm-roberta", "max_position_embeddings": 22, "pad_token_id": 1}}, 18),
        ({"config__json": {}}, 510),
    ],
    ids=str,
)
def test_a_long_text_is_cut_where_the_model_ends(tmp_path: Path, settings: dict[str, Any], words: int) -> None:
    folder = model(tmp_path, **settings)
    found = encoded(folder, "cat " * words + "dog " * 100_000)
    assert np.allclose(found, vector("[CLS]", *["cat"] * words, "[SEP]"), atol=1e-5)


def test_a_text_has_the_same_vector_in_any_company(tmp_path: Path) -> None:
    encoder = Encoder(str(model(tmp_path)))
    texts = [" ".join(("cat", "dog", "store")[n % 3 :] * (n % 9)) for n in range(400)]
    alone = np.vstack([encoder.encode([text]) for text in texts])
    assert np.allclose(alone, encoder.encode(texts), atol=1e-6)


def test_few_tokens_at_a_time_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Encoder(str(model(tmp_path)))
    texts = ["the cat", "", "a b c d e f g", "dog"]
    whole = encoder.encode(texts)
    monkeypatch.setattr(Encoder, "TOKENS", 5)
    assert np.allclose(encoder.encode(texts), whole, atol=1e-6)


def test_vectors_come_in_two_dimensions(tmp_path: Path) -> None:
    encoder = Encoder(str(model(tmp_path)))
    assert [encoder.encode(texts).shape for texts in ([], [""], ["cat"], ["cat", "dog"])] == [
        (0, WIDTH), (1, WIDTH), (1, WIDTH), (2, WIDTH)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> list[Encoder]:
    return [Encoder(), Encoder(str(model(tmp_path_factory.mktemp("model"), pooling="max_tokens")))]


@given(st.lists(st.text(st.characters(), max_size=40), max_size=3))
def test_any_text_has_a_vector(encoders: list[Encoder], texts: list[str]) -> None:
    for encoder in encoders:
        for query in (False, True):
            lengths = np.linalg.norm(encoder.encode(texts, query=query), axis=1)
            assert np.all(np.isclose(lengths, 1, atol=1e-4) | (lengths == 0)) and len(lengths) == len(texts)


# -- what cannot be used ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said, made",
    [
        ("wants 'pixels' as an input", {"inputs": ("input_ids", "pixels")}),
        ("has no input 'input_ids'", {"inputs": ("attention_mask",)}),
        ("cannot be run", {"kind": TensorProto.INT16}),
        ("vectors that are no numbers", {"factor": float("nan")}),
        ("vectors that are no numbers", {"factor": float("inf"), "pooling": "max_tokens"}),
        ("pools by weightedmean_tokens", {"pooling": "weightedmean_tokens"}),
        ("pools by mean_tokens and max_tokens", {"pooling": "mean_tokens max_tokens"}),
        ("layers after its graph that mem does not run: Dense", {"modules__json": [{"type": "st.models.Dense"}]}),
        ("cannot be read (no table)", {"config__json": []}),
        ("cannot be used", {"tokenizer__json": {"version": "1.0"}}),
        ("cannot be used", {"tokenizer__json": {"model": {"type": "WordPiece", "vocab": 3}}}),
    ],
)
def test_a_model_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path, said: str, made: dict[str, Any]) -> None:
    assert said in refused(model(tmp_path, **made))


def test_a_graph_with_all_layers_in_it_may_have_had_any(tmp_path: Path) -> None:
    layers = [{"type": "st.models.Dense"}]
    folder = model(tmp_path, output="sentence_embedding", pooled=True, modules__json=layers)
    assert encoded(folder, "cat").shape == (1, WIDTH)


def test_a_tokenizer_with_more_tokens_than_the_graph_is_named(tmp_path: Path) -> None:
    folder = model(tmp_path)
    text = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(text.replace(f'"cat": {VOCABULARY["cat"]}', '"cat": 4000'))
    assert "cannot be run" in refused(folder)


@pytest.mark.parametrize("data", [b"", b"no graph", b"\x00" * 100, os.urandom(1000)], ids=["empty", "text", "0", "any"])
def test_a_graph_that_is_none_is_named(tmp_path: Path, data: bytes) -> None:
    folder = model(tmp_path)
    (folder / "model.onnx").write_bytes(data)
    assert "cannot be run" in refused(folder)


@pytest.mark.parametrize(
    "name", ["tokenizer.json", "config.json", "1_Pooling/config.json", "sentence_bert_config.json"]
)
@pytest.mark.parametrize("data", [b"", b"{ no json", b"\xff\xfe", b"[" * 100_000, b"3"], ids=range(5))
def test_settings_that_are_none_are_named(tmp_path: Path, name: str, data: bytes) -> None:
    folder = model(tmp_path)
    (folder / name).write_bytes(data)
    assert f"{name} cannot be read" in refused(folder)


# -- one query, in a process of its own -------------------------------------------------------------


def test_a_query_has_the_same_vector_from_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model(tmp_path / "m", config_sentence_transformers__json={"prompts": {"query": "query : "}})
    (tmp_path / "mem").mkdir()
    (tmp_path / "mem" / "__init__.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    for text in ("the cat", "", "naïve ☃\udc80", "cat " * 20_000):
        assert np.allclose(ask(str(folder), text, 60), encoded(folder, text, query=True)[0], atol=1e-6)


def test_a_model_that_takes_too_long_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"took longer than 0\.001 seconds"):
        ask(str(model(tmp_path)), "cat", 0.001)


def test_what_is_wrong_with_a_model_is_told_across_processes(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="gives vectors that are no numbers") as caught:
        ask(str(model(tmp_path, factor=float("nan"))), "cat", 60)
    assert caught.value.hint == "mem model use embedded"


@pytest.mark.parametrize(
    "program, said",
    [("/bin/false", r"broke off \(1\)"), ("/bin/true", r"broke off \(0\)"), ("/nowhere", "No such file")],
)
def test_a_process_that_breaks_off_is_told(monkeypatch: pytest.MonkeyPatch, program: str, said: str) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(ModelUnusable, match=said):
        ask("model", "cat", 60)


# -- without the packages ---------------------------------------------------------------------------

LACKING = """
import sys
sys.modules[sys.argv[1]] = None
from mem.embedding import Encoder, Table
from mem.errors import ModelUnusable
table = Table()
assert any(table.vector(table.tokens("a cat")))
try:
    Encoder(sys.argv[2])
except ModelUnusable as error:
    print(error.message, "/", error.hint)
"""


@pytest.mark.parametrize("folder", [EMBEDDED, "foreign"])
@pytest.mark.parametrize(
    "package, named",
    [("onnxruntime", "onnxruntime"), ("tokenizers", "tokenizers"), ("numpy", "onnxruntime"), ("mmap", None)],
)
def test_a_package_that_is_not_there_is_named(tmp_path: Path, package: str, named: str | None, folder: str) -> None:
    if folder == "foreign":
        folder = str(model(tmp_path / "model"))
    done = subprocess.run(
        [sys.executable, "-c", LACKING, package, folder], capture_output=True, text=True, env=environment(tmp_path)
    )
    if named is None:  # the plain reader needs this one, so that the probe itself fails
        assert done.returncode != 0
    else:
        assert done.stdout == f"the package {named} is not installed / pip install {named}\n", done.stderr
