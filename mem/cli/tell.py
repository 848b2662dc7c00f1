"""Commands that tell mem something, or correct it."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from mem import hot, terminal
from mem.belief import TYPES, Belief, is_id, parse_time
from mem.cli import options
from mem.cli.options import DryRun, Id, IdList, Json, Scope
from mem.errors import MemError, TreeProblem, UsageMistake
from mem.memory import Memory, Remembered
from mem.reading import Filters, close_scopes
from mem.scope import parse
from mem.show import answers, details, style
from mem.text import shown

Type = Annotated[str | None, typer.Option(metavar="TYPE", help=f"One of {', '.join(TYPES)}.")]
Alias = Annotated[list[str] | None, typer.Option(help="Another form that should find it; repeatable.")]
NoAlias = Annotated[bool, typer.Option("--no-alias", help="Derive no aliases.")]
Reason = Annotated[str | None, typer.Option("--why", help="Why it matters, as an instruction.")]
Confidence = Annotated[float | None, typer.Option(help="From 0 to 1; default 0.9.")]
From = Annotated[str | None, typer.Option(metavar="TIME", help="When it began to hold.")]
To = Annotated[str | None, typer.Option(metavar="TIME", help="When it stops holding.")]
Stability = Annotated[float | None, typer.Option(help="Days until retention is 0.9; default by type.")]


def remember(
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT]", help="What to remember; - reads standard input; none opens $EDITOR."),
    ] = None,
    type: Type = None,
    name: Annotated[str | None, typer.Option(help="Short name; a known one of that scope and type is revised.")] = None,
    alias: Alias = None,
    no_alias: NoAlias = False,
    why: Reason = None,
    scope: Annotated[str | None, typer.Option(metavar="SCOPE", help="Where it holds; default: the open scope.")] = None,
    status: Annotated[str | None, typer.Option(help="active, inferred or exploratory.")] = None,
    confidence: Confidence = None,
    pin: Annotated[bool, typer.Option("--pin", help="Inject it whenever its scope is visible.")] = False,
    valid_from: From = None,
    valid_until: To = None,
    relation: Annotated[str | None, typer.Option(metavar="VERB", help="The verb of a relation.")] = None,
    participant: Annotated[list[str] | None, typer.Option(metavar="ID", help="What a relation connects.")] = None,
    stability: Stability = None,
    session: Annotated[str | None, typer.Option(help="The session it comes from.")] = None,
    supersede: Annotated[str | None, typer.Option(metavar="ID", help="The belief whose place it takes.")] = None,
    by: Annotated[str | None, typer.Option("--as", metavar="agent:NAME", help="Propose it as an agent.")] = None,
    json: Json = False,
) -> int:
    """Remember one sentence; the rest is derived and shown.

    \b
    mem remember 'Postgres is the store of record.'
    mem remember --name store_of_record --alias pg 'The store is CockroachDB.'
    """
    content = options.content_of(text, "mem remember")
    if by is not None and not (by.startswith("agent:") and is_id(by[6:])):
        raise UsageMistake(f"--as {by!r} is not agent:NAME", "mem remember --as agent:helper TEXT")
    fields = {
        "type": type,
        "name": name,
        "aliases": [*(alias or [])] if alias or no_alias else None,
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
    memory = options.memory()
    with options.keeping(content if text is None else None):
        done = memory.remember(content, fields, supersede, by[6:] if by else None)
    return _told(memory, done, json)


def _told(memory: Memory, done: Remembered, json: bool) -> int:
    """Say what was remembered, and ask about what it contradicts if someone is there to answer."""
    sys.stdout.write(style.dump(answers.remember_document(done)) if json else answers.remembered_text(done))
    for other, _ in done.conflicts:
        if not json and _asks() and _replaces(done.belief, other):
            memory.supersede(other, done.belief, [done.belief.scope])
            print(f"superseded {details.called(other)}")
    if done.close:
        hot.warn(f"{done.belief.scope} is a new scope; if you meant {' or '.join(done.close)}: mem undo")
    return 0


def _replaces(new: Belief, other: Belief) -> bool:
    try:
        return typer.confirm(f"Does it replace {details.called(other)}?")
    except typer.Abort:
        hot.warn(f"{details.called(new)} is stored, and contested until you decide: mem conflicts, or mem undo")
        raise


def _asks() -> bool:
    """True if there is somebody to answer a question."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def supersede(
    id: Id,
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="What holds instead; - is standard input.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="ID", help="A belief that holds instead.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the new belief.")] = None,
    type: Type = None,
    alias: Alias = None,
    no_alias: NoAlias = False,
    why: Reason = None,
    scope: Scope = None,
    json: Json = False,
) -> int:
    """Put a new belief in the place of an old one.

    \b
    mem supersede store_of_record 'CockroachDB is the store of record.'
    mem supersede 8f3k --by 2m9p
    """
    memory = options.memory()
    if by is not None:
        if text is not None or name or type or alias or no_alias or why or json:
            raise UsageMistake("--by goes with no text and no other option", "mem supersede OLD --by NEW")
        print(f"superseded {details.called(memory.supersede(id, by, scope or ()))}")
        return 0
    memory.belief(id, scope or ())  # before a text is asked for
    aliases = [*(alias or [])] if alias or no_alias else None
    fields = {"name": name, "type": type, "aliases": aliases, "why": why}
    content = options.content_of(text, "mem supersede ID")
    with options.keeping(content if text is None else None):
        done = memory.replace(id, content, fields, scope or ())
    return _told(memory, done, json)


