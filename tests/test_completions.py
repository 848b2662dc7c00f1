"""Completions in real shells, at a terminal: what is offered, and the line that is left.

bash and zsh run interactively on a pseudo-terminal: a line is typed, then Tab, and the shell itself tells what was
offered and what its line editor holds. fish is asked with `complete -C`, which does the same.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import termios
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import typer.main

from mem import completions, docs
from mem.cli import GROUPS, app
from mem.scope import parse, visible
from tests.conftest import Mem, environment

TREE = docs.read(typer.main.get_command(app))
SCRIPTS = {shell: completions.script(shell, TREE, list(docs.topics(TREE, GROUPS))) for shell in completions.SHELLS}
HOSTILE = """evil $(touch owned)`touch owned`;'"x"""

LINES = {
    # commands, options and choices
    "mem rec": ["recall"],
    "mem scope m": ["map"],
    "mem recall --sc": ["--scope"],
    "mem recall --mode ": ["auto", "hybrid", "lexical"],
    "mem recall --mode=lex": ["lexical"],
    "mem remember --status e": ["exploratory"],
    "mem list --type de": ["decision"],
    "mem completions show f": ["fish"],
    "mem man recal": ["recall"],
    "mem model use emb": ["embedded"],
    "mem model check emb": ["embedded"],
    "mem doctor x": [],
    "mem nonsense x": [],
    # files and folders
    "mem import no": ["notes.jsonl"],
    "mem scope map fol": ["folder"],
    # scopes: with colons, after an equals sign, after another argument
    "mem recall --scope us": ["user"],
    "mem recall --scope project:atl": ["project:atlas", "project:atlas/mobile"],
    "mem recall --scope project:o": ["project:orion"],
    "mem recall --scope=project:o": ["project:orion"],
    "mem scope map . project:o": ["project:orion"],
    "mem scope --scope project:atlas li": ["list"],
    # beliefs: by name, by id, those of the scope on the line
    "mem show st": [],
    "mem show --scope project:atlas st": ["store_of_record"],
    "mem show --scope=project:atlas st": ["store_of_record"],
    "mem show --scope project:orion st": ["store_of_orion"],
    "mem show some thing sho": ["short_answers"],
    "mem remember --name sho": ["short_answers"],
    "mem alias sho": ["short_answers"],
    "mem alias short_answers +x": [],
    "mem review --approve ": [],
    "mem forget --scope project:nowhere s": [],
    # names that would mean something to the shell
    "mem show --scope domain:odd two": ["two words"],
    'mem show --scope domain:odd "two': ["two words"],
    "mem show --scope domain:odd/er ev": [HOSTILE],
}
"""Lines, and what Tab offers after each."""

FINISHED = {
    "mem recall --scope project:o": "mem recall --scope project:orion ",
    "mem recall --scope=project:o": "mem recall --scope=project:orion ",
    "mem recall --scope project:atl": "mem recall --scope project:atlas",
    "mem show --scope project:atlas st": "mem show --scope project:atlas store_of_record ",
    "mem scope map fol": "mem scope map folder/",
    "mem show --scope domain:odd two": r"mem show --scope domain:odd two\ words ",
    'mem show --scope domain:odd "two': 'mem show --scope domain:odd "two words" ',
    "mem alias short_answers +x": "mem alias short_answers +x",
}
"""Lines, and what the line editor of bash and zsh holds after Tab."""


SCOPES = {
    "user": "short_answers",
    "project:atlas": "store_of_record",
    "project:atlas/mobile": "bloc",
    "project:orion": "store_of_orion",
    "domain:odd": "two words",
    "domain:odd/er": HOSTILE,
}
"""The name of the one belief in each scope."""


@pytest.fixture
def store(mem: Mem, tmp_path: Path) -> None:
    """Beliefs in scopes that do not see each other, and files."""
    records = [
        {"type": "fact", "content": f"About {name}.", "name": name, "scope": path} for path, name in SCOPES.items()
    ]
    lines = "".join(json.dumps({"schema": "mem.belief/1", **record}) + "\n" for record in records)
    assert mem("import", "--approve", "-", stdin=lines).status == 0
    (tmp_path / "notes.jsonl").touch()
    (tmp_path / "folder").mkdir()


