"""Commands that keep the memory in order, and take beliefs in and out."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Literal

import typer

from mem import hot, terminal, text
from mem.belief import to_record
from mem.cli import options
from mem.cli.options import All, Archived, AsOf, DryRun, Ids, Json, Jsonl, Pending, Scope, Since, Statuses, Types, Until
from mem.errors import MemError, UsageMistake
from mem.notes import Globs
from mem.proposing import Ingested
from mem.reading import Filters, Reference, clock, refuse_agents
from mem.sharing import Synced
from mem.show import answers, details, style


def review(
    approve: Annotated[list[str] | None, typer.Option(metavar="ID", help="Approve; repeatable.")] = None,
    reject: Annotated[list[str] | None, typer.Option(metavar="ID", help="Reject; repeatable.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Approve all that is listed.")] = False,
    scope: Scope = None,
    json: Json = False,
    jsonl: Jsonl = False,
    ids: Ids = False,
) -> int:
    """List what was proposed; approve or reject it.

    \b
    mem review
    mem review --approve 1 --reject 2
    """
    form = options.only_forms(json, jsonl, ids)
    memory = options.memory()
    elsewhere = memory.pending_elsewhere(scope or ())
    opened, pending = memory.beliefs(scope or (), Filters(pending=True))
    chosen: list[Reference] = [*(approve or [])]
    if all:
        rejected = {memory.belief(one, scope or ())[0].id for one in reject or ()}
        chosen = [*(approve or []), *(belief for belief in pending if belief.id not in rejected)]
    if chosen or reject:
        for word, belief in memory.review(chosen, reject or (), scope or ()):
            print(f"{word} {details.called(belief)}")
        return 0
    proposals = memory.proposals(scope or ())
    if form == "text":
        terminal.keep_list(memory.home, "", [belief.id for belief in pending])
        options.show(details.review_text(pending, proposals), memory)
    else:
        options.list_beliefs(memory, pending, form, lambda: details.review_document(opened, pending, proposals))
    if not pending and form == "text":
        hot.warn(f"nothing waits in {', '.join(map(str, opened.visible))}")
    if elsewhere and form == "text":
        hot.warn(f"more wait in {', '.join(f'{name} ({count})' for name, count in elsewhere.items())}: --scope")
    return 0


def conflicts(
    keep: Annotated[str | None, typer.Option(metavar="ID", help="This one holds, and the others do not.")] = None,
    both: Annotated[str | None, typer.Option(metavar="ID", help="This one holds, and so do the others.")] = None,
    scope: Scope = None,
    json: Json = False,
) -> int:
    """List beliefs that contradict each other, and decide.

    \b
    mem conflicts
    mem conflicts --keep 2
    """
    memory = options.memory()
    if keep is not None and both is not None:
        raise UsageMistake("--keep and --both say different things", "mem conflicts --help")
    chosen = keep if keep is not None else both
    if chosen is not None:
        for kept, other in memory.settle(chosen, scope or (), both=both is not None):
            verb = "holds beside" if both is not None else "takes the place of"
            print(f"{details.called(kept)} {verb} {details.called(other)}")
        return 0
    pairs = memory.conflicts(scope or ())
    if json:
        document = [[belief.id for belief in pair] for pair in pairs]
        sys.stdout.write(style.dump({"schema": "mem.conflicts/1", "conflicts": document}))
        return 0
    terminal.keep_list(memory.home, "", [belief.id for pair in pairs for belief in pair])
    options.show(details.conflicts_text(pairs), memory)
    if pairs:
        hot.warn("none of these is injected; mem conflicts --keep ID or --both ID settles it")
    else:
        hot.warn("no visible beliefs contradict each other")
    return 0


def sync(
    accept_moves: Annotated[
        bool, typer.Option("--accept-moves", help="Pages in the folder of another scope are meant for it.")
    ] = False,
    accept_deletions: Annotated[
        bool, typer.Option("--accept-deletions", help="Pages that are gone are meant to be, however many.")
    ] = False,
    accept_branch: Annotated[
        bool, typer.Option("--accept-branch", help="The pages of this git branch are what holds now.")
    ] = False,
    pull: Annotated[bool, typer.Option("--pull", help="Then take in what git pulls.")] = False,
    push: Annotated[bool, typer.Option("--push", help="Push in the end.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Bring pages and database in line, and commit.

    \b
    mem sync
    mem sync --dry-run
    mem sync --pull --push
    """
    done = options.memory().sync(
        accept_moves=accept_moves,
        accept_deletions=accept_deletions,
        accept_branch=accept_branch,
        pull=pull,
        push=push,
        dry_run=dry_run,
    )
    if json:
        sys.stdout.write(style.dump(answers.sync_document(done)))
    else:
        sys.stdout.write(answers.sync_text(done))
    options.print_problems(done.problems)
    if done.waits is not None:
        hot.warn(f"{done.waits}; nothing was taken in or written")
    return 3 if done.problems or done.waits else 0


