"""Small models for tests, laid out as sentence-transformers does: a table of vectors as an ONNX graph, a tokenizer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
WORDS = (
    "the store of record is postgres my sister allergic to peanuts . cat dog a b c d e f g query passage : Cat"
).split()
VOCABULARY = {word: n for n, word in enumerate((*SPECIAL, *dict.fromkeys(WORDS)))}
WIDTH = 8
VECTORS = np.random.default_rng(7).normal(size=(len(VOCABULARY), WIDTH)).astype(np.float32)
VECTORS[0] = 100.0  # padding that was not left out would be seen


def vector(*words: str) -> np.ndarray:
    """The mean of the vectors of some tokens, of length 1."""
    total = VECTORS[[VOCABULARY[word] for word in words]].mean(axis=0)
    return np.asarray(total / np.linalg.norm(total))


def model(
    folder: Path,
    *,
    pooling: str | None = "mean",
    inputs: Sequence[str] = ("input_ids", "attention_mask", "token_type_ids"),
    kind: int = TensorProto.INT64,
    output: str = "last_hidden_state",
    pooled: bool = False,
    half: bool = False,
    factor: float = 1.0,
    external: str | None = None,
    **settings: Any,
) -> Path:
    """A directory with a model; `settings` are other files of it, `__` for the dot and `___` for the slash."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save_model(
        _graph(inputs, kind, output, pooled, half, factor), str(folder / "model.onnx"),
        save_as_external_data=external is not None, location=external, size_threshold=0,
    )  # fmt: skip
    tokenizer().save(str(folder / "tokenizer.json"))
    files: dict[str, Any] = {"config.json": {"hidden_size": WIDTH, "pad_token_id": 0, "max_position_embeddings": 32}}
    if pooling is not None:
        modes = {f"pooling_mode_{one}": True for one in pooling.split()}
        files["1_Pooling/config.json"] = {"word_embedding_dimension": WIDTH, "pooling_mode_mean_tokens": False} | modes
    for name, content in (files | {_file(name): content for name, content in settings.items()}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder


def tokenizer() -> Tokenizer:
    made = Tokenizer(WordLevel(VOCABULARY, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(one, VOCABULARY[one]) for one in ("[CLS]", "[SEP]")]
    )
    return made


def _file(name: str) -> str:
    return name.replace("___", "/").replace("__", ".")


def _graph(inputs: Sequence[str], kind: int, output: str, pooled: bool, half: bool, factor: float) -> onnx.ModelProto:
    """Look the tokens up; `pooled` is the mean over all places, padding and all."""
    table = numpy_helper.from_array(VECTORS * np.float32(factor), "table")
    steps = [helper.make_node("Gather", ["table", inputs[0]], ["found"])]
    last = "found"
    if pooled:
        steps.append(helper.make_node("ReduceMean", [last], ["mean"], axes=[1], keepdims=0))
        last = "mean"
    type_ = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    steps.append(helper.make_node("Cast", [last], [output], to=type_))
    graph = helper.make_graph(
        steps,
        "tiny",
        [helper.make_tensor_value_info(name, kind, ["texts", "length"]) for name in inputs],
        [helper.make_tensor_value_info(output, type_, None)],
        [table],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
