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
import sys
import unicodedata
from array import array
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from itertools import chain
from operator import mul

from mem.belief import Belief
from mem.config import models_directory
from mem.errors import ModelUnusable
from mem.record import TYPE_CHECKING, Any, NamedTuple
from mem.store import Vector, View
from mem.text import shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EMBEDDED = os.path.join(os.path.dirname(__file__), "model")
LONGEST_WORD = 100
"""Characters; a longer run of letters is no word. As in the vocabulary's own settings."""
REINSTALL = "pip install --force-reinstall mem"
OWN = "embedded"
"""What the embedded model is called."""
REPLACE = f"mem model use {OWN}"
NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""What an installed model may be called."""


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

RECORD = "mem.json"
"""What `mem model install` writes beside a model that it takes in: name, version, dimension, sums of the files."""
LONGEST = 512
"""Tokens of one text at most, whatever a model says: as most were trained, and the cost grows with the square."""
UNLIMITED = 1_000_000
"""Tokenizers that know no limit say a larger number than this one."""


def folder(name: str) -> str:
    """Where a model is.

    Raises: ModelUnusable if it is not installed.
    """
    if name == OWN:
        return EMBEDDED
    path = os.path.join(models_directory(), name)
    if not re.fullmatch(NAME, name) or not os.path.isdir(path):
        raise ModelUnusable(f"the model {name} is not installed", REPLACE)
    return path


class Habits(NamedTuple):
    """How a model wants its texts, and what is to be done with what it gives."""

    pooling: str
    """`mean`, `cls` or `max`: how the vectors of tokens become one."""
    longest: int | None
    """Tokens of a text that are read; None for all."""
    lowercase: bool
    prompts: Mapping[str, str]
    """What is put before a `query` and before a `passage`."""
    padding: int
    """The token that fills short texts up."""
    layers: tuple[str, ...]
    """What the model does after its graph and does not hold in it."""
    place: str = ""
    """The folder with the settings of pooling, below that of the model."""


USUAL = (0.02, 0.39)
"""Mean cosine of the embedded model for texts that have nothing to do with each other, and for a question and its
answer in other words (`models.scale`). What counts as close in `recall` was chosen for cosines of this size."""


def rescaled(cosine: float, scale: Sequence[float]) -> float:
    """What a cosine would be if the model's were of the usual size: some find all texts 0.7 alike, and more.

    MiniLM with all its cosines moved up to 0.75 and more answers 85 % of the questions in `tests/recall` that have no
    answer; with this, 2 %, and it finds half of the questions of meaning first instead of a third (n = 110 and 203).
    Units: both in [-1, 1]; `scale` as `USUAL`. A model that tells hardly anything apart is taken as it is.
    """
    low, high = scale
    if high - low < 0.05:
        return cosine
    return max(-1.0, min(1.0, USUAL[0] + (cosine - low) / (high - low) * (USUAL[1] - USUAL[0])))


def scale_of(folder: str) -> Sequence[float]:
    """How large the cosines of a model are, as its record says."""
    found = _json(folder, RECORD).get("scale") if folder != EMBEDDED else None
    return [float(found[0]), float(found[1])] if isinstance(found, list) and len(found) == 2 else USUAL


def stamp(folder: str) -> Stamp:
    """What stands on the vectors of the model in a folder, without loading it.

    Raises: ModelUnusable if there is none, or none of a known kind.
    """
    config = _json(folder, "config.json")
    facts = config if "files" in config else _json(folder, RECORD)
    try:
        return Stamp(str(facts["id"]), str(facts["version"]), int(facts["dimension"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnusable(f"mem did not install the model in {folder}", "mem model install DIR") from error


def files(folder: str) -> dict[str, Any]:
    """The files that a model consists of, to their sha256, or to that and their size.

    Raises: ModelUnusable if its settings cannot be read.
    """
    found: dict[str, Any] = _json(folder, "config.json").get("files") or _json(folder, RECORD).get("files", {})
    return found


def verify(folder: str, *, quick: bool = False) -> None:
    """Compare every file of a model with its sha256, or, to be quick, files of an installed one with their size.

    Raises: ModelUnusable naming the file that is damaged or missing.
    """
    own, hint = _json(folder, "config.json").get("files"), _remedy(folder)
    for name, wanted in files(folder).items():
        path = os.path.join(folder, name)
        sha256, size = (wanted, None) if own else wanted
        try:
            whole = os.path.getsize(path) == size if quick and not own else sha256_of(path) == sha256
        except OSError as error:
            raise ModelUnusable(f"the model file {path} cannot be read ({error.strerror})", hint) from error
        if not whole:
            raise ModelUnusable(f"the model file {path} is damaged: it is not as it was", hint)


def sha256_of(path: str) -> str:
    """The sha256 of a file, in hex."""
    import hashlib  # 2 ms that the plain reader does without

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def habits(folder: str) -> Habits:
    """What the settings of a model say of its use.

    Raises: ModelUnusable for a way of pooling, or a layer after it, that mem does not have.
    """
    if "files" in _json(folder, "config.json"):
        return Habits("mean", None, False, {}, 0, ())
    place, layers = _modules(folder)
    modes = _json(folder, f"{place}/config.json")
    named = [key[len("pooling_mode_") :] for key, on in modes.items() if key.startswith("pooling_mode_") and on is True]
    if isinstance(modes.get("pooling_mode"), str):
        named = [modes["pooling_mode"]]
    pooling = [re.sub("_sqrt_len|_tokens?$", "", name) for name in named] or ["mean"]  # a root changes no direction
    if len(pooling) > 1 or pooling[0] not in ("mean", "cls", "max"):
        raise ModelUnusable(
            f"the model in {folder} pools by {' and '.join(named)}, which mem does not", "mem model list"
        )
    return Habits(
        pooling[0],
        _longest(folder),
        _json(folder, "sentence_bert_config.json").get("do_lower_case") is True,
        _prompts(folder),
        _whole(_json(folder, "config.json").get("pad_token_id")) or 0,
        layers,
        place,
    )


def _modules(folder: str) -> tuple[str, tuple[str, ...]]:
    """The folder with the settings of pooling, and the names of layers after it that change a direction."""
    place, layers = "1_Pooling", []
    for module in _loaded(folder, "modules.json", []):
        kind = str(module.get("type", "")).rpartition(".")[2] if isinstance(module, dict) else ""
        if kind == "Pooling":
            place = str(module.get("path") or place)
        elif kind not in ("Transformer", "Normalize"):
            layers.append(kind or "?")
    return place, tuple(layers)


def _longest(folder: str) -> int:
    """Tokens of a text that the model reads: the least that one of its settings allows."""
    config = _json(folder, "config.json")
    places = _whole(config.get("max_position_embeddings"))
    if places is not None and re.match("(xlm-)?roberta|camembert|mpnet", str(config.get("model_type"))):
        places -= 1 + (_whole(config.get("pad_token_id")) or 0)  # they begin to count after the padding
    limits = (
        places,
        _whole(_json(folder, "sentence_bert_config.json").get("max_seq_length")),
        _whole(_json(folder, "tokenizer_config.json").get("model_max_length")),
        LONGEST,
    )
    return min(limit for limit in limits if limit is not None and 0 < limit < UNLIMITED)


def _prompts(folder: str) -> dict[str, str]:
    """What a model wants before a query and before a passage."""
    config = _json(folder, "config_sentence_transformers.json")
    known = config.get("prompts")
    known = known if isinstance(known, dict) else {}
    usual = known.get(config.get("default_prompt_name"), "")
    names = {"query": ("query",), "passage": ("document", "passage", "corpus")}
    return {role: next((str(known[one]) for one in among if one in known), str(usual)) for role, among in names.items()}


def _whole(value: object) -> int | None:
    """A number of a settings file that should be whole."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _json(folder: str, name: str) -> dict[str, Any]:
    """A settings file of a model; empty if an optional one is not there."""
    found = _loaded(folder, name, None if name == "config.json" else {})
    if found is None:
        raise ModelUnusable(f"there is no model in {folder}: it has no config.json", _remedy(folder))
    if not isinstance(found, dict):
        raise ModelUnusable(f"the model file {os.path.join(folder, name)} cannot be read (no table)", _remedy(folder))
    return found


