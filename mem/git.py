"""The git command line, for the few things that are asked of it; never run on a hot path."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess


def make_repository(folder: str) -> str | None:
    """Make the folder a repository unless it is one; one that was left half made is finished.

    Returns None when done, else the reason why there can be no repository.
    Raises: OSError if git fails.
    """
    if shutil.which("git") is None:
        return "git is not installed"
    # A repository further up must not capture this folder: only its own `.git` counts, and the
    # variables by which hooks point git elsewhere are not passed on.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {key: value for key, value in os.environ.items() if key.startswith("GIT_CONFIG")}
    environment["GIT_CEILING_DIRECTORIES"] = os.path.dirname(folder)
    known = ["git", "-C", folder, "rev-parse", "--git-dir"]
    if subprocess.run(known, capture_output=True, env=environment, check=False).returncode == 0:
        return None
    done = subprocess.run(
        ["git", "init", "--quiet", folder], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise OSError(errno.EIO, f"git init failed: {done.stderr.strip().splitlines()[-1:]}", folder)
    return None
