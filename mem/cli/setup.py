"""Commands that set mem up: scopes, settings, the memory folder."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from mem import config as settings
from mem import hot
from mem.cli import options
from mem.cli.options import DryRun, Json, Scope
from mem.errors import UsageMistake
from mem.show import details, style
from mem.show.answers import scope_names
from mem.text import shown

scope_app = typer.Typer(rich_markup_mode=None)
config_app = typer.Typer(rich_markup_mode=None)

Key = Annotated[str, typer.Argument(metavar="KEY", help="A setting, for example inject.budget.")]


@scope_app.callback(invoke_without_command=True)
def scope_(context: typer.Context, scope: Scope = None, json: Json = False) -> int:
    """Show what is open, what is visible and why.

    \b
    mem scope
    mem scope map . project:atlas
    """
    if context.invoked_subcommand is not None:
        return 0
    memory = options.memory()
    opened, _ = memory.scopes(scope or ())
    if json:
        sys.stdout.write(style.dump({"schema": "mem.scope/1", **scope_names(opened), "reason": opened.reason}))
        return 0
    print(f"open:    {', '.join(map(str, opened.scopes))} ({opened.reason})")
    print(f"visible: {', '.join(map(str, opened.visible))}")
    target, reason = memory.destination()
    if not scope and target not in opened.scopes:
        print(f"a new belief goes to {target} ({reason})")
    return 0


@scope_app.command("add")
def scope_add(scope: Annotated[str, typer.Argument(metavar="SCOPE", help="For example project:atlas/mobile.")]) -> int:
    """Declare a scope before anything is stored in it.

    \b
    mem scope add project:atlas
    mem scope add domain:code
    """
    print(f"{'added' if options.memory().add_scope(scope) else 'already known:'} {scope}")
    return 0


@scope_app.command("list")
def scope_list(json: Json = False) -> int:
    """List scopes with their beliefs, and mapped directories.

    \b
    mem scope list
    mem scope list --json
    """
    memory = options.memory()
    _, counts = memory.scopes(("user",))
    mappings = memory.mappings()
    if json:
        sys.stdout.write(style.dump({"schema": "mem.scopes/1", "scopes": counts, "mappings": mappings}))
        return 0
    rows = [[scope, str(count), ""] for scope, count in counts.items()]
    rows += [[scope, "", directory] for directory, scope in mappings.items()]
    sys.stdout.write(style.table(("scope", "beliefs", "directory"), rows))
    return 0


@scope_app.command("map")
def scope_map(
    directory: Annotated[str, typer.Argument(help="A directory; everything below it follows.")],
    scope: Annotated[str | None, typer.Argument(metavar="[SCOPE]", help="The scope that sessions there open.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the mapping away.")] = False,
) -> int:
    """Open a scope in a directory and everything below it.

    \b
    mem scope map . project:atlas
    mem scope map --remove .
    """
    if (scope is None) != remove:
        raise UsageMistake("give a scope, or --remove and none", "mem scope map DIR SCOPE")
    place = options.memory().map_scope(directory, scope)
    print(f"{shown(place)} opens {scope or 'nothing of its own'}")
    return 0


# -- settings ---------------------------------------------------------------------------------------


@config_app.callback(invoke_without_command=True)
def config_(context: typer.Context) -> int:
    """Show and change settings.

    \b
    mem config
    mem config set inject.budget 1000
    """
    return config_list() if context.invoked_subcommand is None else 0


@config_app.command("list")
def config_list(json: Json = False) -> int:
    """List every setting with its value and what it is for.

    \b
    mem config list
    mem config list --json
    """
    values = options.memory().settings()
    if json:
        sys.stdout.write(style.dump({"schema": "mem.config/1", "settings": dict(values)}))
    else:
        sys.stdout.write(style.table(("setting", "value", "what it is for"), details.settings_rows(values)))
    return 0


@config_app.command("get")
def config_get(key: Key) -> int:
    """Print the value of a setting.

    \b
    mem config get inject.budget
    mem config get show.pager
    """
    settings.setting(key)
    print(details.setting_text(options.memory().settings()[key]))
    return 0


@config_app.command("set")
def config_set(key: Key, value: Annotated[str, typer.Argument(metavar="VALUE", help="Its new value.")]) -> int:
    """Change a setting; comments in the file stay.

    \b
    mem config set inject.budget 1000
    mem config set receipts.prompts true
    """
    print(f"{key} is {details.setting_text(options.memory().change_setting(key, value))}")
    return 0


@config_app.command("unset")
def config_unset(key: Key) -> int:
    """Give a setting its default back.

    \b
    mem config unset inject.budget
    mem config unset show.pager
    """
    print(f"{key} is {details.setting_text(options.memory().change_setting(key, None))}, the default")
    return 0


@config_app.command("path")
def config_path() -> int:
    """Print where the settings are kept.

    \b
    mem config path
    mem config path | xargs cat
    """
    print(settings.settings_path())
    return 0


# -- the memory folder ------------------------------------------------------------------------------


def init() -> int:
    """Make the memory folder, its repository and database.

    \b
    mem init
    MEM_HOME=~/work/mem mem init
    """
    print(f"your memory is in {options.memory().init()}")
    return 0


def tour() -> int:
    """See the main job in seconds, in a temporary home.

    \b
    mem tour
    mem tour | less
    """
    from mem import tour
    from mem.cli import main

    return tour.run(main)


# -- completions and the manual -----------------------------------------------------------------------

completions_app = typer.Typer(rich_markup_mode=None)
Shell = Annotated[
    Literal["bash", "zsh", "fish"] | None, typer.Argument(help="bash, zsh or fish; default: the one in SHELL.")
]


@completions_app.callback(invoke_without_command=True)
def completions_(context: typer.Context) -> None:
    """Show which shells complete what you type.

    \b
    mem completions
    mem completions install
    """
    if context.invoked_subcommand is None:
        from mem import completions

        rows = [[one, completions.state(one, _script(one)), completions.path_of(one)] for one in completions.SHELLS]
        sys.stdout.write(style.table(("shell", "completions", "file"), rows))


def _script(shell: str) -> str:
    from mem import completions, docs
    from mem.cli import GROUPS, app

    root = docs.read(typer.main.get_command(app))
    return completions.script(shell, root, list(docs.topics(root, GROUPS)))


@completions_app.command("install")
def completions_install(shell: Shell = None, dry_run: DryRun = False) -> int:
    """Put the completions where a shell looks for them.

    \b
    mem completions install
    mem completions install --dry-run zsh
    """
    from mem import completions

    found = completions.shell_of(shell)
    new = completions.install(found, _script(found), dry_run=dry_run)
    done = "would write" if dry_run else "wrote"
    print(f"{done if new else 'already there:'} {completions.path_of(found)}")
    hot.warn(completions.advice(found))
    return 0


@completions_app.command("uninstall")
def completions_uninstall(shell: Shell = None, dry_run: DryRun = False) -> int:
    """Take the completions away again.

    \b
    mem completions uninstall
    mem completions uninstall --dry-run zsh
    """
    from mem import completions

    found = completions.shell_of(shell)
    there = completions.uninstall(found, dry_run=dry_run)
    done = "would remove" if dry_run else "removed"
    print(f"{done if there else 'nothing is there:'} {completions.path_of(found)}")
    return 0


@completions_app.command("show")
def completions_show(shell: Shell = None) -> int:
    """Print the completion script of a shell.

    \b
    mem completions show bash
    mem completions show fish | source
    """
    from mem import completions

    sys.stdout.write(_script(completions.shell_of(shell)))
    return 0


def man(
    topic: Annotated[list[str] | None, typer.Argument(help="A command, or mem, page or config; default: mem.")] = None,
) -> int:
    """Read the manual: mem, a command, page or config.

    \b
    mem man recall
    mem man page
    """
    from mem import docs
    from mem.cli import GROUPS, app

    page = docs.find(docs.read(typer.main.get_command(app)), GROUPS, " ".join(topic or ()))
    if not (sys.stdout.isatty() and docs.opened(page)):
        sys.stdout.write(docs.plain(page))
    return 0