# -- shells -----------------------------------------------------------------------------------------

BASH = r"""
PS1='READY '
bind 'set bell-style none'; bind 'set page-completions off'; bind 'set completion-query-items -1'
bind 'set enable-bracketed-paste off'
source "$SCRIPT"
offered() { set -eu; _mem "$@"; set +eu; printf '\nOFFERED %s' "${COMPREPLY[@]-}"; printf '\n'; }
complete -F offered mem
left() { printf '\nLEFT<%s>END\n' "$READLINE_LINE"; READLINE_LINE=; READLINE_POINT=0; }
bind -x '"\C-g": left'
"""
ZSH = r"""
PS1='READY '
unsetopt beep zle_bracketed_paste
LISTMAX=1000
autoload -Uz compinit; compinit -u -D
source "$SCRIPT"
compadd() {
    local -a hits
    local hit
    [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]] || builtin compadd -A hits "$@"
    for hit in $hits; do print -r; print -r -- "OFFERED ${(Q)hit}"; done
    builtin compadd "$@"
}
left() { zle complete-word; print -r; print -r -- "LEFT<$BUFFER>END"; BUFFER=; }
zle -N left
bindkey '^I' left
"""


class Answer(NamedTuple):
    """What a shell did with a line and Tab."""

    offered: list[str]
    """Sorted; what follows the last colon or equals sign, for some shells give no more."""
    line: str
    """What stands on the line afterwards; empty if the shell cannot tell."""


Ask = Callable[[str, Sequence[str]], list[Answer]]


def bash(folder: Path, script: str, lines: Sequence[str]) -> list[Answer]:
    rc = folder / "bashrc"
    rc.write_text(BASH)
    return list(typed(folder, script, ["bash", "--noprofile", "--rcfile", str(rc), "-i"], lines, "\t\x07"))


def zsh(folder: Path, script: str, lines: Sequence[str]) -> list[Answer]:
    (folder / ".zshrc").write_text(ZSH)
    return list(typed(folder, script, ["zsh", "-d", "-i"], lines, "\t"))


