"""Real repositories for tests, moved by the git command line as people move them."""

from __future__ import annotations

import subprocess
from pathlib import Path

ME = "Ana <ana@example.org>"
SOMEBODY = "Bob <bob@example.org>"


class Repository:
    """One working tree."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str, fails: bool = False) -> str:
        """What git prints; `fails` says that it must not succeed."""
        done = subprocess.run(["git", "-C", self.path, *arguments], capture_output=True, text=True, check=False)
        assert (done.returncode != 0) == fails, f"git {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def write(self, path: str, text: str) -> Path:
        place = self.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        return place

    def text(self, path: str) -> str:
        return (self.path / path).read_text(encoding="utf-8")

    def commit(self, message: str = "x", by: str = ME) -> str:
        """Commit everything that there is, as somebody; returns the hash."""
        self.git("add", "--all")
        name, _, address = by.rstrip(">").partition(" <")
        who = ("-c", f"user.name={name}", "-c", f"user.email={address}")
        self.git(*who, "commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def committed(self, revision: str = "HEAD") -> list[str]:
        """Paths that a commit changed."""
        return self.git("show", "--format=", "--name-only", "--no-renames", revision).split()

    def log(self) -> list[str]:
        return self.git("log", "--format=%s").splitlines()

    def clone(self, path: Path) -> Repository:
        subprocess.run(["git", "clone", "--quiet", self.path, path], check=True, capture_output=True)
        return Repository(path)

    def identify(self, who: str = ME) -> Repository:
        """Configure an author."""
        name, _, address = who.rstrip(">").partition(" <")
        self.git("config", "user.name", name)
        self.git("config", "user.email", address)
        return self

    def hook(self, name: str, script: str) -> None:
        place = self.path / ".git" / "hooks" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)


def repository(path: Path, *, bare: bool = False) -> Repository:
    """A new repository on the branch `main`."""
    options = ["--bare"] if bare else []
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", *options, path], check=True)
    return Repository(path)
