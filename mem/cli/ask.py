"""Commands that find beliefs and tell about them."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from mem import hot
from mem.cli import options
from mem.cli.options import (
    All,
    Archived,
    AsOf,
    Id,
    IdList,
    Ids,
    Json,
    Jsonl,
    Mode,
    Pending,
    Scope,
    Since,
    Statuses,
    Types,
    Until,
)
from mem.reading import clock
from mem.recall import strength
from mem.show import answers, details, style

_RECALL, _INJECT = hot.HOT["recall"], hot.HOT["inject"]


def recall(
    query: Annotated[str, typer.Argument(help="Words to look for, or - for standard input.")],
    scope: Annotated[list[str] | None, options.declared(_RECALL, "scope")] = None,
    k: Annotated[int | None, options.declared(_RECALL, "k")] = None,
    type: Types = None,
    status: Statuses = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    archived: Archived = False,
    pending: Pending = False,
    all: All = False,
    mode: Annotated[Mode, options.declared(_RECALL, "mode")] = "auto",
    no_abstain: Annotated[bool, options.declared(_RECALL, "no_abstain")] = False,
    explain: Annotated[bool, options.declared(_RECALL, "explain")] = False,
    json: Json = False,
    jsonl: Jsonl = False,
    ids: Ids = False,
) -> int:
    """Search the visible beliefs, best hits first.

    \b
    mem recall 'store of record'
    mem recall --type decision --since 'last month' -k 3 'who owns refunds?'
    """
    values = {**locals(), "scope": tuple(scope or ()), "type": tuple(type or ()), "status": tuple(status or ())}
    return hot.answer(hot.Request("recall", values, values.pop("query")))


def similar(
    id: Id,
    scope: Scope = None,
    k: Annotated[int | None, options.declared(_RECALL, "k")] = None,
    mode: Annotated[Mode, options.declared(_RECALL, "mode")] = "auto",
    explain: Annotated[bool, options.declared(_RECALL, "explain")] = False,
    json: Json = False,
    jsonl: Jsonl = False,
    ids: Ids = False,
) -> int:
    """Find the beliefs that are most like one.

    \b
    mem similar store_of_record
    mem similar -k 3 --explain 2
    """
    form = options.only_forms(json, jsonl, ids)
    hot.require_explainable(explain, form)
    memory = options.memory()
    belief, found = memory.similar(id, scope or (), k, mode, explain=explain or form.startswith("json"))
    return hot.print_recalled(memory, found, belief.name, form, explain=explain, command="similar")


def inject(
    prompt: Annotated[str | None, typer.Argument(help="The prompt, or - for standard input.")] = None,
    scope: Annotated[list[str] | None, options.declared(_INJECT, "scope")] = None,
    max_beliefs: Annotated[int | None, options.declared(_INJECT, "max_beliefs")] = None,
    budget: Annotated[int | None, options.declared(_INJECT, "budget")] = None,
    explain: Annotated[bool, options.declared(_INJECT, "explain")] = False,
    json: Json = False,
) -> int:
    """Print what an agent should know for a prompt.

    \b
    mem inject 'add a postgres table'
    git diff | mem inject --json -
    """
    values = {**locals(), "scope": tuple(scope or ())}
    return hot.answer(hot.Request("inject", values, values.pop("prompt")))


def brief(
    scope: Scope = None,
    budget: Annotated[int | None, options.declared(_INJECT, "budget")] = None,
    json: Json = False,
) -> int:
    """Print what an agent should know before the first prompt.

    \b
    mem brief
    mem brief --scope project:atlas --budget 500
    """
    answer = options.memory().brief(scope or (), budget, hot.nonce())
    text = answer.injection.text
    sys.stdout.write(style.dump(answers.inject_document(answer, "brief")) if json else text and text + "\n")
    return 0


def show(
    id: IdList,
    scope: Scope = None,
    json: Annotated[bool, typer.Option("--json", help="Print mem.belief/1 records, a line each.")] = False,
) -> int:
    """Show beliefs in full.

    \b
    mem show 8f3k
    mem show --json 2
    """
    memory = options.memory()
    from mem.exchange import write_jsonl

    found = [memory.belief(reference, scope or ()) for reference in id]
    if json:
        sys.stdout.writelines(write_jsonl(belief for belief, _ in found))
        return 0
    now = clock()
    options.show("\n".join(details.belief_text(belief, page, strength(belief, now)) for belief, page in found), memory)
    return 0


def list_(
    scope: Scope = None,
    type: Types = None,
    status: Statuses = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    archived: Archived = False,
    pending: Pending = False,
    all: All = False,
    json: Json = False,
    jsonl: Jsonl = False,
    ids: Ids = False,
) -> int:
    """List the visible beliefs, oldest first.

    \b
    mem list
    mem list --scope project:atlas --type decision --since 2026-10
    """
    values: dict[str, Any] = dict(locals())
    form, filters = hot.form_of(values), hot.filters_of(values)
    memory = options.memory()
    opened, beliefs = memory.beliefs(scope or (), filters)
    options.list_beliefs(memory, beliefs, form, lambda: answers.list_document(opened, beliefs))
    if not beliefs and form == "text":
        asked = "" if filters.all_current else " that fit"
        hot.warn(f"no beliefs{asked} in {', '.join(map(str, opened.visible))}")
    return 0


def history(id: Id, scope: Scope = None, json: Json = False, jsonl: Jsonl = False) -> int:
    """Show the versions of a belief, word by word.

    \b
    mem history store_of_record
    mem history --json 8f3k
    """
    form = options.only_forms(json, jsonl)
    memory = options.memory()
    belief, versions = memory.history(id, scope or ())
    if form == "jsonl":
        sys.stdout.write(style.dump_lines(details.version_records(versions)))
    elif form == "json":
        sys.stdout.write(style.dump(details.history_document(belief, versions)))
    else:
        options.show(details.history_text(belief, versions), memory)
    return 0


def why(
    id: Id,
    scope: Scope = None,
    limit: Annotated[int, typer.Option("-n", min=0, max=10_000, help="Receipts to show at most.")] = 5,
    json: Json = False,
) -> int:
    """Tell where a belief comes from and what surfaced it.

    \b
    mem why store_of_record
    mem why -n 20 --json 8f3k
    """
    memory = options.memory()
    found = memory.why(id, scope or (), limit)
    if json:
        sys.stdout.write(style.dump(details.why_document(found)))
    else:
        options.show(details.why_text(found), memory)
    return 0


def log(
    scope: Scope = None,
    limit: Annotated[int, typer.Option("-n", min=1, max=100_000, help="Receipts to show at most.")] = 20,
    json: Json = False,
    jsonl: Jsonl = False,
) -> int:
    """Show what was handed to agents, latest first.

    \b
    mem log
    mem log -n 100 --jsonl
    """
    form = options.only_forms(json, jsonl)
    memory = options.memory()
    entries = memory.log(scope or (), limit)
    records = [details.receipt_record(receipt) for receipt, _ in entries]
    if form == "json":
        sys.stdout.write(style.dump({"schema": "mem.log/1", "receipts": records}))
    elif form == "jsonl":
        sys.stdout.write(style.dump_lines(records))
    elif entries:
        options.show(details.log_text(entries), memory)
    else:
        hot.warn("nothing that is visible here was injected yet")
    return 0


def status(scope: Scope = None, json: Json = False) -> int:
    """Show where you are and what waits; also `mem` alone.

    \b
    mem status
    mem status --json --scope project:atlas
    """
    where = options.memory().overview(scope or ())
    sys.stdout.write(style.dump(details.overview_document(where)) if json else details.overview_text(where))
    return 0