def fish(folder: Path, script: str, lines: Sequence[str]) -> list[Answer]:
    (folder / "script").write_text(script)
    asked = "".join(f"echo ASKED; complete -C {shlex.quote(line)}\n" for line in lines)
    done = subprocess.run(
        ["fish", "-c", f"source script\n{asked}"],
        env=environment(folder), cwd=folder, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    parts = [part.splitlines() for part in done.stdout.split("ASKED\n")[1:]]
    return [Answer(last_parts(line.partition("\t")[0] for line in part), "") for part in parts]


def typed(folder: Path, script: str, shell: list[str], lines: Sequence[str], keys: str) -> Iterator[Answer]:
    """Type each line and the keys into an interactive shell, which tells what it offered and what is left."""
    (folder / "script").write_text(script)
    variables = {"SCRIPT": str(folder / "script"), "ZDOTDIR": str(folder), "TERM": "xterm", "COLUMNS": "300"}
    main, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (100, 300))
    process = subprocess.Popen(
        shell, stdin=terminal, stdout=terminal, stderr=terminal, env=environment(folder) | variables, cwd=folder,
        start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    try:
        until(main, "READY ")
        for line in lines:
            os.write(main, (line + keys).encode())
            seen = until(main, ">END")
            left = seen.rpartition("LEFT<")[2].removesuffix(">END")
            yield Answer(last_parts(re.findall(r"(?m)^OFFERED (.+)$", seen)), left)
    finally:
        process.kill()
        process.wait()
        os.close(main)


def until(terminal: int, mark: str) -> str:
    """What a terminal shows up to a mark, without carriage returns."""
    seen = b""
    while mark.encode() not in seen:
        assert select.select([terminal], [], [], 30)[0], f"no {mark!r} in {seen!r}"
        seen += os.read(terminal, 65536)
    return seen.decode().replace("\r", "").partition(mark)[0] + mark


def last_parts(values: Iterable[str]) -> list[str]:
    """Without quotes, and without what some shells leave out: what comes before a colon or an equals sign."""
    plain = (value if value in SCOPES.values() else unquoted(value) for value in values)
    return sorted({re.split("[:=](?=.)", value)[-1].rstrip("=/") for value in plain})


def unquoted(value: str) -> str:
    try:
        return shlex.split(value)[0]
    except ValueError:  # the beginning of a quoted one
        return value


SHELLS = [
    pytest.param(shell, marks=pytest.mark.skipif(shutil.which(shell.__name__) is None, reason="not installed"))
    for shell in (bash, zsh, fish)
]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_offers_what_may_follow(shell: Ask, tmp_path: Path) -> None:
    answers = dict(zip(LINES, shell(tmp_path, SCRIPTS[shell.__name__], [*LINES]), strict=True))
    assert {line: answer.offered for line, answer in answers.items()} == {
        line: last_parts(offered) for line, offered in LINES.items()
    }
    if shell is not fish:
        assert {line: answers[line].line for line in FINISHED} == FINISHED


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_that_asks_for_nothing_is_caught(shell: Ask, tmp_path: Path) -> None:
    broken = SCRIPTS[shell.__name__].replace("--complete", "--nothing")
    answers = shell(tmp_path, broken, ["mem rec", "mem recall --scope us", "mem show st"])
    assert [answer.offered for answer in answers] == [["recall"], [], []]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("shell", SHELLS[:2])
def test_a_name_is_quoted_so_that_the_shell_runs_nothing_in_it(shell: Ask, tmp_path: Path) -> None:
    [bare, quoted] = shell(
        tmp_path, SCRIPTS[shell.__name__], [f"mem show --scope domain:odd/er {q}ev" for q in ("", '"')]
    )
    assert shlex.split(bare.line)[-1] == HOSTILE
    script = f"set -- {quoted.line.partition('odd/er ')[2]}" + ('"' * (quoted.line.count('"') % 2))
    subprocess.run([shell.__name__, "-c", script], cwd=tmp_path, check=False, capture_output=True)
    assert not (tmp_path / "owned").exists()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_installed_is_found(shell: Ask, mem: Mem, tmp_path: Path) -> None:
    assert mem("completions", "install", shell.__name__).status == 0
    found = {
        "bash": f"source {completions.path_of('bash')}",  # bash-completion, which looks there, may not be installed
        "zsh": f"fpath=({Path(completions.path_of('zsh')).parent} $fpath); compinit -u -D",
        "fish": "",
    }
    [answer] = shell(tmp_path, found[shell.__name__], ["mem show --scope project:atlas st"])
    assert answer.offered == ["store_of_record"]


# -- what is asked of mem ---------------------------------------------------------------------------


def offered(mem: Mem, *arguments: str) -> list[str]:
    _, out, err = mem("--complete", *arguments)
    assert err == "", "a shell's line is being typed"
    return [line.partition("\t")[0] for line in out.splitlines()]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("kind", ["beliefs", "names", "pending"])
def test_nothing_is_offered_that_a_session_does_not_see(mem: Mem, kind: str) -> None:
    proposed = [{"type": "fact", "content": f"In {path}.", "name": f"p_{path}", "scope": path} for path in SCOPES]
    assert mem("import", "-", stdin="".join(f"{json.dumps(record)}\n" for record in proposed)).status == 0
    records = [json.loads(line) for line in mem("export").out.splitlines()]
    assert len(records) == 2 * len(SCOPES)
    for opened in SCOPES:
        seen = {str(scope) for scope in visible([parse(opened)])}
        hidden = {record[key] for record in records for key in ("id", "name") if record["scope"] not in seen}
        for beginning in ("", "p", *(one[:1] for one in hidden), *sorted(hidden)[:4]):
            assert not {*offered(mem, kind, beginning, "--scope", opened)} & hidden
        assert offered(mem, kind, "", "--scope", opened), "the test would see nothing"


@pytest.mark.usefixtures("store")
def test_a_belief_is_offered_by_its_name_and_by_an_id_that_was_begun(mem: Mem) -> None:
    [(id_, *_)] = [line.split("\t") for line in mem("list").out.splitlines()]
    assert offered(mem, "beliefs", "") == ["short_answers"]
    assert offered(mem, "beliefs", id_[:3].upper()) == [id_]
    assert mem("show", offered(mem, "beliefs", "sho")[0]).status == 0


@pytest.mark.usefixtures("store")
def test_a_name_of_several_beliefs_is_offered_as_their_ids(mem: Mem) -> None:
    assert mem("remember", "--scope", "project:atlas", "--name", "short_answers", "Here they are long.").status == 0
    values = offered(mem, "beliefs", "", "--scope", "project:atlas")
    assert len(values) == 3 and "short_answers" not in values and "store_of_record" in values
    assert all(mem("show", "--scope", "project:atlas", value).status == 0 for value in values)


@pytest.mark.usefixtures("store")
def test_what_is_not_in_use_is_offered_once_its_id_is_begun(mem: Mem) -> None:
    [(id_, *_)] = [line.split("\t") for line in mem("list").out.splitlines()]
    assert mem("forget", id_).status == 0
    assert offered(mem, "beliefs", "") == offered(mem, "names", "") == []
    assert offered(mem, "beliefs", id_[:1]) == [id_]


@pytest.mark.usefixtures("store")
def test_pending_beliefs_are_offered_to_review(mem: Mem) -> None:
    assert mem("remember", "--as", "agent:helper", "--name", "proposed", "The cache is Redis.").status == 0
    [value] = offered(mem, "pending", "")
    assert value not in offered(mem, "beliefs", "") and mem("review", "--approve", value).status == 0


@pytest.mark.usefixtures("store")
def test_scopes_are_those_that_scope_list_lists(mem: Mem, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [line.partition("\t")[0] for line in mem("scope", "list").out.splitlines()]
    assert offered(mem, "scopes", "") == listed
    monkeypatch.setenv("CLAUDECODE", "1")
    assert offered(mem, "scopes", "") == listed
    assert offered(mem, "beliefs", "") == ["short_answers"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("beliefs",),
        ("beliefs", ""),
        ("nonsense", "x"),
        ("beliefs", "", "--scope"),
        ("names", "", "--scope", "no:one"),
    ],
)
def test_what_cannot_be_answered_is_not_talked_about(mem: Mem, arguments: tuple[str, ...]) -> None:
    assert offered(mem, *arguments) == []


def test_a_damaged_database_is_not_talked_about(mem: Mem, tmp_path: Path) -> None:
    assert mem("remember", "I prefer tea.").status == 0
    [path] = tmp_path.glob("home/data/mem/*/memory.db")
    path.write_bytes(b"not a database" * 1000)
    assert offered(mem, "beliefs", "") == offered(mem, "scopes", "") == []


# -- installing -------------------------------------------------------------------------------------


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("shell", completions.SHELLS)
def test_install_writes_one_file_and_uninstall_takes_it_away(mem: Mem, tmp_path: Path, shell: str) -> None:
    assert mem("completions", "install", "--dry-run", shell).status == 0
    assert files(tmp_path) == []
    assert mem("completions", "install", shell).status == 0
    assert files(tmp_path) == [str(Path(completions.path_of(shell)).relative_to(tmp_path))]
    assert mem("completions", "uninstall", "--dry-run", shell).status == 0 and len(files(tmp_path)) == 1
    assert mem("completions", "uninstall", shell).status == 0
    assert files(tmp_path) == []


@pytest.mark.parametrize("shell", completions.SHELLS)
def test_an_older_script_of_mem_is_replaced_and_a_stranger_is_not(mem: Mem, shell: str) -> None:
    path = Path(completions.path_of(shell))
    path.parent.mkdir(parents=True)
    path.write_text(f"#compdef mem\n{completions.MARK}\nolder\n")
    assert mem("completions", "install", shell).status == 0
    assert path.read_text() == SCRIPTS[shell]
    path.write_text("#compdef mem\nmine\n")
    assert [mem("completions", verb, shell).status for verb in ("install", "uninstall")] == [4, 4]
    assert path.read_text() == "#compdef mem\nmine\n"


@pytest.mark.parametrize("variable", ["", "relative/path"])
def test_without_xdg_directories_the_usual_ones_serve(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", variable)
    monkeypatch.setenv("XDG_CONFIG_HOME", variable)
    home = os.environ["HOME"]
    assert completions.path_of("bash") == f"{home}/.local/share/bash-completion/completions/mem"
    assert completions.path_of("fish") == f"{home}/.config/fish/completions/mem.fish"
