"""The entry point: the short way for hot commands, the whole command line for all others."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from mem.errors import MemError, StoreUnusable
from mem.record import TextIO

MANY_OBJECTS = 200_000
"""New objects after which garbage is looked for; the 700 of Python cost a first index a twelfth of its time."""


def main() -> None:
    """The console script: run, and leave with the exit status."""
    # A command makes its objects and ends. Looking for garbage among them, and taking the interpreter
    # apart afterwards, would cost a hot command a sixth of its time.
    gc.disable()
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    sys.stderr.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    status = run(sys.argv[1:])
    _is_written(sys.stderr)
    os._exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run one command line (without the program's name); every failure is one sentence and its status."""
    try:
        status = _dispatch(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except MemError as error:
        return _report(error)
    except OSError as error:
        said = error.strerror or error
        if error.filename is None and not _is_written(sys.stdout, "\n"):
            lost = f"standard output cannot be written: {said}; what the command did is done, only its report is lost"
            return _report(StoreUnusable(lost, "free some space, or write elsewhere"))
        return _report(StoreUnusable(f"{error.filename or 'the system'}: {said}", "mem doctor"))


def _dispatch(arguments: Sequence[str]) -> int:
    from mem import hot

    if arguments and arguments[0] == hot.COMPLETE:
        return hot.complete(arguments[1:])
    request = hot.read(arguments)
    if request is not None:
        return hot.answer(request)
    gc.set_threshold(MANY_OBJECTS)
    gc.enable()
    from mem import cli

    return cli.main(arguments)


def _is_written(stream: TextIO, more: str = "") -> bool:
    """True if all that was printed, and more, is written; what cannot be is given up."""
    try:
        stream.write(more)
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True


def _report(error: MemError) -> int:
    from mem.text import shown

    _is_written(sys.stdout)
    with suppress(OSError):  # the status says what no stream can
        sys.stderr.write(f"mem: {shown(error.message)}\n")
        if error.hint:
            sys.stderr.write(f"  try: {shown(error.hint)}\n")
    return error.exit_code


if __name__ == "__main__":
    main()
