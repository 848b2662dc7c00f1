"""The git command line, for the few things that are asked of it; never run on a hot path."""

from __future__ import annotations

import os
import shutil
import subprocess


def make_repository(folder: str) -> str | None:
    """Make the folder a repository unless it is one, or lies in one.

    Returns None when done, else the reason why there is no repository.
    """
    if os.path.exists(os.path.join(folder, ".git")):
        return None
    if shutil.which("git") is None:
        return "git is not installed"
    # A repository further up must not capture this folder: only its own `.git` counts, and the
    # variables by which hooks point git elsewhere are not passed on.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {key: value for key, value in os.environ.items() if key.startswith("GIT_CONFIG")}
    done = subprocess.run(
        ["git", "init", "--quiet", folder], capture_output=True, text=True, env=environment, check=False
    )
    return done.stderr.strip() or f"git init ended with {done.returncode}" if done.returncode else None
