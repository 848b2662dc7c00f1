"""Meaning: texts to unit vectors, by the embedded model or by any sentence-transformers directory with ONNX.

The embedded model is a table: one small vector for each token, added up. It is read in two ways that agree to
rounding: by onnxruntime (`Encoder`), in bulk, and by plain Python over mapped files (`Table`), for a handful of
texts in a process that has no time to load anything.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import re
import unicodedata
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from operator import mul
from typing import TYPE_CHECKING, Any, NamedTuple

from mem.belief import Belief
from mem.errors import ModelUnusable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EMBEDDED = os.path.join(os.path.dirname(__file__), "model")
LONGEST_WORD = 100
"""Characters; a longer run of letters is no word. As in the vocabulary's own settings."""
REINSTALL = "reinstall mem"


class Stamp(NamedTuple):
    """Which model made a vector; vectors of different stamps are never compared."""

    model: str
    version: str
    dimension: int


def passage(belief: Belief) -> str:
    """The text of a belief that is embedded: its name, what it says and why, and its names given by hand."""
    given = [entry.text for entry in belief.aliases if entry.origin != "derived"]
    return " ".join([belief.name.replace("_", " "), belief.content, *given, belief.why or ""]).strip()


# -- models on disk ---------------------------------------------------------------------------------


def stamp(folder: str) -> Stamp:
    """What stands on the vectors of the model in a folder, without loading it.

    Raises: ModelUnusable if there is none, or none of a known kind.
    """
    config = _json(folder, "config.json")
    if "files" in config:
        return Stamp(config["id"], str(config["version"]), config["dimension"])
    dimension = _json(folder, "1_Pooling/config.json").get("word_embedding_dimension") or config.get("hidden_size")
    if not isinstance(dimension, int):
        raise ModelUnusable(f"the model in {folder} does not say how long its vectors are", "mem model use embedded")
    version = _sha256(_graph(folder))[:12]
    return Stamp(os.path.basename(os.path.normpath(folder)), version, dimension)


def verify(folder: str) -> None:
    """Compare every file of an own model with its sha256.

    Raises: ModelUnusable naming the file that is damaged or missing.
    """
    for name, wanted in _json(folder, "config.json").get("files", {}).items():
        path = os.path.join(folder, name)
        try:
            found = _sha256(path)
        except OSError as error:
            raise ModelUnusable(f"the model file {path} cannot be read ({error.strerror})", REINSTALL) from error
        if found != wanted:
            raise ModelUnusable(f"the model file {path} is damaged: its sha256 is not that of the model", REINSTALL)


def _sha256(path: str) -> str:
    import hashlib  # 2 ms that the plain reader does without

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(folder: str, name: str) -> dict[str, Any]:
    """A settings file of a model; empty if an optional one is not there."""
    path = os.path.join(folder, name)
    try:
        with open(path, encoding="utf-8") as file:
            return dict(json.load(file))
    except FileNotFoundError:
        if name == "config.json":
            raise ModelUnusable(f"there is no model in {folder}: it has no config.json", REINSTALL) from None
        return {}
    except (OSError, ValueError) as error:
        raise ModelUnusable(f"the model file {path} cannot be read ({error})", REINSTALL) from error


def _graph(folder: str) -> str:
    for name in ("model.onnx", "onnx/model.onnx"):
        if os.path.isfile(os.path.join(folder, name)):
            return os.path.join(folder, name)
    raise ModelUnusable(f"there is no model.onnx in {folder}", "mem model install a directory that has one")


# -- by onnxruntime ---------------------------------------------------------------------------------


