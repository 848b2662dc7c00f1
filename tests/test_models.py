"""Models on disk: what is listed, what is taken in and what is not, and what is said when one is damaged."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mem import embedding, models
from mem.errors import ModelUnusable, UsageMistake
from mem.models import Pinned
from tests.conftest import Mem, environment
from tests.encoders import WIDTH, model
from tests.test_offline import RUN, cut_off


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A directory with a model, to be installed."""
    return model(tmp_path / "tiny", external="weights.bin")


@pytest.fixture
def installed(tiny: Path) -> Path:
    """The folder of an installed model."""
    return Path(models.install(str(tiny), None)[0].path)


def names() -> list[str]:
    return [one.name for one in models.listed()]


def begun() -> list[str]:
    return [one for one in os.listdir(models.models_directory()) if one.startswith(models._BEGUN)]


# -- installing -------------------------------------------------------------------------------------


def test_an_installed_model_needs_nothing_of_where_it_came_from(tiny: Path, mem: Mem) -> None:
    assert mem("model", "install", "tiny").out == "installed tiny (8 dimensions)\n"
    shutil.rmtree(tiny)
    assert models.check("tiny") > 0.999 and names() == ["embedded", "tiny"] and begun() == []


def test_what_is_installed_is_recorded_with_the_sum_of_every_file(installed: Path) -> None:
    record = json.loads((installed / "mem.json").read_text())
    files = {str(path.relative_to(installed)): path for path in installed.rglob("*") if path.is_file()}
    files.pop("mem.json")
    assert {name: sha256 for name, (sha256, _) in record["files"].items()} == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
    }
    assert (record["dimension"], {"weights.bin", "1_Pooling/config.json"} <= files.keys()) == (WIDTH, True)


def test_only_what_the_model_needs_is_copied(tiny: Path) -> None:
    (tiny / "pytorch_model.bin").write_bytes(b"x" * 1000)
    (tiny / "model_quantized.onnx").write_bytes(b"x")
    found, _ = models.install(str(tiny), None)
    assert {"pytorch_model.bin", "model_quantized.onnx"}.isdisjoint(os.listdir(found.path))


def test_the_graph_may_be_in_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = model(tmp_path / "tiny")
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
    found, new = models.install(str(folder), "Other-1.0")
    assert new and (Path(found.path) / "onnx" / "model.onnx").exists() and names() == ["embedded", "Other-1.0"]


def test_the_same_model_is_installed_once(tiny: Path) -> None:
    assert [models.install(str(tiny), None)[1] for _ in range(2)] == [True, False]


def test_another_model_of_the_same_name_is_not_installed(tiny: Path, installed: Path, mem: Mem) -> None:
    before = (installed / "mem.json").read_bytes()
    model(tiny, factor=-1.0)
    status, _, err = mem("model", "install", "tiny")
    assert status == 2 and "another model is called tiny" in err and (installed / "mem.json").read_bytes() == before


def test_a_version_stands_for_every_file(tiny: Path) -> None:
    one = models.install(str(tiny), "one")[0].stamp
    (tiny / "1_Pooling" / "config.json").write_text('{"pooling_mode_max_tokens": true}')
    two = models.install(str(tiny), "two")[0].stamp
    assert one and two and one.version != two.version


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "-x", "embedded", "Embedded", "TINY", "x" * 65, "a\nb"])
def test_a_name_that_would_not_do_is_refused(tiny: Path, installed: Path, mem: Mem, name: str) -> None:
    status, _, err = mem("model", "install", f"--name={name}", "tiny")
    assert status == 2 and "mem: " in err and names() == ["embedded", "tiny"]


def without(file: str) -> Any:
    return lambda folder: (folder / file).unlink()


def linked(file: str, target: str) -> Any:
    def link(folder: Path) -> None:
        elsewhere = folder.parent / "elsewhere"
        elsewhere.mkdir()
        (folder / file).rename(elsewhere / os.path.basename(file))
        (folder / file).symlink_to(target)

    return link


def broken(file: str) -> Any:
    return lambda folder: (folder / file).write_bytes(b"nothing of this kind")


def renamed(path: Path, old: bytes, new: bytes) -> None:
    assert old in path.read_bytes() and len(old) == len(new)
    path.write_bytes(path.read_bytes().replace(old, new))


