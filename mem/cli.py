"""The command line: arguments in, one call of the façade, a report out."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal

import typer

from mem import __version__, hot, show, text
from mem.belief import STATUSES, TYPES, is_id
from mem.config import home
from mem.errors import Problem, UsageMistake
from mem.inject import DEFAULT_BUDGET
from mem.memory import Memory
from mem.reading import clock

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A local-first personal memory: typed beliefs, found by word, scoped, and handed to coding agents.",
)
scope_app = typer.Typer(rich_markup_mode=None)
app.add_typer(scope_app, name="scope")

MOST_PROBLEMS = 20
"""Problems that are printed one by one; nobody reads the thousandth."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Remember and find": ("remember", "recall", "inject", "show", "list"),
    "Correct": ("forget", "undo", "alias"),
    "Review and upkeep": ("review", "doctor"),
    "In and out": ("import", "export"),
    "Set up": ("init", "scope", "completions", "man", "tour"),
}
"""The commands by what they are for, in the order in which they are shown."""

Scope = Annotated[list[str] | None, typer.Option("--scope", metavar="SCOPE", help="Scope to open; repeat for several.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and do nothing.")]


def main(arguments: Sequence[str]) -> int:
    """Run a command line; what it does not understand is reported with exit status 2."""
    for argument in arguments:
        if not text.is_utf8(argument) and arguments[0] not in hot.HOT:  # those read as far as it goes
            raise UsageMistake(f"the argument {text.shown(argument)!r} is not UTF-8", "mem --help")
    try:
        status = typer.main.get_command(app).main(list(arguments), prog_name="mem", standalone_mode=False)
    except SystemExit:  # how typer tells of a closed pipe
        raise BrokenPipeError from None
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f"{context.command_path if context is not None else 'mem'} --help"
        if "unexpected extra argument" in error.format_message():
            hint += ", and put a text of several words in quotes"
        raise UsageMistake(error.format_message().rstrip("."), hint) from None
    except typer.Abort:
        raise KeyboardInterrupt from None
    return int(status or 0)


def _memory() -> Memory:
    return Memory(home(), clock=clock, warn=hot.warn)


def _option(command: str, field: str) -> Any:
    """The typer form of an option of a hot command."""
    found = next(option for option in hot.HOT[command] if option.field == field)
    extra: dict[str, Any] = {"min": found.least, "max": 999_999_999} if found.kind == "count" else {}
    if found.kind == "texts":
        extra["metavar"] = "SCOPE"
    return typer.Option(*found.flags, help=found.help, **extra)


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(f"mem {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


# -- the main job -----------------------------------------------------------------------------------


@app.command()
def remember(
    text_: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT]", help="What to remember; - reads standard input; none opens $EDITOR."),
    ] = None,
    type: Annotated[str | None, typer.Option(help=f"One of {', '.join(TYPES)}.")] = None,
    name: Annotated[str | None, typer.Option(help="Short name; a known one of that scope and type is revised.")] = None,
    alias: Annotated[list[str] | None, typer.Option(help="Another form that should find it; repeatable.")] = None,
    no_alias: Annotated[bool, typer.Option("--no-alias", help="Derive no aliases.")] = False,
    why: Annotated[str | None, typer.Option(help="Why it matters, as an instruction.")] = None,
    scope: Annotated[str | None, typer.Option(metavar="SCOPE", help="Where it holds; default: the open scope.")] = None,
    status: Annotated[str | None, typer.Option(help="active, inferred or exploratory.")] = None,
    confidence: Annotated[float | None, typer.Option(help="From 0 to 1; default 0.9.")] = None,
    pin: Annotated[bool, typer.Option("--pin", help="Inject it whenever its scope is visible.")] = False,
    valid_from: Annotated[str | None, typer.Option(metavar="TIME", help="When it began to hold.")] = None,
    valid_until: Annotated[str | None, typer.Option(metavar="TIME", help="When it stops holding.")] = None,
    relation: Annotated[str | None, typer.Option(metavar="VERB", help="The verb of a relation.")] = None,
    participant: Annotated[list[str] | None, typer.Option(metavar="ID", help="What a relation connects.")] = None,
    stability: Annotated[float | None, typer.Option(help="Days until retention is 0.9; default by type.")] = None,
    session: Annotated[str | None, typer.Option(help="The session it comes from.")] = None,
    supersede: Annotated[str | None, typer.Option(metavar="ID", help="The belief whose place it takes.")] = None,
    by: Annotated[str | None, typer.Option("--as", metavar="agent:NAME", help="Propose it as an agent.")] = None,
    json: Json = False,
) -> int:
    """Remember one sentence; the rest is derived and shown.

    \b
    mem remember 'Postgres is the store of record.'
    mem remember --name store_of_record --alias pg 'CockroachDB is the store of record.'
    """
    content = _content(text_)
    if by is not None and not (by.startswith("agent:") and is_id(by[6:])):
        raise UsageMistake(f"--as {by!r} is not agent:NAME", "mem remember --as agent:helper TEXT")
    fields = {
        "type": type,
        "name": name,
        "aliases": list(alias or []) if alias or no_alias else None,
        "why": why,
        "scope": scope,
        "status": status,
        "confidence": confidence,
        "pinned": pin or None,
        "valid_from": valid_from,
        "valid_until": valid_until,
        "relation": relation,
        "participants": participant or None,
        "stability": stability,
        "session": session,
    }
    memory = _memory()
    done = memory.remember(content, fields, supersede, by[6:] if by else None)
    sys.stdout.write(show.dump(show.remember_document(done)) if json else show.remembered_text(done))
    for other, _ in done.conflicts:
        if sys.stdin.isatty() and sys.stdout.isatty() and typer.confirm(f"Does it replace {other.name} ({other.id})?"):
            memory.supersede(other.id, done.belief.id, [done.belief.scope])
            print(f"superseded {other.name} ({other.id})")
    if done.close:
        hot.warn(f"{done.belief.scope} is a new scope; if you meant {' or '.join(done.close)}: mem undo")
    return 0


