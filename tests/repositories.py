"""Real repositories for tests, moved by the git command line as people move them."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from mem.belief import Belief, time_text
from mem.config import Home
from mem.reading import PENDING
from mem.store import Store
from tests.conftest import Mem, Result

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


class Owner(Repository):
    """A memory folder, and the person whose it is."""

    def __init__(self, path: Path, mem: Mem) -> None:
        super().__init__(path)
        self._mem = mem

    def mem(self, *arguments: str) -> Result:
        """What a command line does in this folder, a second later than the one before."""
        os.environ["MEM_HOME"] = str(self.path)
        moment = datetime.fromisoformat(os.environ["MEM_NOW"]) + timedelta(seconds=1)
        os.environ["MEM_NOW"] = time_text(moment)
        return self._mem(*arguments)

    def remember(self, name: str, content: str, *options: str) -> str:
        """Remember something; returns the path of its page."""
        done = self.mem("remember", "--type", "fact", "--name", name, "--json", *options, content)
        assert done.status == 0, done
        return str(json.loads(done.out)["page"])

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a page in an editor."""
        page = self.text(path)
        assert old in page
        self.write(path, page.replace(old, new))

    def sync(self, *options: str, status: int = 0) -> Result:
        """Sync; doing it again changes nothing, and pages that git has no quarrel about hold what they held."""
        done = self.mem("sync", *options)
        assert done.status == status, done
        before = self.everything()
        again = self.mem("sync")
        assert again.status in (0, status) and self.everything() == before
        return done

    def everything(self) -> tuple[dict[str, bytes], str, str]:
        """The files that are not git's nor this machine's alone, the beliefs, and what git has of them."""
        own = (path.relative_to(self.path) for path in sorted(self.path.rglob("*")) if path.is_file())
        files = [path for path in own if path.parts[0] != ".git" and path.parts[1:2] != ("local",)]
        head = self.git("log", "--all", "--format=%H") + self.git("status", "--porcelain")
        return {str(path): (self.path / path).read_bytes() for path in files}, self.mem("export").out, head

    def stored(self, condition: str) -> list[Belief]:
        """Beliefs as the database has them, whatever the pages say."""
        path = Home(str(self.path)).database()
        assert path is not None
        with closing(Store.reading(path)) as store:
            return store.everything().beliefs(condition)

    def believed(self) -> dict[str, str]:
        """What is current, content by name."""
        return {one.name: one.content for one in self.stored("current")}

    def pending(self) -> list[Belief]:
        return self.stored(PENDING)

    def waiting(self) -> dict[str, str]:
        """What waits for approval, source by content."""
        return {one.content: one.source for one in self.pending()}

    def recalled(self, query: str) -> list[str]:
        """The contents that a search finds."""
        done = self.mem("recall", "--mode", "lexical", "--json", "--scope", "project:atlas", query)
        return [hit["content"] for hit in json.loads(done.out)["hits"]] if done.out else []

    def copy(self, path: Path) -> Owner:
        """A clone with the same identity, taken into use."""
        made = Owner(self.clone(path).path, self._mem)
        made.identify()
        assert made.mem("init").status == 0
        return made