def relate(
    one: Annotated[str, typer.Argument(metavar="ID", help="The belief that does something.")],
    verb: Annotated[str, typer.Argument(metavar="VERB", help="What it does, for example 'depends on'.")],
    other: Annotated[str, typer.Argument(metavar="ID", help="The belief that it does it to.")],
    to: Annotated[str | None, typer.Option("--to", metavar="SCOPE", help="Where the relation holds.")] = None,
    scope: Scope = None,
    json: Json = False,
) -> int:
    """Connect two beliefs, so that one brings the other along.

    \b
    mem relate payment_service 'depends on' store_of_record
    mem relate 1 owns 2
    """
    memory = options.memory()
    return _told(memory, memory.relate(one, verb, other, scope or (), to), json)


def edit(
    id: Id,
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="What it says; - is standard input.")] = None,
    type: Type = None,
    name: Annotated[str | None, typer.Option(help="Its short name.")] = None,
    why: Annotated[str | None, typer.Option("--why", help="Why it matters; an empty text takes it away.")] = None,
    move: Annotated[str | None, typer.Option("--move", metavar="SCOPE", help="The scope that it moves to.")] = None,
    confidence: Confidence = None,
    valid_from: From = None,
    valid_until: To = None,
    stability: Stability = None,
    scope: Scope = None,
) -> int:
    """Correct or move a belief, here or in $EDITOR.

    \b
    mem edit store_of_record 'Postgres 17 is the store of record.'
    mem edit 8f3k --type decision --move project:atlas
    mem edit 8f3k
    """
    memory = options.memory()
    fields: dict[str, Any] = {
        "content": None if text is None else options.content_of(text, "mem edit ID"),
        "type": type,
        "name": name,
        "why": why,
        "scope": move,
        "confidence": confidence,
        "valid_from": _time("valid-from", valid_from),
        "valid_until": _time("valid-until", valid_until),
        "stability": stability,
    }
    fields = {key: value for key, value in fields.items() if value is not None}
    if "why" in fields:
        fields["why"] = fields["why"] or None
    known = list(memory.scopes(("user",))[1])
    old, new = memory.edit(id, fields, scope or ()) if fields else _edited_page(memory, id, scope or [])
    if old == new:
        print(f"unchanged: {details.called(old)}")
        return 0
    print(f"edited {style.styled(details.called(new), 'name')}")
    for line in details.changes(old, new):
        print(f"  {line}")
    close = close_scopes(parse(new.scope), known) if new.scope not in known else []
    if close:
        hot.warn(f"{new.scope} is a new scope; if you meant {' or '.join(close)}: mem undo")
    return 0


def _time(option: str, value: str | None) -> Any:
    try:
        return None if value is None else parse_time(value)
    except ValueError as error:
        raise UsageMistake(f"--{option}: {error}", "mem edit --help") from None


def _edited_page(memory: Memory, id: str, scope: list[str]) -> tuple[Belief, Belief]:
    """Let the user edit the page until it is one, or they give up; what they wrote is kept either way."""
    belief, before = memory.page_to_edit(id, scope)
    text = page = before.decode("utf-8", "surrogateescape")
    while True:
        with options.keeping(text if text != page else None):  # from an earlier round
            text = options.edited(text)
        problem = _not_taken(memory, belief, before, text, scope)
        if isinstance(problem, tuple):
            return problem
        if _asks():
            hot.warn(problem.message)
            with options.keeping(text):
                if typer.confirm("Edit again?", default=True):
                    continue
        path = options.kept(text)
        hint = f"your text is in {path}; mend it, then EDITOR='cp {path}' mem edit {belief.id}"
        raise TreeProblem(f"{details.called(belief)} was not changed: {problem.message}", hint)


def _not_taken(
    memory: Memory, belief: Belief, before: bytes, text: str, scope: list[str]
) -> tuple[Belief, Belief] | MemError:
    """The belief as it was and as it is, or what is wrong with its page; anything else that fails keeps the text."""
    with options.keeping(text):
        try:
            return memory.edit_page(belief, before, text.encode("utf-8", "surrogateescape"), scope)
        except (TreeProblem, UsageMistake) as error:
            return error


