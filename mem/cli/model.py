"""Commands about the models that say what texts mean."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from mem import hot, models
from mem.cli import options
from mem.cli.options import Json
from mem.errors import ModelUnusable, UsageMistake
from mem.models import Model, Pinned
from mem.reading import refuse_agents
from mem.show import style

model_app = typer.Typer(rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="MODEL", help="A model that mem model list shows.")]
NewName = Annotated[str | None, typer.Option("--name", metavar="WORD", help="What to call it; default: its folder.")]


@model_app.callback(invoke_without_command=True)
def model_(context: typer.Context, json: Json = False) -> int:
    """Show and change the models that say what texts mean.

    \b
    mem model
    mem model use embedded
    """
    return model_list(json) if context.invoked_subcommand is None else 0


@model_app.command("list")
def model_list(json: Json = False) -> int:
    """List the embedded model and those that were installed.

    \b
    mem model list
    mem model list --json
    """
    found, used = models.listed(), _used()
    if json:
        sys.stdout.write(style.dump({"schema": "mem.model/1", "models": [_record(one, used) for one in found]}))
    else:
        header = ("model", "state", "dimension", "size", "version")
        sys.stdout.write(style.table(header, [_row(one, used) for one in found]))
    for one in found:
        if one.problem is not None:
            hot.warn(f"{one.name}: {one.problem}")
    if used not in [one.name for one in found]:
        hot.warn(f"the model in use, {used}, is not installed; mem model use embedded")
    return 0


def _used() -> str:
    return str(options.memory().settings()["model.name"])


def _row(one: Model, used: str) -> list[str]:
    state = "damaged" if one.problem is not None else "in use" if one.name == used else "installed"
    dimension, version = (str(one.stamp.dimension), one.stamp.version) if one.stamp is not None else ("?", "?")
    return [one.name, state, dimension, _megabytes(one.size), version]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _record(one: Model, used: str) -> dict[str, Any]:
    return {
        "name": one.name,
        "id": one.stamp and one.stamp.model,
        "version": one.stamp and one.stamp.version,
        "dimension": one.stamp and one.stamp.dimension,
        "bytes": one.size,
        "path": one.path,
        "in_use": one.name == used,
        "problem": one.problem,
    }


@model_app.command("use")
def model_use(name: Name) -> int:
    """Let another model say what texts mean.

    \b
    mem model use all-MiniLM-L6-v2
    mem model use embedded
    """
    refuse_agents("model")
    models.check(models.named(name).name)
    memory = options.memory()
    memory.change_setting("model.name", name)
    print(f"{name} says what texts mean")
    return 0


@model_app.command("install")
def model_install(
    directory: Annotated[str, typer.Argument(help="A directory of sentence-transformers with an ONNX graph.")],
    name: NewName = None,
) -> int:
    """Install a sentence-transformers model from a directory.

    \b
    mem model install ~/models/all-MiniLM-L6-v2
    mem model install --name mini ~/models/all-MiniLM-L6-v2
    """
    refuse_agents("model")
    _told(*models.install(directory, name))
    return 0


@model_app.command("pull")
def model_pull(
    name: Annotated[
        str, typer.Argument(metavar="WORD", help=f"{' or '.join(models.PINNED)}, or what to call the one from --url.")
    ],
    url: Annotated[str | None, typer.Option(metavar="URL", help="An archive (tar or zip) with a model.")] = None,
    sha256: Annotated[str | None, typer.Option(metavar="HEX", help="What the sha256 of the archive must be.")] = None,
) -> int:
    """Fetch a model from the network, and check its sum.

    \b
    mem model pull all-MiniLM-L6-v2
    mem model pull mine --url https://example.org/mine.tgz --sha256 "$SUM"
    """
    refuse_agents("model")
    if (url is None) != (sha256 is None):
        raise UsageMistake("--url and --sha256 go together", "mem model pull NAME --url URL --sha256 HEX")
    pinned = Pinned(url, sha256.lower()) if url is not None and sha256 is not None else None
    _told(*models.pull(name, pinned, _progress()))
    return 0


def _progress() -> Callable[[int], None]:
    """A counter of megabytes on a terminal."""

    def tell(done: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{_megabytes(done)}\r")  # what is printed next stands in its place

    return tell


def _told(one: Model, new: bool) -> None:
    print(f"{'installed' if new else 'already there:'} {one.name} ({_row(one, '')[2]} dimensions)")
    hot.warn(f"mem model use {one.name} lets it say what texts mean")


@model_app.command("remove")
def model_remove(name: Name) -> int:
    """Take an installed model away.

    \b
    mem model remove all-MiniLM-L6-v2
    mem model remove mine
    """
    refuse_agents("model")
    print(f"removed {models.remove(name, _used()).name}")
    return 0


@model_app.command("check")
def model_check(
    name: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Only this one; default: all.")] = None,
    json: Json = False,
) -> int:
    """Compare the files of a model with their sums, and run it.

    \b
    mem model check
    mem model check embedded
    """
    names = [one.name for one in models.listed()] if name is None else [models.named(name).name]
    found = [(one, *_checked(one)) for one in names]
    if json:
        records = [{"name": one, "cosine": cosine, "problem": error and error.message} for one, cosine, error in found]
        sys.stdout.write(style.dump({"schema": "mem.model.check/1", "models": records}))
    else:
        sys.stdout.write(style.table(("model", "state", "cosine"), [_checked_row(*one) for one in found]))
    used = _used()
    broken = [(one, error) for one, _, error in found if error is not None]
    for one, error in broken:
        hot.warn(f"{error.message}; {'mem model use embedded' if one == used != 'embedded' else error.hint}")
    return ModelUnusable.exit_code if broken else 0


def _checked(name: str) -> tuple[float | None, ModelUnusable | None]:
    try:
        return models.check(name), None
    except ModelUnusable as error:
        return None, error


def _checked_row(name: str, cosine: float | None, error: ModelUnusable | None) -> Sequence[str]:
    return [name, "unusable" if error is not None else "whole", "" if cosine is None else f"{cosine:.5f}"]