@app.command()
def recall(
    query: Annotated[str, typer.Argument(help="Words to look for, or - for standard input.")],
    scope: Annotated[list[str] | None, _option("recall", "scope")] = None,
    k: Annotated[int, _option("recall", "k")] = 10,
    mode: Annotated[Literal["auto", "lexical"], _option("recall", "mode")] = "auto",
    no_abstain: Annotated[bool, _option("recall", "no_abstain")] = False,
    json: Annotated[bool, _option("recall", "json")] = False,
) -> int:
    """Search the visible beliefs, best hits first.

    \b
    mem recall 'store of record'
    mem recall --scope project:atlas -k 3 --json 'who owns refunds?'
    """
    values = {"scope": tuple(scope or ()), "k": k, "mode": mode, "no_abstain": no_abstain, "json": json}
    return hot.answer(hot.Request("recall", values, query))


@app.command()
def inject(
    prompt: Annotated[str | None, typer.Argument(help="The prompt, or - for standard input.")] = None,
    scope: Annotated[list[str] | None, _option("inject", "scope")] = None,
    max_beliefs: Annotated[int | None, _option("inject", "max_beliefs")] = None,
    budget: Annotated[int, _option("inject", "budget")] = DEFAULT_BUDGET,
    explain: Annotated[bool, _option("inject", "explain")] = False,
    json: Annotated[bool, _option("inject", "json")] = False,
) -> int:
    """Print what an agent should know for a prompt.

    \b
    mem inject 'add a postgres table'
    git diff | mem inject --json -
    """
    values = {
        "scope": tuple(scope or ()),
        "max_beliefs": max_beliefs,
        "budget": budget,
        "explain": explain,
        "json": json,
    }
    return hot.answer(hot.Request("inject", values, prompt))


@app.command(name="show")
def show_(
    id: Annotated[list[str], typer.Argument(help="Ids, or unique beginnings of 4 characters or more.")],
    scope: Scope = None,
    json: Annotated[bool, typer.Option("--json", help="Print mem.belief/1 records, a line each.")] = False,
) -> int:
    """Show beliefs in full.

    \b
    mem show 8f3k
    mem show --json 8f3k2q1v
    """
    memory = _memory()
    from mem.exchange import write_jsonl

    found = [memory.belief(reference, scope or ()) for reference in id]
    if json:
        sys.stdout.writelines(write_jsonl(belief for belief, _ in found))
    else:
        texts = [show.belief_text(belief, page, show.retention_of(belief, clock())) for belief, page in found]
        sys.stdout.write("\n".join(texts))
    return 0