def _loaded(folder: str, name: str, otherwise: Any) -> Any:
    """What a settings file of a model holds, or something else if there is none."""
    import json  # 3 ms that the plain reader does without

    path = os.path.join(folder, name)
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return otherwise
    except (OSError, ValueError, RecursionError) as error:
        raise ModelUnusable(f"the model file {path} cannot be read ({error})", _remedy(folder)) from error


def _remedy(folder: str) -> str:
    """What to do about a model that is damaged."""
    return REINSTALL if folder == EMBEDDED else REPLACE


def graph_of(folder: str) -> str:
    """The path of a model's graph, below its folder.

    Raises: ModelUnusable if it has none.
    """
    for name in ("model.onnx", "onnx/model.onnx"):
        if os.path.isfile(os.path.join(folder, name)):
            return name
    raise ModelUnusable(f"there is no model.onnx in {folder}", "mem model install a directory that has one")


# -- by onnxruntime ---------------------------------------------------------------------------------


class Encoder:
    """A model that is loaded, for as many texts as there are."""

    TOKENS = 8_192
    """At a time, padding included: sixteen of the longest texts, whose attention then takes some 200 MB."""

    def __init__(self, folder: str = EMBEDDED, *, quick: bool = False) -> None:
        """Load a model; `quick` trusts the size of its files.

        Raises: ModelUnusable if it is damaged, missing, of a kind that mem cannot use, or no runtime is installed.
        """
        verify(folder, quick=quick)
        self._folder = folder
        self._habits = habits(folder)
        self._tokenizer = _tokenizer(folder, self._habits.longest)
        self._session = _session(folder)
        self._inputs = _inputs(folder, self._session)
        self._output = self._chosen_output()

    def encode(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """One vector of length 1 for each text; zeros for a text without a known word.

        Some models tell a query from a passage.
        Shapes: (texts, dimension), also for one text or none.
        Raises: ModelUnusable if it cannot be run, or what it gives are no vectors.
        """
        import numpy as np

        entries = self._split(texts, query)
        order = sorted(range(len(entries)), key=lambda at: -len(entries[at].ids))
        parts: list[NDArray[np.float32]] = []
        at = 0
        while at < len(order) or not parts:
            rows = max(1, self.TOKENS // max(1, len(entries[order[at]].ids)))
            parts.append(self._encode([entries[n] for n in order[at : at + rows]]))
            at += rows
        found = np.concatenate(parts)
        found[order] = found.copy()
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        unit: NDArray[np.float32] = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 1e-6)
        return unit[: len(texts)]

    def _split(self, texts: Sequence[str], query: bool) -> list[Any]:
        """The tokens of each text; those of an empty one if there is none, for its length tells the dimension."""
        prompt = self._habits.prompts.get("query" if query else "passage", "")
        said = [(prompt + text).encode("utf-8", "replace").decode() for text in texts] or [""]
        with _Unnamed(self._folder):
            return list(self._tokenizer.encode_batch([one.lower() for one in said] if self._habits.lowercase else said))

    def _encode(self, entries: Sequence[Any]) -> NDArray[np.float32]:
        """The vectors of some texts, of any length."""
        import numpy as np

        shape = len(entries), max(1, *(len(entry.ids) for entry in entries))
        feeds = {
            "input_ids": np.full(shape, self._habits.padding, dtype=np.int64),
            "attention_mask": np.zeros(shape, dtype=np.int64),
            "token_type_ids": np.zeros(shape, dtype=np.int64),
        }
        for row, entry in enumerate(entries):
            feeds["input_ids"][row, : len(entry.ids)] = entry.ids
            feeds["attention_mask"][row, : len(entry.ids)] = entry.attention_mask
            feeds["token_type_ids"][row, : len(entry.ids)] = entry.type_ids
        try:
            (output,) = self._session.run(
                [self._output], {name: feeds[name].astype(kind) for name, kind in self._inputs.items()}
            )
        except _failures() as error:
            raise ModelUnusable(f"the model in {self._folder} cannot be run ({_brief(error)})", REPLACE) from error
        return self._checked(output, feeds["attention_mask"])

    def _checked(self, output: Any, mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """One vector for each text, if that is what the graph gave."""
        import numpy as np

        kind, shape = getattr(output, "dtype", None), np.shape(output)
        if not (
            kind is not None
            and kind.kind == "f"
            and len(shape) in (2, 3)
            and shape[: len(shape) - 1] == mask.shape[: len(shape) - 1]
        ):
            said = f"an output {self._output} of the shape {shape}"
            raise ModelUnusable(f"the model in {self._folder} gives {said}, which are no vectors", REPLACE)
        found = _pooled(output.astype(np.float32), mask, self._habits.pooling)
        if not np.isfinite(found).all():
            raise ModelUnusable(f"the model in {self._folder} gives vectors that are no numbers", REPLACE)
        return found

    def _chosen_output(self) -> str:
        """The output that is the vector of a text, or else the one with those of its tokens."""
        outputs = [entry.name for entry in self._session.get_outputs()]
        wanted = ("sentence_embedding", "last_hidden_state", "token_embeddings", *outputs)
        found: str = next(name for name in wanted if name in outputs)
        if self._habits.layers and found != "sentence_embedding":
            layers = ", ".join(self._habits.layers)
            said = f"the model in {self._folder} has layers after its graph that mem does not run: {layers}"
            raise ModelUnusable(said, "export it with its sentence_embedding as an output")
        return found


def _pooled(output: NDArray[np.float32], mask: NDArray[np.int64], pooling: str) -> NDArray[np.float32]:
    """One vector for each text: as the graph gives it, the first token's, the largest of each part, or the mean."""
    import numpy as np

    if output.ndim == 2:
        return output
    if pooling == "cls":
        return output[:, 0]
    seen = mask[:, :, None] > 0
    if pooling == "max":
        return np.where(seen.any(axis=1), np.where(seen, output, -np.inf).max(axis=1), 0.0).astype(np.float32)
    mean: NDArray[np.float32] = np.where(seen, output, 0.0).sum(axis=1) / seen.sum(axis=1).clip(1)
    return mean.astype(np.float32)


class _Unnamed:
    """Turns what the package tokenizers raises into our error: it has no class of its own for anything."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None and (kind is Exception or type(error).__name__ == "PanicException"):
            path = os.path.join(self._folder, "tokenizer.json")
            raise ModelUnusable(f"the model file {path} cannot be used ({_brief(error)})", REPLACE) from error


def _brief(error: BaseException) -> str:
    """What a package says of a failure, on one line."""
    return " ".join(str(error).split())[:200]


def _tokenizer(folder: str, longest: int | None) -> Any:
    """What splits a text into tokens, cut at a number of them."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ModelUnusable("the package tokenizers is not installed", "pip install tokenizers") from error
    if not _json(folder, "tokenizer.json"):  # read here for its errors: those of the package say less
        raise ModelUnusable(f"there is no tokenizer.json in {folder}", _remedy(folder))
    with _Unnamed(folder):
        tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        if longest is not None:
            tokenizer.enable_truncation(longest)
    return tokenizer


_UNREADABLE = (
    "Fail InvalidArgument InvalidGraph InvalidProtobuf NoSuchFile NotImplemented RuntimeException EPFail".split()
)
"""What onnxruntime calls a graph that it cannot load or run."""


def _failures() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return *(getattr(state, name) for name in _UNREADABLE), RuntimeError, ValueError


def _session(folder: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelUnusable("the package onnxruntime is not installed", "pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    path = os.path.join(folder, graph_of(folder))
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except _failures() as error:
        raise ModelUnusable(f"the model in {folder} cannot be run ({_brief(error)})", REPLACE) from error


def _inputs(folder: str, session: Any) -> dict[str, str]:
    """The inputs of a graph, each with its kind of whole number.

    Raises: ModelUnusable for one that mem does not know how to fill.
    """
    kinds = {"tensor(int64)": "int64", "tensor(int32)": "int32"}
    found = {entry.name: kinds.get(entry.type) for entry in session.get_inputs()}
    odd = [name for name, kind in found.items() if kind is None] + sorted(
        found.keys() - {"input_ids", "attention_mask", "token_type_ids"}
    )
    if odd or "input_ids" not in found:
        said = f"wants {odd[0]!r} as an input" if odd else "has no input 'input_ids'"
        raise ModelUnusable(f"the model in {folder} {said}, which mem does not fill", REPLACE)
    return {name: kind for name, kind in found.items() if kind is not None}


_CHILD = "from mem.embedding import answer; answer()"


def ask(model: str, query: str, seconds: float) -> list[float]:
    """The vector of a query by the model in a folder, from a process of its own, which has so many seconds.

    A model that others made may be slow, hang or break: that shall cost a search one of its channels, no more. Where
    nothing else runs, one of 90 MB takes half a second: 0.25 to load it, 0.2 for what runs it, 0.03 for the query.
    Raises: ModelUnusable, also if it takes longer.
    """
    import subprocess
    import sys

    path = os.pathsep.join(filter(None, [os.path.dirname(os.path.dirname(__file__)), os.environ.get("PYTHONPATH")]))
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _CHILD, model], input=query.encode("utf-8", "replace"), capture_output=True,
            env={**os.environ, "PYTHONPATH": path}, timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        said = f"the model {os.path.basename(model)} took longer than {seconds:g} seconds"
        raise ModelUnusable(said, "mem config set model.seconds N, or mem model use embedded") from error
    except OSError as error:
        raise ModelUnusable(f"no process could be started for a model ({error.strerror})", REPLACE) from error
    if done.returncode == ModelUnusable.exit_code:
        raise ModelUnusable(*done.stdout.decode("utf-8", "replace").split("\n", 1))
    if done.returncode or not done.stdout or len(done.stdout) % 4:
        raise ModelUnusable(f"the model {os.path.basename(model)} broke off ({done.returncode})", "mem model check")
    return array("f", done.stdout).tolist()


def answer() -> None:
    """What that process does: a query on its standard input, the vector or what is wrong on its standard output."""
    import sys

    try:
        vector = Encoder(sys.argv[1], quick=True).encode([sys.stdin.buffer.read().decode()], query=True)[0]
        said, status = vector.tobytes(), 0
    except ModelUnusable as error:
        said, status = f"{error.message}\n{error.hint or REPLACE}".encode(), error.exit_code
    sys.stdout.buffer.write(said)
    sys.stdout.buffer.flush()
    os._exit(status)  # taking the runtime apart would cost a tenth more


# -- by plain Python --------------------------------------------------------------------------------


MANY = 256
"""Texts from which on numpy, which takes as long to load, makes their vectors sooner than plain Python (0.1 s)."""
SOME = 16
"""Texts from which on it does so where it has been loaded (0.2 ms, and 2 to 4 in plain Python); as many are summed at
once."""


def _are_many(texts: Sequence[object]) -> bool:
    return len(texts) >= (SOME if "numpy" in sys.modules else MANY)


def _load_numpy() -> None:
    """Load numpy without the threads of its linear algebra: nothing here needs them, and they take half of the time."""
    if "numpy" not in sys.modules and "OPENBLAS_NUM_THREADS" not in os.environ:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        import_module("numpy")
        del os.environ["OPENBLAS_NUM_THREADS"]


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
        self._numbers: dict[str, int] = {}
        self._vocabulary: dict[str, int] = {}
        """Tokens and their numbers, once all of them were needed."""
        self._known: dict[str, list[int]] = {}
        """Words that were split with it."""
        self._lengths: dict[int, float] = {}

    def tokens_of(self, texts: Sequence[str]) -> list[list[int]]:
        """The same for many texts, for which the whole vocabulary is read."""
        if not _are_many(texts):
            return [self.tokens(text) for text in texts]
        if not self._vocabulary:
            try:
                fields = self._words[:].decode().replace("\n", "\t").split("\t")
                self._vocabulary = dict(
                    zip(fields[:-1:2], map(int, fields[1::2]), strict=True)
                )  # the last one is empty
            except ValueError as error:
                raise ModelUnusable(f"the model's vocabulary is damaged ({error})", REINSTALL) from error
        words = [_pieces(text) for text in texts]
        self._known |= {word: self._split(word) for word in {*chain.from_iterable(words)} - self._known.keys()}
        return [[*chain.from_iterable(map(self._known.__getitem__, said))] for said in words]

    def tokens(self, text: str) -> list[int]:
        """The numbers of a text's tokens, unknown words left out."""
        return [number for word in _pieces(text) for number in self._split(word)]

    def vector(self, tokens: Sequence[int]) -> list[float]:
        """The sum of the tokens' vectors, brought to length 1; zeros for none."""
        total = [0.0] * self._width
        for token in tokens:
            scale = self._scale(token)
            total = [part + scale * value for part, value in zip(total, self._row(token), strict=True)]
        length = _norm(total)
        return [part / length for part in total]

    def pooled(self, texts: Sequence[Sequence[int]]) -> Sequence[Sequence[float]]:
        """The vectors of many texts, by their tokens: to the last bit what `vector` gives, and ten times as fast.

        Shapes: (texts, dimension); an array where there are many.
        """
        if not _are_many(texts):
            return [self.vector(tokens) for tokens in texts]
        _load_numpy()
        import numpy as np

        rows = np.frombuffer(self._table, np.int8, self._scales).reshape(-1, self._width)
        scales = np.frombuffer(self._table, np.float32, offset=self._scales).astype(np.float64)
        sums = np.empty((len(texts), self._width))
        for first in range(0, len(texts), SOME):  # not all at once: long texts would take half a gigabyte
            some = texts[first : first + SOME]
            numbers = np.fromiter(chain.from_iterable(some), np.intp)
            parts = scales[numbers, np.newaxis] * rows[numbers]
            start = 0
            for at, tokens in enumerate(some, first):
                # Along the first axis, and so one by one: the order tells in the last bit of a sum.
                np.add.reduce(parts[start : start + len(tokens)], axis=0, out=sums[at])
                start += len(tokens)
        lengths = np.array([_norm(total) for total in sums.tolist()])
        units: Sequence[Sequence[float]] = sums / lengths[:, np.newaxis]
        return units

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
                number = self._number(mark + word[start:end])
                if number:
                    break
            else:
                return []
            found.append(number)
            start = end
        return found

    def _number(self, token: str) -> int:
        """A token's number, by bisection; 0 for one that is not in the vocabulary."""
        if self._vocabulary:
            return self._vocabulary.get(token, 0)
        if token not in self._numbers:
            self._numbers[token] = self._looked_up(token.encode())
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


def _norm(total: list[float]) -> float:
    """What a sum of vectors is divided by, to have length 1; 1 if it is nothing."""
    length = math.hypot(*total)
    return length if length > 1e-9 else 1.0


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


_PIECE = shape(r"[a-z]+|[0-9]|[!-/:-@\[-`{-~]")


def _pieces(text: str) -> list[str]:
    """Words, single digits and single signs, as the tokenizer's settings split them: lowercase, no accents."""
    if not text.isascii():
        text = "".join(map(_plain, unicodedata.normalize("NFD", "".join(map(_spaced, text)))))
        return text.split()
    found: list[str] = _PIECE.findall(_ascii(text))
    return found


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


def at_rest(vectors: Sequence[Sequence[float]]) -> list[tuple[bytes, bytes]]:
    """Vectors packed, each with its signs: to the last bit what `pack` and `signs` give, and ten times as fast."""
    if not _are_many(vectors) or len(vectors[0]) % 8:
        return [(pack(vector), signs(vector)) for vector in vectors]
    _load_numpy()
    import numpy as np

    values = np.asarray(vectors)
    scales = np.abs(values).max(axis=1, keepdims=True) / 127
    scales[scales == 0] = 1
    whole = np.rint(values / scales).astype(np.int8)
    positive = np.packbits(values > 0, axis=1)
    return [
        (scale.tobytes() + row.tobytes(), bits.tobytes())
        for scale, row, bits in zip(scales.astype(np.float32), whole, positive, strict=True)
    ]


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

    def __init__(self, name: str = OWN) -> None:
        """Choose a model; one that is not the embedded one is loaded when it is needed.

        Raises: ModelUnusable if it is damaged or missing.
        """
        self.table = Table(folder(OWN))
        self.own = name == OWN
        """True for the embedded model, which is there at once; any other takes its time."""
        self._folder = folder(name)
        self._encoder: Encoder | None = None
        found = self.table.stamp if self.own else stamp(self._folder)
        self._scale = scale_of(self._folder)
        self.dimension = found.dimension
        own = "/".join(map(str, self.table.stamp))
        self.model = own if self.own else f"{'/'.join(map(str, found))} {own}"
        """What stands on its vectors."""

    def vectors(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector of length 1 for each text; zeros for a text without a known word.

        Shapes: (texts, dimension).
        Raises: ModelUnusable if the model cannot be run.
        """
        if self.own:
            return self.table.pooled(self.table.tokens_of(texts))
        self._encoder = self._encoder or Encoder(self._folder)
        found: list[list[float]] = self._encoder.encode(texts).tolist()
        return found

    def query(self, text: str, seconds: float) -> Sequence[float]:
        """The vector of a query, if it can be had in time.

        Raises: ModelUnusable if the model cannot be run, or takes longer than so many seconds.
        """
        return self.vectors([text])[0] if self.own else ask(self._folder, text, seconds)

    def likeness(self, query: Sequence[float], packed: bytes) -> float:
        """How close a query is to what is stored of a belief; cosines of all models are of the same size here."""
        found = cosine(query, packed)
        return found if self.own else rescaled(found, self._scale)

    def embed(self, beliefs: Mapping[int, Belief]) -> dict[int, Vector]:
        """What is stored of some beliefs, by their row numbers."""
        passages = [passage(belief) for belief in beliefs.values()]
        tokens = self.table.tokens_of(passages)
        vectors = self.table.pooled(tokens) if self.own else self.vectors(passages)
        return {
            n: Vector(_digest(text), *packed, array("H", sorted({*known})).tobytes())
            for n, text, known, packed in zip(beliefs, passages, tokens, at_rest(vectors), strict=True)
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
    """The same for beliefs that are not as the rows have them; no direction where the model would take its time."""
    texts = [passage(belief) for belief in beliefs.values()]
    vectors = meaning.vectors(texts) if meaning.own else [[0.0] * meaning.dimension for _ in texts]
    return {
        n: (pack(vector), frozenset(meaning.table.tokens(text)))
        for n, text, vector in zip(beliefs, texts, vectors, strict=True)
    }


def _digest(text: str) -> str:
    """What tells the text that was embedded from any other."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:16]


def faults(view: View, meaning: Meaning) -> dict[int, str]:
    """Beliefs whose vectors are not what they should be, by row number, and what is wrong; those that wait are not."""
    stored = {n: rest for n, *rest in view.rows("SELECT belief, scope, model, digest, packed FROM vector")}
    sketched = {n: (scope, bits) for scope, n, bits in view.rows("SELECT scope, belief, signs FROM sketch")}
    found = {}
    for n, scope, waits in view.rows(
        "SELECT n, scope, n IN (SELECT belief FROM unembedded) FROM belief WHERE scope :scopes"
    ):
        belief = view.numbered([n])[n]
        vector = stored.pop(n, None)
        sketch = sketched.pop(n, None)
        if waits and vector is None and sketch is None:
            continue
        wrong = _wrong(belief, scope, vector, sketch, meaning)
        if wrong is not None:
            found[n] = f"the vector of {belief.id} ({belief.name}) {wrong}"
    return found | dict.fromkeys(stored.keys() | sketched.keys(), "there is a vector of a belief that is gone")


def _wrong(
    belief: Belief, scope: int, vector: Sequence[Any] | None, sketch: tuple[int, bytes] | None, meaning: Meaning
) -> str | None:
    """What is wrong with one vector; None if nothing is."""
    if vector is None:
        return "is missing"
    if vector[1] != meaning.model:
        return "was made by another model"
    if vector[0] != scope or vector[2] != _digest(passage(belief)):
        return "is stale"
    if len(vector[3]) != 4 + meaning.dimension:
        return "is damaged"
    if (sketch is not None) != belief.current or (sketch is not None and not _fits(sketch, scope, vector[3])):
        return "is stale"
    return None


def _fits(sketch: tuple[int, bytes], scope: int, packed: bytes) -> bool:
    """True if these are the signs of that vector; what was rounded to 0 may have had either."""
    values = array("b", packed[4:])
    known = int.from_bytes(signs([abs(value) for value in values]), "big")
    apart = int.from_bytes(sketch[1], "big") ^ int.from_bytes(signs(values), "big")
    return sketch[0] == scope and len(sketch[1]) == len(signs(values)) and not apart & known