def doctor(
    verify_ranking: Annotated[
        bool, typer.Option("--verify-ranking", help="Also check our ranking against rank_bm25.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Make the index and the vectors anew where they are wrong.")
    ] = False,
    rebuild: Annotated[
        Literal["db", "tree"] | None,
        typer.Option("--rebuild", help="Make the database from the pages, or the pages from the database."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="Make the pages from this older database, and keep to it."),
    ] = None,
    json: Json = False,
) -> int:
    """Check that store, tree, postings, vectors and model agree.

    \b
    mem doctor
    mem doctor --verify-ranking
    mem doctor --repair
    mem doctor --rebuild db
    """
    from mem import watch

    memory = options.memory()
    if database is not None and rebuild != "tree":
        raise UsageMistake("--from says which database pages are made from", "mem doctor --rebuild tree --from FILE")
    if rebuild is not None:
        done = memory.rebuild_database() if rebuild == "db" else memory.rebuild_tree(database)
        if database is not None:  # pages that it does not know are new to it
            done.problems.extend(memory.sync(commit=False).problems)
        hot.warn(answers.rebuilt_text(done, rebuild))
        options.print_problems(done.problems)
    report, watched = memory.doctor(verify_ranking, repair), watch.state(memory.home)
    if json:
        problems = [problem._asdict() for problem in report.problems]
        watcher = details.watched_document(watched)
        sys.stdout.write(
            style.dump({"schema": "mem.doctor/1", **report._asdict(), "problems": problems, "watch": watcher})
        )
    else:
        counts = (report.beliefs, "belief"), (report.pages, "page"), (report.postings, "posting")
        print(f"{', '.join(text.counted(*one) for one in counts)} checked")
        if report.ranking is not None:
            queries, difference = report.ranking
            print(f"ranking: {queries} queries, largest difference from rank_bm25 {difference:.1e}")
        if watched is not None:
            print(details.watched_text(watched))
        count = len(report.problems)
        print("all is well" if not count else "1 problem" if count == 1 else f"{count} problems")
    options.print_problems(report.problems)
    return 3 if report.problems else 0


def backup(
    file: Annotated[str | None, typer.Argument(help="A new file; default: one beside the database.")] = None,
) -> int:
    """Copy the database to a file, and verify the copy.

    \b
    mem backup
    mem backup /mnt/disk/memory.db
    """
    place, counts = options.memory().backup(file)
    print(f"{place}: {text.counted(counts['all'], 'belief')}, {counts['pending']} of them in the inbox")
    return 0