REFUSED = {
    "there is no model.onnx": without("model.onnx"),
    "there is no tokenizer.json": without("tokenizer.json"),
    "there is no config.json": without("config.json"),
    "there is no weights.bin": without("weights.bin"),
    "tokenizer.json leads out of the directory": linked("tokenizer.json", "../elsewhere/tokenizer.json"),
    "weights.bin leads out of the directory": linked("weights.bin", "../elsewhere/weights.bin"),
    "tokenizer.json is no file": lambda folder: (
        without("tokenizer.json")(folder),
        os.mkfifo(folder / "tokenizer.json"),
    ),
    "is no ONNX graph": broken("model.onnx"),
    "tokenizer.json cannot be read": broken("tokenizer.json"),
    "cannot be run": broken("weights.bin"),
    "pools by lasttoken": lambda folder: model(folder, pooling="lasttoken"),
    "vectors that are no numbers": lambda folder: model(folder, factor=float("nan")),
    "gives two sentences one vector": lambda folder: model(folder, pooling="cls_token"),
    "../tiny/abc leads out": lambda folder: renamed(folder / "model.onnx", b"weights.bin", b"../tiny/abc"),
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_cannot_be_used_is_not_installed(tiny: Path, mem: Mem, said: str) -> None:
    REFUSED[said](tiny)
    status, out, err = mem("model", "install", "tiny")
    assert (status, out, err.count("\n")) == (5, "", 2) and said in err and "  try: " in err
    assert names() == ["embedded"] and begun() == []


def test_a_link_within_the_directory_is_followed(tiny: Path) -> None:
    (tiny / "blobs").mkdir()
    (tiny / "tokenizer.json").rename(tiny / "blobs" / "t")
    (tiny / "tokenizer.json").symlink_to("blobs/t")
    found, _ = models.install(str(tiny), None)
    assert not (Path(found.path) / "tokenizer.json").is_symlink()


def test_a_model_that_is_too_large_is_not_installed(tiny: Path, mem: Mem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "LARGEST", 1_000)
    status, _, err = mem("model", "install", "tiny")
    assert status == 5 and "the most that mem takes" in err and names() == ["embedded"] and begun() == []


def test_what_a_crash_left_is_gone_after_the_next_act(tiny: Path) -> None:
    left = Path(models.models_directory()) / f"{models._BEGUN}1"
    left.mkdir(parents=True)
    assert names() == ["embedded"]
    models.install(str(tiny), None)
    assert not left.exists()


def test_a_directory_that_is_not_there_is_a_slip(mem: Mem) -> None:
    status, _, err = mem("model", "install", "nowhere")
    assert status == 2 and "there is no directory nowhere" in err


@pytest.mark.parametrize("line", ["use embedded", "install tiny", "pull all-MiniLM-L6-v2", "remove tiny"])
def test_an_agent_changes_no_model(mem_process: Mem, tiny: Path, line: str) -> None:
    status, _, err = mem_process("model", *line.split(), env={"CLAUDECODE": "1"})
    assert status == 4 and "for a person" in err


# -- how large cosines are --------------------------------------------------------------------------


def test_the_usual_size_of_cosines_is_that_of_the_embedded_model() -> None:
    assert models.scale(embedding.Encoder()) == pytest.approx(embedding.USUAL, abs=0.1)
    assert [embedding.rescaled(one, embedding.USUAL) for one in (-1.0, 0.0, 0.7, 1.0)] == pytest.approx([-1, 0, 0.7, 1])


def test_cosines_that_are_all_large_are_brought_to_the_usual_size(installed: Path) -> None:
    assert embedding.rescaled(0.75, (0.75, 0.85)) == pytest.approx(embedding.USUAL[0])
    assert embedding.rescaled(0.85, (0.75, 0.85)) == pytest.approx(embedding.USUAL[1])
    assert 0.9 < embedding.rescaled(1.0, (0.75, 0.85)) <= 1.0 and embedding.rescaled(0.3, (0.9, 0.91)) == 0.3
    low, high = embedding.scale_of(str(installed))
    assert -1 <= low <= 1 and -1 <= high <= 1 and embedding.scale_of(embedding.EMBEDDED) == embedding.USUAL


# -- use and removal --------------------------------------------------------------------------------


def test_the_model_in_use_is_a_setting_that_can_be_undone(mem: Mem, installed: Path) -> None:
    assert mem("model", "use", "tiny").status == 0
    assert mem("config", "get", "model.name").out == "tiny\n"
    assert mem("undo").out == "undone: config model.name tiny\n"
    assert mem("config", "get", "model.name").out == "embedded\n"


@pytest.mark.parametrize("line", [("model", "use"), ("config", "set", "model.name"), ("model", "remove")])
def test_a_model_that_there_is_not_has_close_names(mem: Mem, installed: Path, line: tuple[str, ...]) -> None:
    status, _, err = mem(*line, "tinny")
    assert status == 2 and "there is no model 'tinny'" in err and "did you mean tiny?" in err


def test_a_damaged_model_is_not_used(mem: Mem, installed: Path) -> None:
    (installed / "weights.bin").write_bytes(b"")
    status, _, err = mem("model", "use", "tiny")
    assert status == 5 and "weights.bin is damaged" in err
    assert mem("config", "get", "model.name").out == "embedded\n"


def test_a_model_is_removed_unless_it_is_in_use(mem: Mem, installed: Path) -> None:
    assert mem("model", "use", "tiny").status == 0
    assert mem("model", "remove", "tiny").status == 4 and installed.exists()
    assert mem("model", "remove", "embedded").status == 4
    assert mem("model", "use", "embedded").status == 0
    assert mem("model", "remove", "tiny").out == "removed tiny\n"
    assert not installed.exists() and begun() == []


def test_a_model_in_use_that_is_gone_is_told(mem: Mem, installed: Path) -> None:
    assert mem("model", "use", "tiny").status == 0
    shutil.rmtree(installed)
    assert "the model in use, tiny, is not installed; mem model use embedded" in mem("model").err
    with pytest.raises(ModelUnusable, match="the model tiny is not installed"):
        embedding.folder("tiny")


@pytest.mark.parametrize("name", ["../../etc", "/etc", "", ".lock", "a\x00b"])
def test_a_name_from_a_settings_file_leads_nowhere_else(name: str) -> None:
    with pytest.raises(ModelUnusable):
        embedding.folder(name)


# -- checking ---------------------------------------------------------------------------------------


def test_the_embedded_model_and_an_installed_one_are_whole(mem: Mem, installed: Path) -> None:
    status, out, err = mem("model", "check", "--json")
    found = json.loads(out)["models"]
    assert (status, err) == (0, "") and [one["name"] for one in found] == ["embedded", "tiny"]
    assert all(one["cosine"] > 0.999 and one["problem"] is None for one in found)


FILES = ["model.onnx", "weights.bin", "tokenizer.json", "config.json", "1_Pooling/config.json"]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["one bit", "cut", "gone"])
def test_damage_is_named_with_the_next_thing_to_type(mem: Mem, installed: Path, file: str, damage: str) -> None:
    path = installed / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data[:-1] if damage == "cut" else data)
    if damage == "gone":
        path.unlink()
    status, out, err = mem("model", "check", "tiny")
    assert status == 5 and file in err and "mem model" in err and "unusable" in out