class Encoder:
    """A model that is loaded, for as many texts as there are."""

    BATCH = 64
    """Texts at a time; they are sorted by length first, so that little is padding."""

    def __init__(self, folder: str = EMBEDDED) -> None:
        """Load a model.

        Raises: ModelUnusable if it is damaged, missing, or no runtime is installed.
        """
        verify(folder)
        self._tokenizer = _tokenizer(folder)
        self._session = _session(folder)
        self._inputs = {entry.name for entry in self._session.get_inputs()}
        self._outputs = [entry.name for entry in self._session.get_outputs()]
        self._pooling = _json(folder, "1_Pooling/config.json")

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector of length 1 for each text; zeros for a text without a known word.

        Shapes: (texts, dimension), also for one text or none.
        """
        import numpy as np

        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        batches = [order[at : at + self.BATCH] for at in range(0, len(order), self.BATCH)] or [[]]
        parts = [self._encode([texts[at] for at in batch]) for batch in batches]
        found = np.concatenate(parts).astype(np.float32)
        found[order] = found.copy()
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        unit: NDArray[np.float32] = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 1e-6)
        return unit

    def _encode(self, texts: list[str]) -> NDArray[np.float32]:
        import numpy as np

        padded = self._tokenizer.encode_batch(texts or [""])
        width = max(1, *(len(entry.ids) for entry in padded)) if padded else 1
        feeds = {name: np.zeros((len(padded), width), dtype=np.int64) for name in self._inputs}
        for row, entry in enumerate(padded):
            feeds["input_ids"][row, : len(entry.ids)] = entry.ids
            feeds["attention_mask"][row, : len(entry.ids)] = entry.attention_mask
        wanted = "sentence_embedding" if "sentence_embedding" in self._outputs else self._outputs[0]
        (output,) = self._session.run([wanted], feeds)
        return self._pooled(output, feeds["attention_mask"])[: len(texts)]

    def _pooled(self, output: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """One vector for each text: as the graph gives it, the first token's, or the mean."""
        if output.ndim == 2:
            return output
        if self._pooling.get("pooling_mode_cls_token"):
            return output[:, 0]
        weight = mask[:, :, None].astype(output.dtype)
        mean: NDArray[np.float32] = (output * weight).sum(axis=1) / weight.sum(axis=1).clip(1)
        return mean


def _tokenizer(folder: str) -> Any:
    path = os.path.join(folder, "tokenizer.json")
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ModelUnusable("the package tokenizers is not installed", "pip install tokenizers") from error
    if not _json(folder, "tokenizer.json"):  # read here for its errors: those of the package have no class of their own
        raise ModelUnusable(f"there is no tokenizer.json in {folder}", REINSTALL)
    tokenizer = Tokenizer.from_file(path)
    longest = _json(folder, "sentence_bert_config.json").get("max_seq_length")
    tokenizer.no_padding()
    if longest is not None:
        tokenizer.enable_truncation(longest)
    return tokenizer


_UNREADABLE = "Fail InvalidArgument InvalidGraph InvalidProtobuf NoSuchFile NotImplemented RuntimeException".split()
"""What onnxruntime calls a graph that it cannot load."""