def alias(
    id: Id,
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
    belief = options.memory().edit_aliases(id, add, drop, scope or ())
    print(f"{details.called(belief)}: {shown(', '.join(one.text for one in belief.aliases)) or 'no aliases'}")
    return 0


def pin(id: IdList, scope: Scope = None) -> int:
    """Pin beliefs: always injected where visible, never fading.

    \b
    mem pin 8f3k
    mem pin 1 3
    """
    return _pin(id, scope, True)


def unpin(id: IdList, scope: Scope = None) -> int:
    """Take the pin out of beliefs.

    \b
    mem unpin 8f3k
    mem unpin 1 3
    """
    return _pin(id, scope, False)


def _pin(id: list[str], scope: list[str] | None, pinned: bool) -> int:
    for belief, changed in options.memory().pin(id, scope or (), pinned):
        word = "pinned" if pinned else "unpinned"
        print(f"{word} {details.called(belief)}" if changed else f"already {word}: {details.called(belief)}")
    return 0


def confirm(
    id: IdList,
    query: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What found it; default: this terminal's last search.")
    ] = None,
    learn: Annotated[bool, typer.Option("--learn/--no-learn", help="Learn aliases from the query.")] = True,
    scope: Scope = None,
) -> int:
    """Say that beliefs were of use, and learn your words for them.

    \b
    mem confirm 1
    mem confirm --query 'which database' store_of_record
    """
    memory = options.memory()
    listed = terminal.last_list(memory.home)
    if query is None and listed is not None:
        found = {memory.belief(one, scope or ())[0].id for one in id}
        query = listed.query if found <= {*listed.ids} else None
    for old, new in memory.confirm(id, query if learn else None, scope or ()):
        print(f"confirmed {details.called(new)}: stability {old.stability:.0f} → {new.stability:.0f} days")
        before = {entry.text: entry.weight for entry in old.aliases}
        for entry in new.aliases:
            if entry.weight != before.get(entry.text):
                use = (
                    "recall and inject use it"
                    if entry.text in before
                    else "recall uses it; inject too, once confirmed again"
                )
                print(f"  learned {entry.text!r}: {use}")
    return 0


def resolve(id: IdList, scope: Scope = None) -> int:
    """Mark questions, or what else is settled, as resolved.

    \b
    mem resolve rate_limit
    mem resolve 1 3
    """
    for belief in options.memory().resolve(id, scope or ()):
        print(f"resolved {details.called(belief)}")
    return 0


def forget(id: IdList, scope: Scope = None) -> int:
    """Take beliefs out of use; restore brings them back.

    \b
    mem forget 8f3k
    mem forget 1 2 3
    """
    for belief in options.memory().forget(id, scope or ()):
        print(f"forgot {details.called(belief)}")
    return 0


def restore(
    id: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids, names, or numbers; none lists what there is.")
    ] = None,
    scope: Scope = None,
) -> int:
    """Bring back what was forgotten, superseded or resolved.

    \b
    mem restore
    mem restore 1 2
    """
    memory = options.memory()
    if not id:
        found = [one for one in memory.beliefs(scope or (), Filters(any_state=True))[1] if not one.live or one.archived]
        options.list_beliefs(memory, found)
        if not found:
            hot.warn("nothing that is visible here is out of use")
        return 0
    for belief in memory.restore(id, scope or ()):
        print(f"restored {details.called(belief)}{' (waits for approval)' if belief.review == 'pending' else ''}")
    return 0


def undo(
    steps: Annotated[int, typer.Argument(min=1, max=1000, help="How many acts to undo, the latest first.")] = 1,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
) -> int:
    """Undo the latest acts, newest first.

    \b
    mem undo
    mem undo --dry-run 3
    """
    memory = options.memory()
    if dry_run or (steps > 1 and not yes and _asks()):
        for operation in memory.operations(steps):
            print(f"would undo: {shown(operation.summary)}")
        if dry_run or not typer.confirm("Undo these?"):
            return 0
    for operation in memory.undo(steps):
        print(f"undone: {shown(operation.summary)}")
    return 0


def purge(
    id: Id,
    confirm: Annotated[
        str | None, typer.Option(metavar="ID", help="The whole id, to erase without a question.")
    ] = None,
    dry_run: DryRun = False,
    scope: Scope = None,
) -> int:
    """Erase a belief everywhere mem holds it; there is no undo.

    \b
    mem purge --dry-run 8f3k
    mem purge --confirm 8f3k2q1v 8f3k2q1v
    """
    memory = options.memory()
    plan = memory.purge_plan(id, scope or ())
    if dry_run or confirm is None:
        sys.stdout.write(details.purge_text(plan, done=False))
    if dry_run:
        return 0
    if confirm is None and _asks():
        confirm = typer.prompt("Type its id to erase it", default="", show_default=False)
    if confirm != plan.belief.id:
        known = plan.belief.id
        hint = f"mem purge --confirm {known} {known}, or mem forget {known}, which can be undone"
        raise UsageMistake(f"{details.called(plan.belief)} was not erased: its id was not typed", hint)
    sys.stdout.write(details.purge_text(memory.purge(plan), done=True))
    return 0