@pytest.mark.parametrize("file", FILES)
def test_the_list_shows_a_file_that_was_cut(mem: Mem, installed: Path, file: str) -> None:
    (installed / file).write_bytes((installed / file).read_bytes()[:-1])
    status, out, err = mem("model", "list")
    assert status == 0 and "tiny\tdamaged" in out and file in err


def test_a_model_whose_record_is_gone_is_none_that_mem_installed(mem: Mem, installed: Path) -> None:
    (installed / "mem.json").unlink()
    status, _, err = mem("model", "check", "tiny")
    assert status == 5 and "mem did not install the model in" in err
    assert mem("model", "remove", "tiny").status == 0 and names() == ["embedded"]


def test_a_model_that_gives_other_vectors_is_caught(mem: Mem, installed: Path) -> None:
    record = json.loads((installed / "mem.json").read_text())
    record["trial"].reverse()
    (installed / "mem.json").write_text(json.dumps(record))
    status, _, err = mem("model", "check", "tiny")
    assert status == 5 and "gives other vectors than it should" in err


def test_the_two_readers_of_the_embedded_model_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "AGREES", 1.1)
    with pytest.raises(ModelUnusable, match="the model embedded gives other vectors"):
        models.check("embedded")


def test_damage_of_the_embedded_model_is_found_by_doctor_and_by_check(mem: Mem, own: Path) -> None:
    assert mem("doctor").status == 0 and mem("model", "check").status == 0
    (own / "table.bin").write_bytes(b"x")
    for line in (("doctor",), ("model", "check")):
        status, _, err = mem(*line)
        assert status in (3, 5) and "table.bin is damaged" in err and "pip install --force-reinstall mem" in err


def test_doctor_finds_that_the_model_in_use_is_damaged(mem: Mem, installed: Path) -> None:
    assert mem("remember", "Tea.").status == 0 and mem("model", "use", "tiny").status == 0
    assert mem("doctor").status == 0
    (installed / "weights.bin").write_bytes((installed / "weights.bin").read_bytes()[::-1])
    status, _, err = mem("doctor")
    assert status == 3 and "weights.bin is damaged" in err and "(mem model use embedded)" in err
    assert mem("model", "use", "embedded").status == 0 and mem("doctor").status == 0


# -- pulling ----------------------------------------------------------------------------------------


def packed(source: Path, target: Path, inner: str = "onnx") -> Pinned:
    """An archive of a directory, and what pins it."""
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w") as zipped:
            for path in source.rglob("*"):
                zipped.write(path, f"{inner}/{path.relative_to(source)}")
    else:
        with tarfile.open(target, "w:gz") as tarred:
            tarred.add(source, inner)
    return Pinned(target.as_uri(), hashlib.sha256(target.read_bytes()).hexdigest())