def ingest(
    path: Annotated[
        list[str],
        typer.Argument(metavar="FILE|DIR...", help="Notes in Markdown or plain text, or folders of such (a vault)."),
    ],
    scope: Annotated[str | None, typer.Option(metavar="SCOPE", help="Where it holds; default: the open scope.")] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Propose what notes say; it waits in the inbox.

    \b
    mem ingest ~/notes
    mem ingest --dry-run CLAUDE.md
    mem ingest --scope project:atlas docs/decisions && mem review
    """
    memory = options.memory()
    with options.counting("notes") as progress:
        done = memory.ingest(path, scope, dry_run=dry_run, progress=progress)
    if json:
        sys.stdout.write(style.dump(details.ingest_document(done, dry_run)))
    else:
        if not dry_run:
            terminal.keep_list(memory.home, "", [one.belief.id for one in done.proposed])
        options.show(details.ingested_text(done, dry_run), memory)
        hot.warn(details.ingested_summary(done, dry_run))
    if done.new_scope and done.proposed and scope is not None:
        hot.warn(f"{done.scope} is a new scope{'' if dry_run else '; if that was a slip: mem undo'}")
    options.print_problems(done.problems)
    return 3 if done.problems else 0


def watch(
    folder: Annotated[
        list[str] | None, typer.Argument(metavar="[DIR]...", help="Folders of notes to ingest as they change, too.")
    ] = None,
    scope: Annotated[str | None, typer.Option(metavar="SCOPE", help="Where what notes say holds.")] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Only such notes, by path or name; repeatable.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="No such notes, by path or name; repeatable.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Look at everything once, and end.")] = False,
) -> int:
    """Sync pages and ingest notes as they are saved, until stopped.

    It commits nothing; mem sync does.

    \b
    mem watch
    mem watch --exclude 'journal/*' --scope user ~/notes
    mem watch --once ~/notes
    """
    import signal

    from mem.watch import Watcher

    refuse_agents("watch")
    told = _Told()
    globs = Globs(include or (), exclude or ())
    watcher = Watcher(options.memory, folder or (), scope=scope, globs=globs, tell=told.tell, clock=clock)
    if once:
        watcher.once()
        return told.status
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, watcher.stop)
    watcher.run(lambda: hot.warn("watching; Ctrl-C ends it"))
    return 0


class _Told:
    """Says what a watcher did, as it does it; nothing where nothing happened."""

    def __init__(self) -> None:
        self.status = 0

    def tell(self, done: Synced | Ingested | MemError) -> None:
        """Print what came of one act."""
        if isinstance(done, MemError):
            hot.warn(done.message)
            self.status = max(self.status, done.exit_code)
            return
        if isinstance(done, Ingested):
            print(details.ingested_text(done, False), end="")
            if done.proposed or done.withdrawn:
                hot.warn(details.ingested_summary(done, False))
        elif done.changes:
            print(answers.sync_text(done), end="")
        sys.stdout.flush()
        options.print_problems(done.problems)
        waits = done.waits if isinstance(done, Synced) else None
        if waits is not None:
            hot.warn(waits)
        self.status = max(self.status, 3 if done.problems or waits is not None else 0)


def import_(
    file: Annotated[str, typer.Argument(help="A file of records (mem man record), a line each; - is standard input.")],
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
    with source, options.counting("records") as progress:
        done = options.memory().import_records(
            name, read_jsonl(name, source), approve=approve, strict=strict, dry_run=dry_run, progress=progress
        )
    counts = {"new": done.added, "updated": done.updated, "unchanged": done.skipped, "pending": done.pending}
    if json:
        problems = [problem._asdict() for problem in done.problems]
        sys.stdout.write(style.dump({"schema": "mem.import/1", **counts, "dry_run": dry_run, "problems": problems}))
    else:
        print(f"{'would import' if dry_run else 'imported'}: {answers.counts_text(counts)}")
    options.print_problems(done.problems)
    return 3 if done.problems else 0


def export(
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="SCOPE", help="Exactly these scopes; default: all.")
    ] = None,
    type: Types = None,
    status: Statuses = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    archived: Archived = False,
    pending: Pending = False,
    all: All = False,
    format: Annotated[Literal["jsonl"], typer.Option(help="Form of the output.")] = "jsonl",
    json: Json = False,
    jsonl: Jsonl = False,
    ids: Ids = False,
) -> int:
    """Print beliefs as records, a line each.

    \b
    mem export > beliefs.jsonl
    mem export --scope project:atlas --type decision
    """
    from mem.exchange import write_jsonl

    values: dict[str, Any] = dict(locals())
    form = hot.form_of(values)
    memory = options.memory()
    beliefs = memory.export(scope or (), hot.filters_of(values, by_default=True))
    if form in ("json", "ids"):
        document = {"schema": "mem.export/1", "beliefs": [*map(to_record, beliefs)]}
        options.list_beliefs(memory, beliefs, form, lambda: document)
    else:
        sys.stdout.writelines(write_jsonl(beliefs))
    return 0
