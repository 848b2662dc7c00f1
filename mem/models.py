"""Models on disk: which there are, how one comes in or goes, and whether it is whole.

A model that was installed is a folder below the data directory with everything that it needs, and a record of it.
It is made beside its place and put there in one step, after it was tried: what is listed can be used.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, NamedTuple

from mem.config import models_directory
from mem.embedding import (
    NAME,
    OWN,
    RECORD,
    REINSTALL,
    REPLACE,
    Encoder,
    Stamp,
    Table,
    files,
    folder,
    graph_of,
    habits,
    sha256_of,
    stamp,
    verify,
)
from mem.errors import MemError, ModelUnusable, Refused, UsageMistake, meant
from mem.store import locked, unusable
from mem.tree import sync_folders

LARGEST = 2 << 30
"""Bytes of one model: a graph of more cannot be one file, and would keep a search waiting for seconds."""
TRIAL = ("The store of record is Postgres.", "My sister is allergic to peanuts.")
"""Sentences of different meaning: a model that finds them equal is of no use."""
PAIRS = (
    ("The store of record is Postgres.", "Which database do we use?"),
    ("My sister is allergic to peanuts.", "What must she not eat?"),
    ("We deploy on Fridays with make ship.", "How is the release made?"),
    ("The office is on the third floor of the old mill.", "Where do we work?"),
    ("I prefer short answers with the reason first.", "How should you reply to me?"),
    ("The dentist moved my appointment to May.", "When do I see the doctor about my teeth?"),
    ("Tests run in parallel on every push.", "What does the build server do with a commit?"),
    ("Our cat is called Miso and hates the vacuum cleaner.", "What frightens our pet?"),
    ("Rent is due on the first of the month.", "When do I have to pay for the flat?"),
    ("Maya designs the screens of the app.", "Who is responsible for the user interface?"),
    ("The train to Berlin leaves at seven.", "How early must I be at the station?"),
    ("Logs are kept for thirty days.", "How long is the history of the server stored?"),
)
"""What is believed, and a question that it answers in other words: they tell how large a model's cosines are."""
AGREES = 0.999
"""Cosine from which two vectors of one text count as the same: int8 and threads differ by less."""
_BEGUN = ".begun-"
"""The beginning of what is not in place yet, or not any more."""


class Model(NamedTuple):
    """A model that can be used, or could be if it were whole."""

    name: str
    """What `mem model use` calls it."""
    path: str
    stamp: Stamp | None
    """None if its settings cannot be read."""
    size: int
    """Bytes."""
    problem: str | None
    """What is wrong with it, as far as that can be seen at a glance."""


# -- which there are --------------------------------------------------------------------------------


def named(name: str) -> Model:
    """A model by the name that somebody typed.

    Raises: UsageMistake with close names if there is none.
    """
    known = {model.name: model for model in listed()}
    if name not in known:
        raise UsageMistake(f"there is no model {name!r}", meant(name, known, "mem model list"))
    return known[name]


def listed() -> list[Model]:
    """The embedded model, then those that are installed, by name."""
    return [_model(OWN, folder(OWN)), *(_model(name, folder(name)) for name in _installed())]


def _installed() -> list[str]:
    try:
        found = os.listdir(models_directory())
    except FileNotFoundError:
        return []
    return sorted(
        name for name in found if re.fullmatch(NAME, name) and os.path.isdir(os.path.join(models_directory(), name))
    )


def _model(name: str, path: str) -> Model:
    found, problem, size = None, None, 0
    try:
        found = stamp(path)
        there = [place for name in files(path) if os.path.exists(place := os.path.join(path, name))]
        size = sum(map(os.path.getsize, there))
        verify(path, quick=True)
    except ModelUnusable as error:
        problem = error.message
    return Model(name, path, found, size, problem)


# -- whether it is whole ----------------------------------------------------------------------------


def check(name: str) -> float:
    """Compare every file of a model with its sum, run it, and compare what it gives with what it should.

    The embedded one is compared with its other reader, an installed one with itself when it was installed.
    Returns the least cosine. Raises: ModelUnusable, with what to do next.
    """
    path = folder(name)
    try:
        verify(path)
        worst = _likeness(path)
    except ModelUnusable as error:
        hint = f"mem model remove {name}, then mem model install DIR"
        raise ModelUnusable(error.message, hint if error.hint == REPLACE else error.hint) from error
    if worst < AGREES:
        hint = REINSTALL if name == OWN else f"mem model remove {name}"
        raise ModelUnusable(f"the model {name} gives other vectors than it should (cosine {worst:.4f})", hint)
    return worst


