"""Meaning: texts to unit vectors, by the embedded model or by any sentence-transformers directory with ONNX.

The embedded model is a table: one small vector for each token, added up. It is read in two ways that agree to
rounding: by onnxruntime (`Encoder`), in bulk, and by plain Python over mapped files (`Table`), for a handful of
texts in a process that has no time to load anything.
"""

from __future__ import annotations

import heapq
import math
import mmap
import os
import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import mul

from mem.belief import Belief
from mem.errors import ModelUnusable
from mem.record import TYPE_CHECKING, Any, NamedTuple
from mem.store import Vector, View

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
    import json  # 3 ms that the plain reader does without

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
        facts = _facts(folder)
        self.stamp = Stamp(facts["id"], facts["version"], int(facts["dimension"]))
        self._width = self.stamp.dimension
        self._words = _mapped(os.path.join(folder, "vocabulary.tsv"))
        self._table = _mapped(os.path.join(folder, "table.bin"))
        self._scales = int(facts["tokens"]) * self._width
        if len(self._table) != self._scales + 4 * int(facts["tokens"]):
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

    def likeness(self, one: int, other: int) -> float:
        """Cosine of two tokens' vectors."""
        if one == other:
            return 1.0
        lengths = self._length(one) * self._length(other)
        return sum(map(mul, self._row(one), self._row(other))) / lengths if lengths else 0.0

    def near(self, tokens: Iterable[int], others: Iterable[int], floor: float) -> dict[int, dict[int, float]]:
        """For each token, those of the others that are at least so close to it, with their cosine.

        Whether two are worth comparing is decided by the signs of their vectors, which is thirty times as fast.
        """
        width, table, from_bytes = self._width, self._table, int.from_bytes
        mask = from_bytes(b"\x80" * width, "big")
        signs = [(other, from_bytes(table[other * width : (other + 1) * width], "big") & mask) for other in others]
        apart = _apart(width, floor)
        found: dict[int, dict[int, float]] = {}
        for token in tokens:
            own = from_bytes(table[token * width : (token + 1) * width], "big") & mask
            close = [other for other, bits in signs if (own ^ bits).bit_count() <= apart]
            cosines = ((other, self.likeness(token, other)) for other in close)
            found[token] = {other: cosine for other, cosine in cosines if cosine >= floor}
        return found

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


def _apart(width: int, cosine: float) -> int:
    """Signs in which two vectors of this cosine differ, and one spread (of a binomial) more."""
    share = math.acos(cosine) / math.pi
    return math.floor(width * share + math.sqrt(width * share * (1 - share)))


def _facts(folder: str) -> dict[str, str]:
    """What the settings of an own model say on its first level; without the parser, which costs 3 ms."""
    path = os.path.join(folder, "config.json")
    try:
        with open(path, encoding="utf-8") as file:
            facts = dict(re.findall(r'(?m)^  "(id|version|dimension|tokens)": "?([^",\n]+)', file.read()))
    except (OSError, ValueError) as error:
        raise ModelUnusable(f"the model file {path} cannot be read ({error})", REINSTALL) from error
    if len(facts) < 4 or not (facts["dimension"].isdigit() and facts["tokens"].isdigit()):
        raise ModelUnusable(f"the model file {path} is damaged", REINSTALL)
    return facts


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
    """A vector in whole numbers: its scale (a float32), then one signed byte for each dimension."""
    scale = max(map(abs, vector), default=0.0) / 127 or 1.0
    return array("f", [scale]).tobytes() + array("b", [round(value / scale) for value in vector]).tobytes()


def cosine(query: Sequence[float], packed: bytes) -> float:
    """Cosine of two vectors of length 1, one of them packed; to rounding."""
    scale: float = array("f", packed[:4])[0]
    total: float = sum(map(mul, query, array("b", packed[4:])))
    return scale * total


def signs(vector: Sequence[float]) -> bytes:
    """Which parts of a vector are positive, one bit each."""
    bits = int("".join("1" if value > 0 else "0" for value in vector) or "0", 2)
    return bits.to_bytes((len(vector) + 7) // 8, "big")


class Meaning:
    """What texts mean by the model in use: vectors by that model, tokens by the embedded one."""

    def __init__(self, folder: str = EMBEDDED) -> None:
        """Choose a model; one that is not the embedded one is loaded when it is needed.

        Raises: ModelUnusable if it is damaged or missing.
        """
        self.table = Table()
        self._folder = folder
        self._encoder: Encoder | None = None
        own = "/".join(map(str, self.table.stamp))
        self.model = own if folder == EMBEDDED else f"{'/'.join(map(str, stamp(folder)))} {own}"
        """What stands on its vectors."""

    def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length 1 for each text; zeros for a text without a known word.

        Shapes: (texts, dimension).
        Raises: ModelUnusable if the model cannot be run.
        """
        if self._folder == EMBEDDED:
            return [self.table.vector(self.table.tokens(text)) for text in texts]
        self._encoder = self._encoder or Encoder(self._folder)
        found: list[list[float]] = self._encoder.encode(texts).tolist()
        return found

    def embed(self, beliefs: Mapping[int, Belief]) -> dict[int, Vector]:
        """What is stored of some beliefs, by their row numbers."""
        import hashlib

        passages = [passage(belief) for belief in beliefs.values()]
        return {
            n: Vector(
                hashlib.sha256(text.encode()).hexdigest()[:16],
                pack(vector),
                signs(vector),
                array("H", sorted({*self.table.tokens(text)})).tobytes(),
            )
            for n, text, vector in zip(beliefs, passages, self.vectors(passages), strict=True)
        }


def nearest(view: View, vector: Sequence[float], count: int) -> list[int]:
    """Row numbers of the visible current beliefs whose vectors agree with this one in most signs, at most `count`."""
    wanted, from_bytes = int.from_bytes(signs(vector), "big"), int.from_bytes
    rows = view.rows("SELECT signs, belief FROM sketch WHERE scope :scopes")
    apart = [((wanted ^ from_bytes(bits, "big")).bit_count(), n) for bits, n in rows]
    return [n for _, n in heapq.nsmallest(count, apart)]


def stored(view: View, numbers: Iterable[int]) -> dict[int, tuple[bytes, frozenset[int]]]:
    """The packed vector and the tokens of some visible beliefs, by row number; those that have none are absent."""
    wanted = ",".join(map(str, numbers))
    rows = view.rows(f"SELECT belief, packed, tokens FROM vector WHERE scope :scopes AND belief IN ({wanted})")
    return {n: (packed, frozenset(array("H", tokens))) for n, packed, tokens in rows}


def unstored(meaning: Meaning, beliefs: Mapping[int, Belief]) -> dict[int, tuple[bytes, frozenset[int]]]:
    """The same for beliefs that are not as the rows have them."""
    texts = [passage(belief) for belief in beliefs.values()]
    return {
        n: (pack(vector), frozenset(meaning.table.tokens(text)))
        for n, text, vector in zip(beliefs, texts, meaning.vectors(texts), strict=True)
    }