@app.command(name="list")
def list_(
    scope: Scope = None,
    type: Annotated[list[str] | None, typer.Option(help="Only these types; repeatable.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only these statuses; implies --all.")] = None,
    pending: Annotated[bool, typer.Option("--pending", help="What waits for approval.")] = False,
    all: Annotated[bool, typer.Option("--all", help="Superseded, retracted and archived ones too.")] = False,
    json: Json = False,
) -> int:
    """List the visible beliefs, oldest first.

    \b
    mem list
    mem list --scope project:atlas --type decision
    """
    for field, values, known in (("type", type, TYPES), ("status", status, STATUSES)):
        for value in values or []:
            if value not in known:
                raise UsageMistake(f"{value!r} is not a {field}", f"one of {', '.join(known)}")
    opened, beliefs = _memory().beliefs(scope or (), pending=pending, everything=all or bool(status))
    beliefs = [
        belief for belief in beliefs if (not type or belief.type in type) and (not status or belief.status in status)
    ]
    if json:
        sys.stdout.write(show.dump(show.list_document(opened, beliefs)))
    elif beliefs:
        sys.stdout.write(show.table(("id", "type", "scope", "state", "name", "content"), show.belief_rows(beliefs)))
    else:
        hot.warn(f"no beliefs in {', '.join(map(str, opened.visible))}")
    return 0


@app.command()
def forget(
    id: Annotated[list[str], typer.Argument(help="Ids of the beliefs.")],
    scope: Scope = None,
) -> int:
    """Take beliefs out of use; undo brings them back.

    \b
    mem forget 8f3k
    mem undo
    """
    for belief in _memory().forget(id, scope or ()):
        print(f"forgot {belief.name} ({belief.id})")
    return 0


@app.command()
def undo(
    steps: Annotated[int, typer.Argument(min=1, max=1000, help="How many acts to undo, the latest first.")] = 1,
    dry_run: DryRun = False,
) -> int:
    """Undo the latest acts, newest first.

    \b
    mem undo
    mem undo --dry-run 3
    """
    memory = _memory()
    if dry_run:
        for operation in memory.operations(steps):
            print(f"would undo: {operation.summary}")
        return 0
    for operation in memory.undo(steps):
        print(f"undone: {operation.summary}")
    return 0


@app.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})  # -h may be an alias
def alias(
    id: Annotated[str, typer.Argument(help="Id of the belief.")],
    changes: Annotated[list[str], typer.Argument(help="+NEW to add an alias, -OLD to take one away.")],
    scope: Scope = None,
) -> int:
    """Add and remove aliases; they count at once.

    \b
    mem alias 8f3k +pg -psql
    mem alias 8f3k '+store of record'
    """
    for change in changes:
        if change[:1] not in "+-" or len(change) < 2:
            raise UsageMistake(f"{change!r} is not +NEW or -OLD", "mem alias ID +new -old")
    add = [change[1:].strip() for change in changes if change[0] == "+"]
    drop = [change[1:].strip() for change in changes if change[0] == "-"]
    belief = _memory().edit_aliases(id, add, drop, scope or ())
    print(f"{belief.name} ({belief.id}): {', '.join(one.text for one in belief.aliases) or 'no aliases'}")
    return 0


@app.command()
def review(
    approve: Annotated[list[str] | None, typer.Option(metavar="ID", help="Approve; repeatable.")] = None,
    reject: Annotated[list[str] | None, typer.Option(metavar="ID", help="Reject; repeatable.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Approve all that is listed.")] = False,
    scope: Scope = None,
) -> int:
    """List what was proposed; approve or reject it.

    \b
    mem review
    mem review --approve 8f3k --reject 2m9p
    """
    memory = _memory()
    elsewhere = memory.pending_elsewhere(scope or ())
    if all:
        _, pending = memory.beliefs(scope or (), pending=True, everything=False)
        approve = [*(approve or []), *(belief.id for belief in pending if belief.id not in (reject or []))]
    if not approve and not reject:
        list_(scope=scope, pending=True)
        if elsewhere:
            hot.warn(f"more wait in {', '.join(f'{name} ({count})' for name, count in elsewhere.items())}: --scope")
        return 0
    for belief in memory.review(approve or (), reject or (), scope or ()):
        print(f"{'approved' if belief.review == 'approved' else 'rejected'} {belief.name} ({belief.id})")
    return 0


# -- scopes -----------------------------------------------------------------------------------------


@scope_app.callback(invoke_without_command=True)
def scope_(context: typer.Context, scope: Scope = None, json: Json = False) -> int:
    """Show what is open, what is visible and why.

    \b
    mem scope
    mem scope map . project:atlas
    """
    if context.invoked_subcommand is not None:
        return 0
    memory = _memory()
    opened, _ = memory.scopes(scope or ())
    if json:
        names = {"scopes": opened.scopes, "visible": opened.visible}
        document = {key: [str(one) for one in value] for key, value in names.items()}
        sys.stdout.write(show.dump({"schema": "mem.scope/1", **document, "reason": opened.reason}))
        return 0
    print(f"open:    {', '.join(map(str, opened.scopes))} ({opened.reason})")
    print(f"visible: {', '.join(map(str, opened.visible))}")
    target, reason = memory.destination()
    if not scope and target not in opened.scopes:
        print(f"a new belief goes to {target} ({reason})")
    return 0


