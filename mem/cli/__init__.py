"""The command line: arguments in, one call of the façade, a report out.

Commands are functions in `ask`, `tell`, `keep` and `setup`; here they get their names and groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cache
from typing import Annotated, Any

import typer
import typer.core

from mem import __version__, hot, text
from mem.cli import ask, keep, model, setup, tell
from mem.errors import UsageMistake

Command = Callable[..., int] | typer.Typer

COMMANDS: Mapping[str, Mapping[str, Command]] = {
    "Remember and find": {
        "remember": tell.remember,
        "recall": ask.recall,
        "similar": ask.similar,
        "inject": ask.inject,
        "brief": ask.brief,
        "show": ask.show,
        "list": ask.list_,
        "why": ask.why,
        "history": ask.history,
        "status": ask.status,
    },
    "Correct": {
        "edit": tell.edit,
        "supersede": tell.supersede,
        "alias": tell.alias,
        "relate": tell.relate,
        "pin": tell.pin,
        "unpin": tell.unpin,
        "confirm": tell.confirm,
        "resolve": tell.resolve,
        "forget": tell.forget,
        "restore": tell.restore,
        "undo": tell.undo,
        "purge": tell.purge,
    },
    "Review and upkeep": {
        "review": keep.review,
        "conflicts": keep.conflicts,
        "sync": keep.sync,
        "log": ask.log,
        "doctor": keep.doctor,
    },
    "In and out": {
        "ingest": keep.ingest,
        "watch": keep.watch,
        "import": keep.import_,
        "export": keep.export,
        "backup": keep.backup,
    },
    "Set up": {
        "scope": setup.scope_app,
        "config": setup.config_app,
        "model": model.model_app,
        "init": setup.init,
        "completions": setup.completions_app,
        "man": setup.man,
        "tour": setup.tour,
    },
}
"""Group title, then command name, to what runs."""

SYNONYMS = {
    "add": "mem remember TEXT",
    "delete": "mem forget ID",
    "find": "mem recall WORDS",
    "get": "mem show ID",
    "help": "mem --help, or mem man",
    "ls": "mem list",
    "new": "mem remember TEXT",
    "query": "mem recall WORDS",
    "redo": "mem restore ID brings back what was forgotten",
    "remove": "mem forget ID",
    "rm": "mem forget ID",
    "search": "mem recall WORDS",
    "version": "mem --version",
}
"""What people type who have not read the help, and what they mean."""
_TAKE_TEXT = ("remember", "recall", "inject", "supersede", "edit")

GROUPS: Mapping[str, tuple[str, ...]] = {title: tuple(group) for title, group in COMMANDS.items()}


class _Grouped(typer.core.TyperGroup):
    """The top of the command tree, whose help lists its commands in groups."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section a group."""
        for title, names in GROUPS.items():
            with formatter.section(title):
                limit = formatter.width - 8 - max(map(len, names))
                formatter.write_dl([(name, self.commands[name].get_short_help_str(limit)) for name in names])


app = typer.Typer(
    cls=_Grouped,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A local-first personal memory: typed beliefs, found by word, scoped, and handed to coding agents."
    "\n\n\b\nmem remember 'Postgres is the store of record.'\nmem recall 'what is our store of record?'",
)


def _register() -> None:
    special = {  # -h may be an alias to take away
        "alias": {"ignore_unknown_options": True, "help_option_names": ["--help"]},
    }
    for group in COMMANDS.values():
        for name, command in group.items():
            if isinstance(command, typer.Typer):
                app.add_typer(command, name=name)
            else:
                app.command(name, context_settings=special.get(name))(command)


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    if version:
        print(f"mem {__version__}")
        raise typer.Exit
    return ask.status() if context.invoked_subcommand is None else 0


_register()


@cache
def _tree(name: str | None) -> Any:
    """The command tree, or the one branch of that name: building all of it takes a third of a command's time."""
    branch = copy(app)
    if name is not None:
        branch.registered_commands = [one for one in app.registered_commands if one.name == name]
        branch.registered_groups = [one for one in app.registered_groups if one.name == name]
    return typer.main.get_command(branch)


def main(arguments: Sequence[str]) -> int:
    """Run a command line; what it does not understand is reported with exit status 2."""
    for argument in arguments:
        if not text.is_utf8(argument) and arguments[0] not in hot.HOT:  # those read as far as it goes
            raise UsageMistake(f"the argument {text.shown(argument)!r} is not UTF-8", "mem --help")
    try:
        named = next((word for word in arguments[:1] for group in COMMANDS.values() if word in group), None)
        status = _tree(named).main(list(arguments), prog_name="mem", standalone_mode=False)
    except SystemExit:  # how typer tells of a closed pipe
        raise BrokenPipeError from None
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "mem"
        hint = f"{path} --help"
        meant = next((SYNONYMS[word] for word in arguments[:1] if word in SYNONYMS), None)
        if meant is not None and "No such command" in error.format_message():
            raise UsageMistake(f"No such command {arguments[0]!r}", meant) from None
        if "unexpected extra argument" in error.format_message() and path.split()[-1] in _TAKE_TEXT:
            hint += ", and put a text of several words in quotes"
        raise UsageMistake(error.format_message().rstrip("."), hint) from None
    except typer.Abort:
        raise KeyboardInterrupt from None
    return int(status or 0)