def _session(folder: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelUnusable("the package onnxruntime is not installed", "pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    try:
        return onnxruntime.InferenceSession(_graph(folder), options, providers=["CPUExecutionProvider"])
    except tuple(getattr(onnxruntime.capi.onnxruntime_pybind11_state, name) for name in _UNREADABLE) as error:
        raise ModelUnusable(f"the model in {folder} cannot be run ({error})", REINSTALL) from error


# -- by plain Python --------------------------------------------------------------------------------


class Table:
    """The embedded model's token vectors, one row read at a time from a mapped file."""

    def __init__(self, folder: str = EMBEDDED) -> None:
        """Map the files; nothing is read yet.

        Raises: ModelUnusable if a file is missing or of the wrong size.
        """
        config = _json(folder, "config.json")
        self.stamp = stamp(folder)
        self._width = self.stamp.dimension
        self._words = _mapped(os.path.join(folder, "vocabulary.tsv"))
        self._table = _mapped(os.path.join(folder, "table.bin"))
        self._scales = config["tokens"] * self._width
        if len(self._table) != self._scales + 4 * config["tokens"]:
            raise ModelUnusable(f"the model file {folder}/table.bin has the wrong size", REINSTALL)
        self._rows: dict[int, array[int]] = {}
        self._numbers: dict[bytes, int] = {}
        self._lengths: dict[int, float] = {}

    def tokens(self, text: str) -> list[int]:
        """The numbers of a text's tokens, unknown words left out."""
        return [number for word in _pieces(text) for number in self._split(word)]

    def vector(self, tokens: Sequence[int]) -> list[float]:
        """The sum of the tokens' vectors, brought to length 1; zeros for none."""
        total = [0.0] * self._width
        for token in tokens:
            scale = self._scale(token)
            total = [part + scale * value for part, value in zip(total, self._row(token), strict=True)]
        length = math.sqrt(sum(map(mul, total, total)))
        return [part / length for part in total] if length > 1e-9 else total

    def weight(self, token: int) -> float:
        """What a token counts for: the length of its vector, small for words that are everywhere."""
        return self._scale(token) * self._length(token)

    @cache  # noqa: B019 - a table lives as long as the process
    def likeness(self, one: int, other: int) -> float:
        """Cosine of two tokens' vectors."""
        if one == other:
            return 1.0
        lengths = self._length(one) * self._length(other)
        return sum(map(mul, self._row(one), self._row(other))) / lengths if lengths else 0.0

    def _row(self, token: int) -> array[int]:
        row = self._rows.get(token)
        if row is None:
            row = self._rows[token] = array("b", self._table[token * self._width : (token + 1) * self._width])
        return row

    def _length(self, token: int) -> float:
        """Of a row in whole numbers."""
        if token not in self._lengths:
            row = self._row(token)
            self._lengths[token] = math.sqrt(sum(map(mul, row, row)))
        return self._lengths[token]

    def _scale(self, token: int) -> float:
        at = self._scales + 4 * token
        return array("f", self._table[at : at + 4])[0]

    def _split(self, word: str) -> list[int]:
        """Longest pieces first; none for a word that cannot be put together."""
        if len(word) > LONGEST_WORD:
            return []
        found: list[int] = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self._number((mark + word[start:end]).encode())
                if number:
                    break
            else:
                return []
            found.append(number)
            start = end
        return found

    def _number(self, token: bytes) -> int:
        """A token's number, by bisection; 0 for one that is not in the vocabulary."""
        if token not in self._numbers:
            self._numbers[token] = self._looked_up(token)
        return self._numbers[token]

    def _looked_up(self, token: bytes) -> int:
        words = self._words
        low, high = 0, len(words)
        while low < high:
            start = words.rfind(b"\n", 0, (low + high) // 2) + 1
            end = words.find(b"\n", start)
            found, _, number = words[start:end].partition(b"\t")
            if found == token:
                return int(number)
            low, high = (end + 1, high) if found < token else (low, start)
        return 0


def _mapped(path: str) -> mmap.mmap:
    try:
        with open(path, "rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise ModelUnusable(f"the model file {path} cannot be read ({error})", REINSTALL) from error


def _pieces(text: str) -> Iterator[str]:
    """Words, single digits and single signs, as the tokenizer's settings split them: lowercase, no accents."""
    if not text.isascii():
        text = "".join(map(_plain, unicodedata.normalize("NFD", "".join(map(_spaced, text)))))
        return iter(text.split())
    return (found[0] for found in re.finditer(r"[a-z]+|[0-9]|[!-/:-@\[-`{-~]", _ascii(text)))


def _ascii(text: str) -> str:
    if not text.isprintable():
        text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text)
    return text.lower()


def _spaced(character: str) -> str:
    """A character of the text before accents are taken off: controls gone, Chinese ones apart."""
    code = ord(character)
    if character in "\t\n\r":
        return " "
    if code == 0xFFFD or unicodedata.category(character) in ("Cc", "Cf", "Co"):
        return ""
    if any(low <= code <= high for low, high in _HAN):
        return f" {character} "
    return " " if character.isspace() else character


# As BERT's normaliser has them, gap at 2B820 included.
_HAN = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


def _plain(character: str) -> str:
    """A decomposed character: marks gone, small; digits and signs apart."""
    category = unicodedata.category(character)
    if category == "Mn":
        return ""
    if category[0] in "PN" or (character.isascii() and category[0] == "S"):
        return f" {character.lower()} "
    return character.lower()


# -- vectors at rest --------------------------------------------------------------------------------


def pack(vector: Sequence[float]) -> bytes:
    """A vector in whole numbers: its scale (a float32), a bit of sign, then one signed byte, for each dimension."""
    scale = max(map(abs, vector), default=0.0) / 127 or 1.0
    whole = array("b", [round(value / scale) for value in vector])
    return array("f", [scale]).tobytes() + _signs(whole).to_bytes(_sign_bytes(len(whole)), "big") + whole.tobytes()


def unpack(packed: bytes, dimension: int) -> list[float]:
    """The vector that was packed, to rounding."""
    (scale,) = array("f", packed[:4])
    return [scale * value for value in array("b", packed[-dimension:])]


EXACT = 200
"""Vectors whose cosine is worked out; they are chosen by their signs alone, which is fifty times as fast."""


def cosines(query: Sequence[float], packed: Mapping[int, bytes], exact: int = EXACT) -> dict[int, float]:
    """Cosine of a query with the packed vectors that are likely to be nearest, by their keys.

    At most `exact` are compared in full; which, is decided by how many signs agree.
    """
    dimension = len(query)
    chosen: Sequence[int] = list(packed)
    if len(chosen) > exact:
        wanted, end = _signs(query), 4 + _sign_bytes(dimension)
        apart = {key: (wanted ^ int.from_bytes(row[4:end], "big")).bit_count() for key, row in packed.items()}
        chosen = sorted(chosen, key=apart.__getitem__)[:exact]
    return {key: sum(map(mul, query, unpack(packed[key], dimension))) for key in chosen}


def _signs(vector: Sequence[float]) -> int:
    return int("".join("1" if value > 0 else "0" for value in vector) or "0", 2)


def _sign_bytes(dimension: int) -> int:
    return (dimension + 7) // 8
