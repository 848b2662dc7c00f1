"""The git command line, for the few things that are asked of it; never run on a hot path."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Sequence


def holds(folder: str, paths: Sequence[str]) -> tuple[int, list[str]]:
    """How many commits of a repository, on any branch, touch one of these paths, and the names of its remotes."""
    commits = _asked(folder, "log", "--all", "--format=%H", "--", *paths) if paths else []
    return len(commits), _asked(folder, "remote")


def uncommitted(folder: str) -> int | None:
    """How many files of the folder differ from its last commit; None where there is no repository."""
    if not os.path.isdir(os.path.join(folder, ".git")):
        return None
    return len(_asked(folder, "status", "--porcelain", "--untracked-files=all"))


def _asked(folder: str, *arguments: str) -> list[str]:
    """The lines that git answers; none if it cannot."""
    if shutil.which("git") is None or not os.path.isdir(os.path.join(folder, ".git")):
        return []
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, env=_environment(folder), check=False)
    return done.stdout.decode("utf-8", "replace").splitlines()


def _environment(folder: str) -> dict[str, str]:
    """What git runs with: only the folder's own repository counts.

    One further up must not capture the folder, and the variables by which hooks point git elsewhere are not passed on.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {key: value for key, value in os.environ.items() if key.startswith("GIT_CONFIG")}
    return environment | {"GIT_CEILING_DIRECTORIES": os.path.dirname(folder)}


def make_repository(folder: str) -> str | None:
    """Make the folder a repository unless it is one; one that was left half made is finished.

    Returns None when done, else the reason why there can be no repository.
    Raises: OSError if git fails.
    """
    if shutil.which("git") is None:
        return "git is not installed"
    environment = _environment(folder)
    known = ["git", "-C", folder, "rev-parse", "--git-dir"]
    if subprocess.run(known, capture_output=True, env=environment, check=False).returncode == 0:
        return None
    done = subprocess.run(
        ["git", "init", "--quiet", folder], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise OSError(errno.EIO, f"git init failed: {done.stderr.strip().splitlines()[-1:]}", folder)
    return None
