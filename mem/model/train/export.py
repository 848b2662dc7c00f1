"""The trained table as files: an int8 ONNX graph whose table is a file of its own, and a vocabulary to bisect.

The table is ONNX external data. onnxruntime reads it as a tensor; `mem.embedding` maps it into memory and reads
single rows, which takes a hundredth of the time that loading onnxruntime does.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from tokenizers import Tokenizer

Matrix = NDArray[np.float32]

TABLE, GRAPH = "table.bin", "model.onnx"
OPSET, IR = 17, 8
"""Old enough for the oldest onnxruntime that mem takes (1.17)."""


def quantise(table: Matrix) -> tuple[NDArray[np.int8], Matrix]:
    """Rows as whole numbers with one scale each.

    Shapes: (n, d) and (n,).
    """
    scales = np.maximum(np.abs(table).max(axis=1) / 127, 1e-8).astype(np.float32)
    return np.rint(table / scales[:, None]).astype(np.int8), scales


def write(table: Matrix, tokenizer: Tokenizer, folder: Path, version: int) -> None:
    """Write every file of the model; the row of the unknown token counts for nothing."""
    table = table.copy()
    table[0] = 0
    rows, scales = quantise(table)
    (folder / TABLE).write_bytes(rows.tobytes() + scales.tobytes())
    onnx.save(graph(rows, scales), str(folder / GRAPH))
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    entries = sorted((token.encode(), number) for token, number in tokenizer.get_vocab().items() if number)
    (folder / "vocabulary.tsv").write_bytes(b"".join(b"%s\t%d\n" % entry for entry in entries))
    files = [GRAPH, TABLE, "tokenizer.json", "vocabulary.tsv"]
    config = {
        "id": "mem-static",
        "version": version,
        "dimension": table.shape[1],
        "tokens": len(table),
        "pooling": "sum",
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def graph(rows: NDArray[np.int8], scales: Matrix) -> onnx.ModelProto:
    """Look up, scale, mask, sum, bring to length 1; the token vectors are a second output."""
    width = rows.shape[1]
    node = helper.make_node
    nodes = [
        node("Gather", ["table", "input_ids"], ["whole"], axis=0),
        node("Cast", ["whole"], ["real"], to=TensorProto.FLOAT),
        node("Gather", ["scales", "input_ids"], ["scale"], axis=0),
        node("Unsqueeze", ["scale", "last"], ["scale_column"]),
        node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["mask", "last"], ["mask_column"]),
        node("Mul", ["scale_column", "mask_column"], ["weight"]),
        node("Mul", ["real", "weight"], ["token_embeddings"]),
        node("ReduceSum", ["token_embeddings", "tokens"], ["sum"], keepdims=0),
        node("ReduceL2", ["sum"], ["length"], axes=[1], keepdims=1),
        node("Max", ["length", "smallest"], ["divisor"]),
        node("Div", ["sum", "divisor"], ["sentence_embedding"]),
    ]
    constants = [
        _external("table", TensorProto.INT8, rows.shape, 0, rows.nbytes),
        _external("scales", TensorProto.FLOAT, scales.shape, rows.nbytes, scales.nbytes),
        helper.make_tensor("last", TensorProto.INT64, [1], [-1]),
        helper.make_tensor("tokens", TensorProto.INT64, [1], [1]),
        helper.make_tensor("smallest", TensorProto.FLOAT, [1], [1e-9]),
    ]
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        nodes,
        "mem-static",
        [value(name, TensorProto.INT64, ["texts", "length"]) for name in ("input_ids", "attention_mask")],
        [
            value("sentence_embedding", TensorProto.FLOAT, ["texts", width]),
            value("token_embeddings", TensorProto.FLOAT, ["texts", "length", width]),
        ],
        constants,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


def _external(name: str, kind: int, shape: tuple[int, ...], offset: int, length: int) -> TensorProto:
    """A tensor whose numbers are a stretch of the table's file."""
    tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", TABLE), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
