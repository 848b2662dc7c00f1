"""A tour: the main job on real-looking beliefs, in a temporary home, with the real commands."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from mem.reading import AGENT_VARIABLES

# (what happens, the commands that show it)
STEPS = (
    (
        "Remember: one sentence is enough. Type, name and aliases are worked out and shown.",
        (
            "mem remember 'I prefer short answers with the reason first.'",
            "mem remember --scope domain:code 'We use Ruff instead of Flake8.'",
            "mem remember --scope domain:code --alias k8s --alias kube --name kubernetes "
            "'Kubernetes runs everything; one cluster per region.'",
            "mem remember --scope project:atlas --alias pg --alias postgres --name store_of_record --type decision "
            "--why 'never suggest a second database for orders' 'Postgres is the store of record.'",
            "mem remember --scope project:atlas 'PaymentService owns refunds; ask Dana Reyes before changing it.'",
            "mem remember --scope project:atlas --pin 'Never deploy Atlas on a Friday afternoon.'",
            "mem remember --scope project:atlas --type question --alias throttling 'Rate limit per key or per IP?'",
            "mem remember --scope project:atlas 'To rotate the TLS certs: run `make certs`, then restart Envoy.'",
            "mem remember --scope project:atlas 'On Monday the nightly export failed because the disk was full.'",
            "mem remember --scope project:orion --name store_of_record --alias postgres --alias mysql "
            "'Orion keeps its data in MySQL, not Postgres.'",
            "mem remember --scope project:orion 'The staging password for Orion lives in the vault under orion/stage.'",
            "mem remember --scope project:orion 'Orion ships every second Tuesday.'",
        ),
    ),
    (
        "Recall: a ranked search, for you.",
        ("mem recall --scope project:atlas 'who do I ask about refunds?'",),
    ),
    (
        "Inject: what an agent gets for a prompt. Only what the prompt names, and what is pinned.",
        ("mem inject --scope project:atlas --scope domain:code 'add a postgres table for kube events'",),
    ),
    (
        "Scopes do not leak: a session in Atlas never hears of Orion, though both share a name and an alias.",
        (
            "mem recall --scope project:atlas 'mysql'",
            "mem recall --scope project:orion 'mysql'",
        ),
    ),
    (
        "A correction takes effect at once: the same name is the same belief.",
        (
            "mem remember --scope project:atlas --name store_of_record --type decision "
            "'CockroachDB is the store of record since May.'",
            "mem recall --scope project:atlas -k 1 'store of record'",
            "mem undo",
            "mem recall --scope project:atlas -k 1 'store of record'",
        ),
    ),
)

NEXT = """
That was a temporary memory; yours was not touched. Next:
  mem remember 'I prefer ...'       your first belief; it makes ~/mem, a folder under git
  mem scope map . project:NAME      this directory is that project
  mem inject 'a prompt'             what your agent would be told
  mem --help                        everything else
"""


def run(command: Callable[[Sequence[str]], int]) -> int:
    """Take the tour, calling `command` with each command line; returns the first status that surprises."""
    with _temporary_home():
        for number, (title, lines) in enumerate(STEPS, 1):
            print(f"\n== {number}. {title}")
            for line in lines:
                print(f"\n$ {line}", flush=True)
                status = command(shlex.split(line)[1:])
                if status:
                    print(f"mem tour: that ended with {status}", file=sys.stderr)
                    return status
    print(NEXT, end="")
    return 0


@contextmanager
def _temporary_home() -> Iterator[None]:
    """An environment in which nothing of the user's is read or written."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="mem-tour-") as folder:
        for variable in [name for name in os.environ if name in ("MEM_SCOPE", *AGENT_VARIABLES)]:
            del os.environ[variable]
        os.environ |= {"MEM_HOME": f"{folder}/mem", "XDG_DATA_HOME": f"{folder}/data"}
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
