"""The short way and the whole command line are one program: the same bytes, status and effects."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer.main
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mem import __main__, cli, hot
from mem.hot import HOT, Option, Request
from tests.conftest import Mem

Line = tuple[str, ...]
Reader = Callable[[Sequence[str]], Request | None]
Answer = tuple[int, bytes, bytes]

EXAMPLES = 5 * settings.default.max_examples if settings.default else 300
PATIENT = [HealthCheck.too_slow]
"""A busy machine is no defect."""

STDIN = b"a postgres table, \xc3\xa9t\xc3\xa9, \xff and kube"
SCOPES = ("project:atlas", "user", "project:atlas/mobile", "project:atlsa", "Atlas", "", "-x", "project:orion")
WORDS = ("postgres", "store of record", "kube pg", "", "-", "zzz", "naïve 日本", "--", "a\nb", "\udcff bytes", "-k")


@pytest.fixture
def tree(mem: Mem, tmp_path: Path) -> Path:
    """A home with beliefs in three scopes."""
    for line in (
        ("--scope", "project:atlas", "--pin", "Never deploy on a Friday."),
        ("I prefer short answers.",),
        ("--scope", "project:atlas", "--name", "store_of_record", "--alias", "pg", "Postgres is the store of record."),
        ("--scope", "project:atlas/mobile", "--type", "question", "--alias", "kube", "Kube or bare metal?"),
        ("--scope", "project:orion", "--alias", "postgres", "Orion left Postgres for MySQL."),
    ):
        assert mem("remember", *line).status == 0
    return tmp_path / "home"


# -- command lines ----------------------------------------------------------------------------------


BAD_COUNTS = ("-1", "0", "007", "1_0", "+3", "many", "", "٣", "²", " 4", "9" * 9, "9" * 10)


def right(option: Option) -> list[Line]:
    """An option as it should be typed, in each spelling."""
    if option.kind == "flag":
        return [(flag,) for flag in option.flags]
    counts = [str(option.least), "3", "40"]
    values = {"texts": SCOPES[:3], "count": counts}.get(option.kind) or option.kind.split("|")
    pairs = [(flag, value) for flag in option.flags for value in values]
    return [*pairs, *((flag + ("" if len(flag) == 2 else "=") + value,) for flag, value in pairs)]


def wrong(option: Option) -> list[Line]:
    """An option as it might be mistyped: cut short, without its value, joined oddly, with a bad value."""
    if option.kind == "flag":
        return [line for flag in option.flags for line in ((flag + "=1",), (flag + "=",), (flag[:-1],), (flag, flag))]
    values = {"texts": SCOPES, "count": BAD_COUNTS}.get(option.kind) or ("magic", "", "AUTO", "a")
    pairs = [(flag, value) for flag in option.flags for value in values]
    joined = [(flag + sign + value,) for flag, value in pairs for sign in ("", "=")]
    return [*pairs, *joined, *((flag[:-1], "3") for flag in option.flags), *((flag,) for flag in option.flags)]


TEXTS = st.one_of(
    st.sampled_from(WORDS),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
)
NOISE = st.sampled_from(["--", "--nonsense", "--nonsense=1", "-x", "-kx", "--help", "-h", "--version", "---", "--=x"])


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """A command line of a hot command: as it should be, or with one thing after another gone wrong."""
    command, careful = draw(st.sampled_from(sorted(HOT))), draw(st.booleans())
    spelled = [line for option in HOT[command] for line in right(option)]
    mistyped = [line for option in HOT[command] for line in wrong(option)]
    parts = draw(st.lists(st.sampled_from(spelled), max_size=4))
    parts += draw(st.lists(TEXTS, min_size=command not in hot.WITHOUT_TEXT, max_size=1).map(lambda texts: [(*texts,)]))
    if not careful:
        parts += draw(st.lists(st.one_of(st.sampled_from(mistyped), st.tuples(NOISE), st.tuples(TEXTS)), max_size=2))
    return (command, *(word for part in draw(st.permutations(parts)) for word in part))


# -- both ways --------------------------------------------------------------------------------------


def through(reader: Reader, line: Line) -> Answer:
    """What a process that reads hot command lines like this does: status, standard output, standard error."""
    before = sys.stdin, sys.stdout, sys.stderr, hot.read
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(STDIN))
    sys.stdout = io.TextIOWrapper(out, "utf-8", "replace", write_through=True)
    sys.stderr = io.TextIOWrapper(err, "utf-8", "replace", write_through=True)
    hot.read = reader
    try:
        return __main__.run(line), out.getvalue(), err.getvalue()
    finally:
        sys.stdin, sys.stdout, sys.stderr, hot.read = before


def always_cli(_: Sequence[str]) -> None:
    """The reader that leaves everything to the whole command line."""


def conform(reader: Reader, examples: int, compare: Callable[[Line], bool] = lambda line: True, **more: Any) -> None:
    """Generate command lines; those to compare do the same with the reader as without."""

    @settings(max_examples=examples, report_multiple_bugs=False, suppress_health_check=PATIENT, **more)
    @given(lines())
    def same(line: Line) -> None:
        if compare(line):
            assert through(reader, line) == through(always_cli, line), line

    same()


def test_both_ways_give_the_same_bytes_and_status(tree: Path) -> None:
    short: list[bool] = []

    def counted(line: Line) -> bool:
        short.append(hot.read(line) is not None)
        return True

    conform(hot.read, EXAMPLES, counted)
    assert 0.5 < sum(short) / len(short) < 0.9, "the generated lines do not exercise both ways"


@pytest.mark.parametrize("command", HOT)
def test_each_mistake_in_each_option_has_the_same_answer_both_ways(tree: Path, command: str) -> None:
    mistakes = [line for option in HOT[command] for line in wrong(option)]
    last = [(command, "postgres", *line) for line in mistakes if len(line) == 1]
    for line in [*last, *((command, *line, "postgres") for line in mistakes)]:
        assert through(hot.read, line) == through(always_cli, line), line


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that holds something, without those that SQLite shares between connections."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "receipts.log")))
    return {str(path): path.read_bytes() for path in files if path.stat().st_size}


def test_neither_way_changes_a_byte_of_tree_or_database(tree: Path) -> None:
    before = contents(tree)
    conform(hot.read, EXAMPLES // 5)
    assert contents(tree) == before


def test_both_ways_leave_the_same_receipts(tree: Path) -> None:
    conform(hot.read, EXAMPLES // 5)
    [log] = tree.rglob("receipts.log")
    receipts = [line.split("\x1f")[1:] for line in log.read_text("utf-8").split("\n") if line]  # without keys
    assert receipts[0::2] == receipts[1::2] != []


def test_cli_reads_every_line_that_the_short_way_accepts_as_the_same_request(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Request] = []
    monkeypatch.setattr(hot, "answer", lambda request: asked.append(request) or 0)
    accepted = 0

    @settings(max_examples=EXAMPLES, suppress_health_check=PATIENT)
    @given(lines())
    def same(line: Line) -> None:
        nonlocal accepted
        request = hot.read(line)
        if request is not None:
            accepted += 1
            asked.clear()
            assert (cli.main(line), asked) == (0, [request]), line
            assert [type(value) for value in asked[0].values.values()] == [*map(type, request.values.values())]

    same()
    assert accepted > EXAMPLES / 2


# -- the table --------------------------------------------------------------------------------------


def parameters(command: str) -> dict[str, Any]:
    group: Any = typer.main.get_command(cli.app)
    return {parameter.name: parameter for parameter in group.commands[command].params}


@pytest.mark.parametrize("command", HOT)
def test_the_table_and_typer_have_the_same_options(command: str) -> None:
    found = {name: one for name, one in parameters(command).items() if one.param_type_name == "option"}
    assert [*found] == [option.field for option in HOT[command]]
    for option in HOT[command]:
        typed = found[option.field]
        assert (tuple(typed.opts), typed.secondary_opts, typed.help) == (option.flags, [], option.help)
        assert (typed.default or None) == (option.default or None), option.field
        assert typed.is_flag == (option.kind == "flag") and typed.multiple == (option.kind == "texts")
        assert getattr(typed.type, "min", None) == (option.least if option.kind == "count" else None)
        assert "|".join(getattr(typed.type, "choices", [])) == (option.kind if "|" in option.kind else "")


@pytest.mark.parametrize("command", HOT)
def test_the_table_and_typer_have_the_same_argument(command: str) -> None:
    [argument] = [one for one in parameters(command).values() if one.param_type_name == "argument"]
    assert (argument.nargs, argument.required) == (1, command not in hot.WITHOUT_TEXT)


# -- broken readers are caught ----------------------------------------------------------------------


def ignores_the_end_of_options(line: Sequence[str]) -> Request | None:
    return READ([word for word in line if word != "--"])


def takes_abbreviations(line: Sequence[str]) -> Request | None:
    flags = [flag for option in HOT.get(line[0], ()) for flag in option.flags if flag.startswith("--")]
    full = {flag[:-1]: flag for flag in flags}
    return READ([full.get(word, word) for word in line])


def keeps_the_last_scope_only(line: Sequence[str]) -> Request | None:
    request = READ(line)
    return request and request._replace(values=request.values | {"scope": request.values["scope"][-1:]})


def drops_extra_arguments(line: Sequence[str]) -> Request | None:
    request = READ(line)
    return request or next((found for at in range(len(line), 0, -1) if (found := READ(line[:at]))), None)


READ = hot.read
BROKEN = (
    ignores_the_end_of_options,
    takes_abbreviations,
    keeps_the_last_scope_only,
    drops_extra_arguments,
)


@pytest.mark.parametrize("reader", BROKEN)
def test_a_broken_reader_is_caught(tree: Path, reader: Reader) -> None:
    def misread(line: Line) -> bool:
        return reader(line) != READ(line)

    with pytest.raises(AssertionError):
        conform(reader, 1000, misread, derandomize=True, database=None, phases=[Phase.generate])