def pull(name: str, pinned: Pinned | None) -> tuple[models.Model, bool]:
    return models.pull(name, pinned, lambda done: None)


@pytest.mark.parametrize("archive", ["a.tgz", "a.zip"])
def test_an_archive_is_fetched_unpacked_and_installed(tiny: Path, tmp_path: Path, archive: str) -> None:
    pinned = packed(tiny, tmp_path / archive)
    assert [pull("tiny", pinned)[1] for _ in range(2)] == [True, False]
    assert models.check("tiny") > 0.999 and begun() == []


def test_an_archive_of_another_sum_is_not_even_unpacked(mem: Mem, tiny: Path, tmp_path: Path) -> None:
    pinned = packed(tiny, tmp_path / "a.tgz")
    status, out, err = mem("model", "pull", "tiny", "--url", pinned.url, "--sha256", "0" * 64)
    assert (status, out) == (5, "") and "is another file than it should be; nothing was installed" in err
    assert names() == ["embedded"] and begun() == []


def test_what_is_not_there_is_told_with_what_to_do_instead(mem: Mem, tmp_path: Path) -> None:
    url = (tmp_path / "nothing.tgz").as_uri()
    status, out, err = mem("model", "pull", "x", "--url", url, "--sha256", "0" * 64)
    assert (status, out) == (5, "") and "cannot be fetched" in err and "mem model install DIR" in err


def hostile(tmp_path: Path, name: str, **member: Any) -> Pinned:
    target = tmp_path / "hostile.tgz"
    with tarfile.open(target, "w:gz") as tarred:
        entry = tarfile.TarInfo(name)
        for key, value in ({"size": 3} | member).items():
            setattr(entry, key, value)
        tarred.addfile(entry, io.BytesIO(b"abc"))
    return Pinned(target.as_uri(), hashlib.sha256(target.read_bytes()).hexdigest())


@pytest.mark.parametrize("name", ["../../out", "/tmp/out-of-mem", "a/../../out"])
def test_an_archive_that_leads_out_of_itself_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelUnusable, match="leads out of it"):
        pull("x", hostile(tmp_path, name))


def test_a_link_in_an_archive_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"no model with a tokenizer\.json"):
        pull("x", hostile(tmp_path, "tokenizer.json", type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0))


def test_an_archive_that_grows_too_large_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "tokenizer.json").write_bytes(b"\x00" * 1_000_000)
    pinned = packed(tmp_path / "big", tmp_path / "a.tgz")
    monkeypatch.setattr(models, "LARGEST", 100_000)
    with pytest.raises(ModelUnusable, match="the most that mem takes"):
        pull("x", pinned)
    assert begun() == []


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(b"nothing of this kind")
    sha256 = hashlib.sha256(b"nothing of this kind").hexdigest()
    with pytest.raises(ModelUnusable, match="is no archive that mem can unpack"):
        pull("x", Pinned((tmp_path / "a.tgz").as_uri(), sha256))


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "x --url https://example.org/x",
        f"x --url ftp://example.org/x --sha256 {'0' * 64}",
        "x --url https://example.org/x --sha256 12",
    ],
)
def test_an_address_without_a_sum_or_of_another_kind_is_refused(mem: Mem, line: str) -> None:
    status, _, err = mem("model", "pull", *line.split())
    assert status == 2 and "  try: " in err


def test_every_address_that_mem_knows_is_pinned() -> None:
    assert models.PINNED and all(
        one.url.startswith("https://") and len(bytes.fromhex(one.sha256)) == 32 for one in models.PINNED.values()
    )


def test_of_all_commands_about_models_only_pull_uses_the_network(tiny: Path, tmp_path: Path) -> None:
    for line in ("install tiny", "", "list", "use tiny", "check", "use embedded", "remove tiny"):
        done = cut_off(tmp_path, RUN, "model", *line.split())
        assert done.returncode == 0, done.stderr.decode()
    done = cut_off(
        tmp_path, "import os\nSystemExit = lambda said: os._exit(9)\n" + RUN, "model", "pull", *models.PINNED
    )
    assert done.returncode == 9


# -- at once ----------------------------------------------------------------------------------------


def test_installed_twice_at_once_it_is_there_once(tiny: Path, tmp_path: Path) -> None:
    line = [sys.executable, "-c", RUN, "model", "install", "tiny"]
    running = [
        subprocess.Popen(line, env=environment(tmp_path), cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = sorted(process.communicate(timeout=60)[0] for process in running)
    assert said == ["already there: tiny (8 dimensions)\n"] * 2 + ["installed tiny (8 dimensions)\n"]


def test_a_typed_name_is_one_that_is_listed(installed: Path) -> None:
    assert models.named("tiny").path == str(installed)
    with pytest.raises(UsageMistake):
        models.named("../tiny")