@scope_app.command("add")
def scope_add(scope: Annotated[str, typer.Argument(help="For example project:atlas/mobile.")]) -> int:
    """Declare a scope before anything is stored in it.

    \b
    mem scope add project:atlas
    mem scope add domain:code
    """
    print(f"{'added' if _memory().add_scope(scope) else 'already known:'} {scope}")
    return 0


@scope_app.command("list")
def scope_list(json: Json = False) -> int:
    """List every scope with its number of beliefs, and the mapped directories.

    \b
    mem scope list
    mem scope list --json
    """
    memory = _memory()
    _, counts = memory.scopes(("user",))
    mappings = memory.mappings()
    if json:
        sys.stdout.write(show.dump({"schema": "mem.scopes/1", "scopes": counts, "mappings": mappings}))
        return 0
    rows = [[scope, str(count), ""] for scope, count in counts.items()]
    rows += [[scope, "", directory] for directory, scope in mappings.items()]
    sys.stdout.write(show.table(("scope", "beliefs", "directory"), rows))
    return 0


@scope_app.command("map")
def scope_map(
    directory: Annotated[str, typer.Argument(help="A directory; everything below it follows.")],
    scope: Annotated[str | None, typer.Argument(help="The scope that sessions there open.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the mapping away.")] = False,
) -> int:
    """Open a scope in a directory and everything below it.

    \b
    mem scope map . project:atlas
    mem scope map --remove .
    """
    if (scope is None) != remove:
        raise UsageMistake("give a scope, or --remove and none", "mem scope map DIR SCOPE")
    place = _memory().map_scope(directory, scope)
    print(f"{place} opens {scope}" if scope else f"{place} opens nothing of its own")
    return 0


# -- in, out and health -----------------------------------------------------------------------------


@app.command()
def init() -> int:
    """Make the memory folder, its repository and database.

    \b
    mem init
    MEM_HOME=~/work/mem mem init
    """
    print(f"your memory is in {_memory().init()}")
    return 0