def problem(name: str) -> str | None:
    """What is wrong with the model in use, and what to do; the embedded one is not run, for it needs no runtime."""
    try:
        if name == OWN:
            verify(folder(name))
        else:
            check(name)
    except ModelUnusable as error:
        return f"{error.message} ({REPLACE if name != OWN else error.hint})"
    return None


def _likeness(path: str) -> float:
    """The least cosine of what a model gives and what it should."""
    found = Encoder(path).encode(TRIAL)
    if path == folder(OWN):
        table = Table(path)
        wanted = [table.vector(table.tokens(text)) for text in TRIAL]
    else:
        wanted = _trial(path)
    if [len(one) for one in wanted] != [found.shape[1]] * len(TRIAL):
        return -1.0
    return min(float(one @ other) for one, other in zip(found, wanted, strict=True))


def _trial(path: str) -> list[list[float]]:
    """What an installed model gave when it was."""
    try:
        with open(os.path.join(path, RECORD), encoding="utf-8") as file:
            return [[float(value) for value in vector] for vector in json.load(file)["trial"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUnusable(
            f"mem did not install the model in {path}", f"mem model remove {os.path.basename(path)}"
        ) from error


# -- in and out -------------------------------------------------------------------------------------


def install(source: str, name: str | None) -> tuple[Model, bool]:
    """Take in a sentence-transformers directory with an ONNX graph; False if that very model is there already.

    Raises: UsageMistake if there is no such directory, or another model of that name; ModelUnusable if it is none
        that mem can use; StoreUnusable for a disk that is full or cannot be written.
    """
    if not os.path.isdir(source):
        raise UsageMistake(f"there is no directory {source}", "mem model install DIR")
    source = os.path.realpath(source)
    usual = re.sub("[^A-Za-z0-9._-]+", "-", os.path.basename(source)).lstrip("._-")
    wanted = _new_name(name if name is not None else usual)
    with _workshop() as scratch:
        return _taken_in(source, wanted, source, scratch)


def _taken_in(source: str, name: str, origin: str, scratch: str) -> tuple[Model, bool]:
    """Copy a model, try it and put it in its place, as one that comes from somewhere."""
    built, place = os.path.join(scratch, "model"), os.path.join(models_directory(), name)
    try:
        sums = _copied(source, _files(source), built)
        if os.path.isdir(place):
            there = _model(name, place)
            if there.stamp is None or there.stamp.version != _version(sums):
                raise UsageMistake(f"another model is called {name}", "give --name NAME")
            return there, False
        _try(built, name, origin, sums)
    except ModelUnusable as error:
        raise ModelUnusable(error.message.replace(built, source).replace(source, origin), _next(error)) from error
    sync_folders(built, [os.path.join(built, file) for file in (*sums, RECORD)])
    os.rename(built, place)
    return _model(name, place), True


def _next(error: MemError) -> str:
    """What to do about a model that was not taken in: not what one would do about the one in use."""
    return error.hint if error.hint and not error.hint.startswith("mem ") else "mem model list"


def remove(name: str, in_use: str) -> Model:
    """Take an installed model away.

    Raises: UsageMistake if there is none; Refused for the embedded one and the one in use.
    """
    model = named(name)
    if name == OWN:
        raise Refused("the embedded model is a part of mem and stays", "mem model list")
    if name == in_use:
        raise Refused(f"the model {name} is in use", f"mem model use {OWN}")
    with _workshop() as scratch:
        os.rename(model.path, os.path.join(scratch, "gone"))
    return model


def _new_name(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise UsageMistake(f"{name!r} is no name of a model: letters, digits, '.', '_' and '-'", "give --name NAME")
    taken = next((one for one in (OWN, *_installed()) if one != name and one.casefold() == name.casefold()), None)
    if taken is not None or name == OWN:
        raise UsageMistake(f"a model is called {taken or name} already", "give --name NAME")
    return name


@contextmanager
def _workshop() -> Iterator[str]:
    """A new folder beside the installed models, gone afterwards unless it was moved; one at a time.

    Raises: StoreUnusable for whatever the system says of it.
    """
    top = models_directory()
    scratch = os.path.join(top, f"{_BEGUN}{os.getpid()}")
    try:
        os.makedirs(top, mode=0o700, exist_ok=True)
        with locked(os.path.join(top, ".lock")):
            for left in (one for one in os.listdir(top) if one.startswith(_BEGUN)):  # by a crash
                shutil.rmtree(os.path.join(top, left))
            os.mkdir(scratch, mode=0o700)
            try:
                yield scratch
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise unusable(error, error.filename or top) from error


def _files(source: str) -> list[str]:
    """What a model needs of its directory, as paths below it.

    Raises: ModelUnusable if something is missing, or is not in the directory.
    """
    graph = graph_of(source)
    needed = ["config.json", "tokenizer.json", graph]
    settings = [
        "tokenizer_config.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "modules.json",
    ]
    settings = [one for one in settings if os.path.lexists(os.path.join(source, one))]
    _require_inside(source, [*needed, *settings])
    pooling = f"{habits(source).place}/config.json"
    beside = [os.path.join(os.path.dirname(graph), one) for one in _external(os.path.join(source, graph))]
    files = [*needed, *settings, *([pooling] if os.path.lexists(os.path.join(source, pooling)) else []), *beside]
    _require_inside(source, files)
    return list(dict.fromkeys(map(os.path.normpath, files)))


def _require_inside(source: str, files: Sequence[str]) -> None:
    """Nothing is taken from elsewhere, by a path or by a link."""
    top = os.path.realpath(source)
    for file in files:
        path = os.path.join(source, file)
        real = os.path.realpath(path)
        if os.path.commonpath([top, real]) != top or os.path.normpath(file).startswith(("..", "/")):
            raise ModelUnusable(f"{path} leads out of the directory", f"cp -rL {source} COPY; mem model install COPY")
        if not os.path.lexists(path):
            raise ModelUnusable(f"there is no {file} in {source}", "mem model install a directory that has one")
        if not stat.S_ISREG(os.stat(real).st_mode if os.path.exists(real) else 0):
            raise ModelUnusable(f"{path} is no file", "mem model install DIR")


def _copied(source: str, files: list[str], target: str) -> dict[str, tuple[str, int]]:
    """Copy files; returns the sha256 and the size of each."""
    left, sums = LARGEST, {}
    for file in files:
        path = os.path.join(target, file)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.path.join(source, file), "rb") as old, open(path, "xb") as new:
            left -= copy_at_most(old, new, left)
            os.fsync(new.fileno())
        sums[file] = sha256_of(path), os.path.getsize(path)
    return sums


def copy_at_most(source: IO[bytes], target: IO[bytes], most: int, progress: Callable[[int], None] | None = None) -> int:
    """Copy a stream; returns its bytes.

    Raises: ModelUnusable if there are more than that.
    """
    done = 0
    while block := source.read(1 << 20):
        done += len(block)
        if done > most:
            raise ModelUnusable(
                f"the model has more than {LARGEST >> 20:,} MiB, the most that mem takes", "mem model list"
            )
        target.write(block)
        if progress is not None:
            progress(done)
    return done


def _version(sums: Mapping[str, tuple[str, int]]) -> str:
    """What tells a model from others of its name: any of its files may change its vectors."""
    import hashlib

    lines = "".join(f"{sha256} {file}\n" for file, (sha256, _) in sorted(sums.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


def _try(path: str, name: str, origin: str, sums: Mapping[str, tuple[str, int]]) -> None:
    """Run a model on two sentences, and write its record.

    Raises: ModelUnusable if what it gives cannot tell them apart.
    """
    encoder = Encoder(path)
    found = encoder.encode(TRIAL)
    if not found.any(axis=1).all() or float(found[0] @ found[1]) > AGREES:
        raise ModelUnusable(f"the model in {path} gives two sentences one vector", "check how it was exported")
    trial = [[round(value, 6) for value in row] for row in found.tolist()]
    record = {"id": name, "version": _version(sums), "dimension": len(trial[0]), "source": origin}
    with open(os.path.join(path, RECORD), "x", encoding="utf-8") as file:
        json.dump({**record, "scale": scale(encoder), "files": sums, "trial": trial}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def scale(encoder: Encoder) -> tuple[float, float]:
    """The mean cosine that a model gives questions and beliefs that have nothing to do with each other, and pairs."""
    told, asked = zip(*PAIRS, strict=True)
    cosines = encoder.encode(asked, query=True) @ encoder.encode(told).T
    pairs = float(cosines.trace())
    count = len(PAIRS)
    return round((float(cosines.sum()) - pairs) / (count * (count - 1)), 4), round(pairs / count, 4)


# -- from the network -------------------------------------------------------------------------------


class Pinned(NamedTuple):
    """An archive on the network that never changes."""

    url: str
    sha256: str


PINNED: Mapping[str, Pinned] = {
    # 384 dimensions, English, Apache-2.0. The sum is that in chromadb's own source, and in many others that fetch it.
    "all-MiniLM-L6-v2": Pinned(
        "https://chroma-onnx-models.s3.amazonaws.com/all-MiniLM-L6-v2/onnx.tar.gz",
        "913d7300ceae3b2dbc2c50d1de4baacab4be7b9380491c27fab7418616a16ec3",
    )
}
PATIENCE = 30
"""Seconds without a byte after which a download is given up."""


def pull(name: str, pinned: Pinned | None, progress: Callable[[int], None]) -> tuple[Model, bool]:
    """Fetch an archive with a model, and install it if its sum is the one it should have.

    Without `pinned`, the name must be one whose address mem knows. False if a model of that name is there already.
    Raises: UsageMistake for an unknown name, address or sum; ModelUnusable if it cannot be fetched, or is another
        file than it should be; what `install` raises.
    """
    if pinned is None and name not in PINNED:
        raise UsageMistake(f"mem knows no address of a model {name!r}", meant(name, PINNED, "--url URL --sha256 HEX"))
    url, sha256 = pinned or PINNED[name]
    if not re.match("(https?|file)://", url) or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise UsageMistake("an address begins with https://, and a sha256 has 64 hex digits", "mem model pull --help")
    if name in _installed():
        return named(name), False
    with _workshop() as scratch:
        archive, unpacked = os.path.join(scratch, "archive"), os.path.join(scratch, "unpacked")
        _fetch(url, archive, progress)
        if sha256_of(archive) != sha256:
            raise ModelUnusable(f"{url} is another file than it should be; nothing was installed", "mem model list")
        return _taken_in(_unpacked(archive, unpacked, url), _new_name(name), url, scratch)


def _fetch(url: str, path: str, progress: Callable[[int], None]) -> None:
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=PATIENCE) as source, open(path, "xb") as target:
            copy_at_most(source, target, LARGEST, progress)
    except (OSError, HTTPException, ValueError) as error:
        said = getattr(error, "reason", None) or error
        hint = "mem model install DIR takes one that is on this machine"
        raise ModelUnusable(f"{url} cannot be fetched ({said}); nothing was installed", hint) from error


def _unpacked(archive: str, target: str, url: str) -> str:
    """Unpack the files of an archive; returns the folder with the model in it."""
    import lzma
    import tarfile
    import zipfile
    import zlib
    from gzip import BadGzipFile

    left = LARGEST
    try:
        for name, content in _members(archive):
            if name.startswith("/") or ".." in name.split("/"):
                raise ModelUnusable(f"{url} holds a path that leads out of it: {name}", "mem model list")
            path = os.path.join(target, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                left -= copy_at_most(content, file, left)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, BadGzipFile) as error:
        raise ModelUnusable(f"{url} is no archive that mem can unpack ({error})", "mem model list") from error
    found = [where for where, _, files in os.walk(target) if "tokenizer.json" in files]
    if not found:
        raise ModelUnusable(f"there is no model with a tokenizer.json in {url}", "mem model list")
    return min(found, key=lambda where: (where.count(os.sep), where))


def _members(archive: str) -> Iterator[tuple[str, IO[bytes]]]:
    """The regular files of a zip or tar archive: name and content."""
    import tarfile
    import zipfile

    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for entry in zipped.infolist():
                if not entry.is_dir():
                    with zipped.open(entry) as content:
                        yield entry.filename, content
        return
    with tarfile.open(archive) as tarred:
        for member in tarred:
            content_ = tarred.extractfile(member) if member.isfile() else None
            if content_ is not None:
                yield member.name, content_


# -- files that a graph refers to -------------------------------------------------------------------

_INSIDE: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
    "tensor": {13: "entry"},
}
"""The messages of an ONNX file in which a tensor may be found, by field number; its entries say where its data is."""


def _external(path: str) -> set[str]:
    """The files beside a graph in which it keeps tensors.

    Raises: ModelUnusable if it is no graph.
    """
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return set(_locations(data, 0, len(data), "model"))
    except (ValueError, IndexError, RecursionError) as error:
        raise ModelUnusable(f"{path} is no ONNX graph", "mem model install a directory that has one") from error


def _locations(data: mmap.mmap, start: int, end: int, kind: str) -> Iterator[str]:
    for number, begins, ends in _fields(data, start, end):
        inner = _INSIDE[kind].get(number)
        if inner == "entry":
            pair = {part: data[begins:ends] for part, begins, ends in _fields(data, begins, ends)}
            if pair.get(1) == b"location":
                yield pair.get(2, b"").decode()
        elif inner is not None:
            yield from _locations(data, begins, ends, inner)


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields of a message that have a length: number, beginning and end.

    Raises: ValueError or IndexError if it is none.
    Source: the encoding of Protocol Buffers.
    """
    while at < end:
        key, at = _number(data, at)
        size = {1: 8, 5: 4}.get(key & 7, 0)
        if key & 7 in (0, 2):
            size, at = _number(data, at)
        if key & 7 == 2:
            yield key >> 3, at, at + size
        elif key & 7 == 0:
            size = 0
        elif not size:
            raise ValueError(f"a field of the kind {key & 7}")
        at += size
        if at > end:
            raise ValueError("a field that is longer than its message")


def _number(data: mmap.mmap, at: int) -> tuple[int, int]:
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1