@app.command(name="import")
def import_(
    file: Annotated[str, typer.Argument(help="A file of mem.belief/1 records, a line each; - is standard input.")],
    format: Annotated[Literal["auto", "jsonl"], typer.Option(help="Form of the file.")] = "auto",
    approve: Annotated[bool, typer.Option("--approve", help="Take each record's own review state.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Import all of it or nothing.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Import beliefs; unapproved, they wait in the inbox.

    \b
    mem import --approve beliefs.jsonl
    mem export | MEM_HOME=/elsewhere mem import --approve -
    """
    from mem.exchange import read_jsonl

    name = "standard input" if file == "-" else file
    try:
        source = sys.stdin.buffer if file == "-" else open(file, "rb")  # noqa: SIM115
    except OSError as error:
        raise UsageMistake(f"{file} cannot be read: {error.strerror}", "mem import FILE") from None
    with source:
        done = _memory().import_records(
            name, read_jsonl(name, source), approve=approve, strict=strict, dry_run=dry_run, progress=_progress
        )
    counts = {"new": done.added, "updated": done.updated, "unchanged": done.skipped, "pending": done.pending}
    if json:
        problems = [problem._asdict() for problem in done.problems]
        sys.stdout.write(show.dump({"schema": "mem.import/1", **counts, "dry_run": dry_run, "problems": problems}))
    else:
        print(f"{'would import' if dry_run else 'imported'}: {show.counts_text(counts)}")
    _print_problems(done.problems)
    return 3 if done.problems else 0


@app.command()
def export(
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="SCOPE", help="Exactly these scopes; default: all.")
    ] = None,
    format: Annotated[Literal["jsonl"], typer.Option(help="Form of the output.")] = "jsonl",
) -> int:
    """Print every belief as a record, a line each.

    \b
    mem export > beliefs.jsonl
    mem export --scope project:atlas
    """
    from mem.exchange import write_jsonl

    sys.stdout.writelines(write_jsonl(_memory().export(scope or ())))
    return 0


@app.command()
def doctor(
    verify_ranking: Annotated[
        bool, typer.Option("--verify-ranking", help="Also check our ranking against rank_bm25.")
    ] = False,
    json: Json = False,
) -> int:
    """Check that store, tree and postings agree.

    \b
    mem doctor
    mem doctor --verify-ranking
    """
    report = _memory().doctor(verify_ranking)
    if json:
        problems = [problem._asdict() for problem in report.problems]
        sys.stdout.write(show.dump({"schema": "mem.doctor/1", **report._asdict(), "problems": problems}))
    else:
        print(f"{report.beliefs} beliefs, {report.pages} pages, {report.postings} postings checked")
        if report.ranking is not None:
            queries, difference = report.ranking
            print(f"ranking: {queries} queries, largest difference from rank_bm25 {difference:.1e}")
        count = len(report.problems)
        print("all is well" if not count else "1 problem" if count == 1 else f"{count} problems")
    _print_problems(report.problems)
    return 3 if report.problems else 0


@app.command()
def tour() -> int:
    """See the main job in seconds, in a temporary home.

    \b
    mem tour
    mem tour | less
    """
    from mem import tour

    return tour.run(main)


# -- completions and the manual -----------------------------------------------------------------------

completions_app = typer.Typer(rich_markup_mode=None)
app.add_typer(completions_app, name="completions")
Shell = Annotated[
    Literal["bash", "zsh", "fish"] | None, typer.Argument(help="bash, zsh or fish; default: the one in SHELL.")
]


@completions_app.callback(invoke_without_command=True)
def completions_(context: typer.Context) -> None:
    """Show which shells complete commands, options, beliefs and scopes.

    \b
    mem completions
    mem completions install
    """
    if context.invoked_subcommand is None:
        from mem import completions

        rows = [[one, completions.state(one, _script(one)), completions.path_of(one)] for one in completions.SHELLS]
        sys.stdout.write(show.table(("shell", "completions", "file"), rows))


def _script(shell: str) -> str:
    from mem import completions, docs

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


@app.command()
def man(
    topic: Annotated[list[str] | None, typer.Argument(help="A command, or mem, page or config; default: mem.")] = None,
) -> int:
    """Read the manual: mem, a command, page or config.

    \b
    mem man recall
    mem man page
    """
    from mem import docs

    page = docs.find(docs.read(typer.main.get_command(app)), GROUPS, " ".join(topic or ()))
    if not (sys.stdout.isatty() and docs.opened(page)):
        sys.stdout.write(docs.plain(page))
    return 0


# -- small things -----------------------------------------------------------------------------------


def _content(argument: str | None) -> str:
    """The text to remember: the argument, standard input, or what was written in $EDITOR."""
    if argument is None:
        if not sys.stdin.isatty():
            raise UsageMistake("there is no text to remember", "mem remember TEXT, or - to read standard input")
        content = _edited()
    elif argument == "-":
        from mem.text import MAX_TEXT

        data = sys.stdin.buffer.read(4 * MAX_TEXT + 1)
        if len(data) > 4 * MAX_TEXT:
            raise UsageMistake(f"standard input holds more than {MAX_TEXT:,} characters", "mem remember TEXT")
        try:
            content = data.decode("utf-8")
        except UnicodeDecodeError as error:
            hint = "convert it, for example with iconv"
            raise UsageMistake(f"standard input is not UTF-8 at byte {error.start + 1}", hint) from None
    else:
        content = argument
    content = content.replace("\r\n", "\n").strip()
    if not content:
        raise UsageMistake("the text is empty; nothing was remembered", "mem remember TEXT")
    return content


def _edited() -> str:
    """What the user writes in their editor; lines that begin with `#` and a space are help, not text."""
    import shlex
    import subprocess
    import tempfile

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.NamedTemporaryFile("w", suffix=".md", prefix="mem-", encoding="utf-8", delete=False) as file:
        file.write("\n# Write what to remember, save and leave. An empty text remembers nothing.\n")
    try:
        status = subprocess.run([*shlex.split(editor), file.name], check=False).returncode
        with open(file.name, encoding="utf-8") as edited:
            lines = edited.read().splitlines()
    except (OSError, ValueError) as error:
        raise UsageMistake(f"the editor {editor!r} cannot be used: {error}", "export EDITOR=nano") from None
    finally:
        with suppress(OSError):
            os.unlink(file.name)
    if status:
        raise UsageMistake(f"{editor} ended with {status}; nothing was remembered", "mem remember TEXT")
    return "\n".join(line for line in lines if not line.startswith("# "))


def _progress(done: int) -> None:
    """A counter on a terminal, every hundred records."""
    if done % 100 == 0 and done and sys.stderr.isatty():
        sys.stderr.write(f"\r{done:,} records")


def _print_problems(problems: Sequence[Problem]) -> None:
    for problem in problems[:MOST_PROBLEMS]:
        hot.warn(str(problem))
    if len(problems) > MOST_PROBLEMS:
        hot.warn(f"and {len(problems) - MOST_PROBLEMS:,} more; --json lists them all")
