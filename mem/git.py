"""The git command line, for the few things that are asked of it; never run on a hot path.

The user's hooks run and the user's configuration holds, as they would for the same command typed by hand; mem
changes neither. What git refuses is a `GitProblem` in one sentence.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from io import BytesIO
from time import sleep

from mem import text
from mem.belief import Belief
from mem.errors import GitProblem
from mem.record import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import IO

NOBODY = ("mem", "mem@localhost")
"""Name and address of the author where none is configured."""

FEW = 20
"""Paths that git is given to choose by; it compares each with all, and 500 of them take it 65 ms a commit where the
folder has 3,000 pages. More are chosen here."""


class State(NamedTuple):
    """What a repository is in the midst of, read from its files."""

    branch: str | None
    """None on a detached HEAD, and without a repository."""
    busy: str | None
    """What has begun and not ended: merge, rebase, cherry-pick, revert, bisect, or `AT_WORK`."""
    seal: str
    """Differs as soon as git has changed a page: where HEAD points, when the index was written. Empty without one."""


AT_WORK = "git command"
"""What is in progress while git holds the index."""

_SIGNS = (
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("MERGE_HEAD", "merge"),
    ("BISECT_LOG", "bisect"),
    ("index.lock", AT_WORK),
)
"""What lies in git's directory meanwhile. A rebase picks commits, so it comes first."""


def state(folder: str) -> State:
    """The branch of a folder's own repository and what is in progress there; spawns no process.

    A repository with reftables keeps HEAD where only git can read it, and is asked.
    """
    directory = _directory(folder)
    if directory is None:
        return State(None, None, "")
    head = _line(os.path.join(directory, "HEAD"))
    busy = next((said for name, said in _SIGNS if os.path.lexists(os.path.join(directory, name))), None)
    if busy in (None, AT_WORK):  # between two of several picks nothing else tells
        first = _line(os.path.join(directory, "sequencer", "todo")).partition(" ")[0]
        busy = {"pick": "cherry-pick", "revert": "revert"}.get(first, busy)
    reference = head.removeprefix("ref: ").strip() if head.startswith("ref: ") else None
    if reference == "refs/heads/.invalid":
        reference = "".join(_asked(folder, "symbolic-ref", "--quiet", "HEAD")) or None
    branch = reference and reference.removeprefix("refs/heads/")
    index = _stamp(os.path.join(directory, "index"))
    return State(branch, busy, index and f"{head} {index}")


PATIENCE = 20
"""Times that another git command is waited for, a tenth of a second each: an editor's look at what has changed ends
in a few hundredths, a checkout of 10,000 pages in two seconds."""


def settled(folder: str, seal: str | None) -> State:
    """The state of a folder once no other git command is at work there, or after it was waited for long enough.

    A command ends its work on the pages a moment before it says which branch they are of. So where the seal is not the
    one that was seen before, it must stay the same for a while.
    """
    found = state(folder)
    for _ in range(PATIENCE):
        if found.busy != AT_WORK and found.seal in ("", seal):
            break
        sleep(0.1)
        seal, found = found.seal, state(folder)
    return found


def arrived(folder: str, since: str | None) -> bool:
    """True if HEAD was moved by anything but commits made here since it was at a commit: by a pull, merge, checkout …

    Then a page may hold what somebody else wrote. Git's own journal tells; without one git is asked.
    """
    directory = _directory(folder)
    if directory is None or since is None:
        return False
    journal = _end(os.path.join(directory, "logs", "HEAD"))
    for line in reversed(journal):
        moved, _, why = line.partition("\t")
        if moved.split(" ")[1:2] == [since]:
            return False
        if not re.match(r"commit(?: \((?:amend|initial)\))?: ", why):
            return True
    return bool(journal) or head(folder) != since


def brought(folder: str, also: Collection[str], since: str | None) -> bool:
    """True if HEAD has commits of somebody else that it did not have at a commit.

    Less exact than `foreign`, and quick however many pages and commits there are; no process where nothing `arrived`.
    """
    if not arrived(folder, since):
        return False
    done = _run(folder, "log", "--no-show-signature", "--no-color", "--format=%ae", f"{since}..HEAD")
    own = {address.casefold() for address in (*addresses(folder), *also)}
    authors = {address.casefold() for address in done.stdout.decode("utf-8", "replace").split("\n") if address}
    return done.returncode != 0 or not authors <= own


def _end(path: str) -> list[str]:
    """The last lines of a file; none if there is no such file."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 65_536))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def has_branch(folder: str, name: str) -> bool:
    """True if the repository has a branch of this name; one without a commit is none yet."""
    return _run(folder, "show-ref", "--verify", "--quiet", f"refs/heads/{name}").returncode == 0


def _directory(folder: str) -> str | None:
    """Where git keeps what belongs to this working tree: `.git`, or where the file of that name points."""
    marker = os.path.join(folder, ".git")
    if os.path.isdir(marker):
        return marker
    found = re.match(r"gitdir: (.+)", _line(marker))
    return os.path.join(folder, found[1]) if found else None


def _line(path: str) -> str:
    """The first line of a file; empty if there is none. Nothing but a plain file is opened: a pipe would wait."""
    if not os.path.isfile(path):
        return ""
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return file.readline().rstrip("\n")
    except OSError:
        return ""


def _stamp(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{status.st_ino} {status.st_mtime_ns} {status.st_size}"


# -- what was committed -----------------------------------------------------------------------------


def holds(folder: str, paths: Sequence[str]) -> tuple[int, list[str]]:
    """How many commits of a repository, on any branch, touch one of these paths, and the names of its remotes."""
    commits = _asked(folder, "log", "--all", "--format=%H", "--", *map(_literal, paths)) if paths else []
    return len(commits), _asked(folder, "remote")


def uncommitted(folder: str) -> int | None:
    """How many files of the folder differ from its last commit; None where there is no repository."""
    lines = _asked(folder, "--no-optional-locks", "status", "--porcelain", "--untracked-files=all")
    return len(lines) if _directory(folder) is not None else None


def changed(folder: str) -> dict[str, bytes | None]:
    """Paths that differ from the last commit, with what that says; None for those that it does not have.

    Raises: GitProblem if git does not answer.
    """
    paths, blobs = sorted(_changed(folder)), _blobs(folder)
    before = _objects(folder, [blobs[path] for path in paths if path in blobs])
    return {path: next(before) if path in blobs else None for path in paths}


def _blobs(folder: str) -> dict[str, str]:
    """The files of the last commit: hash by path."""
    listed = _run(folder, "ls-tree", "-r", "-z", "HEAD").stdout.decode("utf-8", "surrogateescape").split("\0")
    return {path: meta.split(" ")[2] for meta, _, path in (line.partition("\t") for line in listed if line)}


def _objects(folder: str, hashes: Sequence[str]) -> Iterator[bytes | None]:
    """What git keeps under these hashes; None for what it does not have, or is no file."""
    answer = BytesIO(_run(folder, "cat-file", "--batch", stdin="".join(f"{one}\n" for one in hashes).encode()).stdout)
    for _ in hashes:
        found = re.fullmatch(rb"[0-9a-f]+ (\w+) (\d+)\n", answer.readline())
        data = answer.read(int(found[2]) + 1)[:-1] if found else b""
        yield data if found and found[1] == b"blob" else None


def clean(folder: str, paths: Iterable[str]) -> set[str]:
    """Those paths that are as the last commit has them; none where git does not say."""
    try:
        return {*paths} - _changed(folder).keys()
    except GitProblem:
        return set()


def head(folder: str) -> str | None:
    """The commit that the working tree is at; None where there is none."""
    return "".join(_asked(folder, "rev-parse", "--verify", "--quiet", "HEAD")) or None


def foreign(folder: str, paths: Iterable[str], also: Collection[str] = (), since: str | None = None) -> dict[str, str]:
    """Those paths that hold what somebody else committed, with that author.

    That is so if another one's commit made the page what it is, or had a part in it after the commit `since`: who
    merges a change, or commits on top of it, did not write it. A page whose bytes differ from the last commit is in the
    user's own hands. Own are the addresses that git is configured with (`NOBODY`'s where it is not), and `also`.
    An author is what a commit claims: git does not prove it.
    Raises: GitProblem if git does not answer; without git or a repository nobody else commits.
    """
    if _directory(folder) is None or shutil.which("git") is None:
        return {}
    asked = {*paths} - _touched(folder, paths)
    own = {address.casefold() for address in (*addresses(folder), *also)}
    recent = [(path, author) for path, _, author in _history(folder, f"{since}..HEAD", asked)] if since else []
    return {
        path: text.shown(f"{name} <{address}>")
        for path, (address, name) in (*recent, *_origins(folder, asked).items())
        if address.casefold() not in own
    }


def _touched(folder: str, paths: Iterable[str]) -> set[str]:
    """Those paths that do not hold what the last commit has, line ends aside.

    Git calls a page changed also for its mode, or for attributes that somebody else has committed: nobody wrote that.
    Raises: GitProblem if git does not answer.
    """
    dirty = sorted({*paths} & _changed(folder).keys())
    blobs = _blobs(folder) if dirty else {}
    known = [path for path in dirty if path in blobs]
    before = dict(zip(known, _objects(folder, [blobs[path] for path in known]), strict=True)) if known else {}
    return {path for path in dirty if _folded(before.get(path)) != _folded(_data(os.path.join(folder, path)))}


def _data(path: str) -> bytes | None:
    """What a plain file holds; None if there is none."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def _folded(data: bytes | None) -> bytes | None:
    return data if data is None else data.replace(b"\r\n", b"\n")


def addresses(folder: str) -> list[str]:
    """The user's own addresses, as git is configured in this folder."""
    known = _identity(folder)
    found = [known[key] for key in ("author.email", "user.email") if known.get(key)]
    return found or [NOBODY[1]]


def identified(folder: str) -> bool:
    """Whether git knows an address of the user; without git or a repository it does not."""
    if _directory(folder) is None or shutil.which("git") is None:
        return False
    return addresses(folder) != [NOBODY[1]]


def _identity(folder: str) -> dict[str, str]:
    lines = _run(folder, "config", "--null", "--get-regexp", r"^(user|author)\.(name|email)$").stdout.split(b"\0")
    pairs = (line.decode("utf-8", "replace").partition("\n") for line in lines if line)
    return {key: value for key, _, value in pairs}


def _origins(folder: str, paths: Collection[str]) -> dict[str, tuple[str, str]]:
    """Address and name of the author of the commit that made each path what it is at HEAD (gone, if it is)."""
    blobs = _blobs(folder)
    found: dict[str, tuple[str, str]] = {}
    history = _history(folder, "HEAD", paths)
    while len(found) < len(paths) and (change := next(history, None)) is not None:
        path, blob, author = change
        if path not in found and (blob == blobs.get(path) or (path not in blobs and not blob.strip("0"))):
            found[path] = author
    history.close()
    return found


def _history(
    folder: str, range: str, paths: Collection[str]
) -> Generator[tuple[str, str, tuple[str, str]], None, None]:
    """What the commits of a range made of these paths, newest first (see `_changes`); nothing if there is no range."""
    # What of the user's configuration would change the form of the answer is set to its default.
    plain = ["-c", "log.showRoot=true", "-c", "log.follow=false"]
    log = [
        "log",
        "--topo-order",
        "--no-show-signature",
        "--no-color",
        "--no-renames",
        "--raw",
        "--no-abbrev",
        "-c",
        "-z",
    ]
    chosen = map(_literal, paths) if len(paths) <= FEW else ()
    command = [*plain, *log, "--format=%x01%ae%x02%an", range, "--", *chosen]
    with _running(folder, *command) as running:
        assert running.stdout is not None, "it is a pipe"
        yield from (change for change in _changes(_split(running.stdout)) if change[0] in paths)


def _split(stream: IO[bytes]) -> Iterator[str]:
    """What stands between the zero bytes of a stream, as it comes."""
    rest = b""
    while some := stream.read(65_536):
        *whole, rest = (rest + some).split(b"\0")
        yield from (token.decode("utf-8", "surrogateescape") for token in whole)
    yield rest.decode("utf-8", "surrogateescape")


def _changes(tokens: Iterable[str]) -> Iterator[tuple[str, str, tuple[str, str]]]:
    """What a raw log says: path, the hash of its new content (zeros for none), address and name; newest first."""
    author = ("", "")
    tokens = iter(tokens)
    for token in tokens:
        token = token.lstrip("\n")
        if token.startswith("\x01"):
            address, _, name = token[1:].encode("utf-8", "surrogateescape").decode("utf-8", "replace").partition("\x02")
            author = address, name
        elif token.startswith(":"):
            yield next(tokens, ""), token.split(" ")[-2], author


# -- what a commit says ------------------------------------------------------------------------------

SUBJECT = 72
"""Characters of a first line that `git log --oneline` shows whole in 80 columns."""

LISTED = 100
"""Beliefs that one message lists; it goes to git as one argument."""


def message(changes: Iterable[tuple[Belief | None, Belief | None]]) -> str:
    """What a commit says, given each belief before and after (None: it has no page).

    One change is the whole message. Of several the first line says where, and which or how many, and a list follows.
    """
    told = sorted(
        {(belief.scope, _act(old, new), belief.id) for old, new in changes for belief in [new or old] if belief}
    )
    if len(told) == 1:
        return f"{told[0][1]}\n"
    scopes = sorted({scope for scope, _, _ in told})
    head = f"{text.counted(len(told), 'belief')} in {scopes[0] if len(scopes) == 1 else f'{len(scopes)} scopes'}: "
    acts = [act for _, act, _ in told]
    all_of_them = head + ", ".join(acts)
    verbs = Counter(act.partition(" ")[0] for act in acts)
    short = head + ", ".join(f"{verb} {count}" for verb, count in verbs.most_common())
    lines = [f"{act} ({id_})" + (f" in {scope}" if len(scopes) > 1 else "") for scope, act, id_ in told[:LISTED]]
    more = [f"and {len(told) - LISTED} more"] if len(told) > LISTED else []
    return "\n".join([all_of_them if len(all_of_them) <= SUBJECT else short, "", *lines, *more, ""])


_ENDED = {"retracted": "forget", "superseded": "supersede", "resolved": "resolve"}


def _act(old: Belief | None, new: Belief | None) -> str:
    """What was done to a belief, in the words of the command that does it."""
    if new is None:
        assert old is not None, "a change is of something"
        return f"remove {text.shown(old.name)}"
    name = text.shown(new.name)
    if old is None:
        return f"{_ENDED.get(new.status, 'remember')} {name}"
    if old.status != new.status:
        return f"{_ENDED.get(new.status, 'edit' if old.live else 'restore')} {name}"
    if old.scope != new.scope:
        return f"move {name} to {new.scope}"
    verbs = ((old.pinned, new.pinned, "pin", "unpin"), (old.archived, new.archived, "archive", "restore"))
    for before, after, verb, back in verbs:
        if before != after:
            return f"{verb if after else back} {name}"
    if old._replace(aliases=new.aliases, confirmed=new.confirmed, stability=new.stability, updated=new.updated) == new:
        return f"{'confirm' if old.aliases == new.aliases else 'alias'} {name}"
    return f"edit {name}"


# -- committing and exchanging ----------------------------------------------------------------------


def commit(folder: str, paths: Iterable[str], message: str) -> str | None:
    """Commit exactly these paths as they are on the disk, new and removed ones too; what else is staged stays staged.

    Paths that git is told to ignore are left. Returns the hash of the commit, None if there was nothing to commit.
    Raises: GitProblem if git or one of the user's hooks refuses.
    """
    dirty = _changed(folder)
    wanted = sorted({*paths} & dirty.keys())
    if not wanted:
        return None
    new = [path for path in wanted if dirty[path] == "??"]
    ends = ["-c", "core.safecrlf=false"]  # a page may have any line ends, and those that git gives it are fine
    _must(_listed(folder, new, *ends, "add", "--intent-to-add"), "took in no new page")
    options = ["commit", "--only", "--quiet", "--cleanup=verbatim", "--message", message]
    done = _listed(folder, wanted, *ends, *_authorship(folder), *options)
    if done is not None and done.returncode:
        _listed(folder, new, "reset", "--quiet")
    _must(done, "did not commit")
    return "".join(_asked(folder, "rev-parse", "HEAD"))


def held_by(folder: str, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
    """What a commit has at these paths; those where it has nothing are left out."""
    plain = [path for path in paths if "\n" not in path]
    found = zip(plain, _objects(folder, [f"{commit}:{path}" for path in plain]), strict=True)
    return {path: data for path, data in found if data is not None}


def take_back(folder: str, before: str | None, commit: str, paths: Sequence[str]) -> None:
    """Take the commit that was just made of these paths, after `before`, off the branch; files stay as they are.

    Raises: GitProblem if git refuses, or others have committed since.
    """
    span = [commit] if before is None else [f"{before}..{commit}"]
    if len(_asked(folder, "rev-list", *span)) != 1:
        raise GitProblem("others have committed since", f"git -C {folder} log")
    to = ["-d", "HEAD", commit] if before is None else ["HEAD", before, commit]
    _must(_run(folder, "update-ref", *to), "did not take it back")
    _must(_listed(folder, paths, "reset", "--quiet"), "did not unstage it")


def _authorship(folder: str) -> list[str]:
    """Options for a command that makes a commit: an author for this one where none is configured."""
    known = _identity(folder)
    return [
        option
        for key, value in zip(("name", "email"), NOBODY, strict=True)
        if not known.get(f"user.{key}")
        for option in ("-c", f"user.{key}={value}")
    ]


def pull(folder: str) -> None:
    """Fetch and merge what the branch's upstream has (rebase, where the user configured that).

    Without an upstream it is the branch of the same name at `origin` or the only remote, if it is there.
    Raises: GitProblem; pages that both sides changed are then in conflict, and the merge in progress.
    """
    remote, branch = _upstream(folder)
    configured = _run(folder, "config", "--get-regexp", r"^(pull\.(rebase|ff)|branch\..*\.rebase)$").stdout
    how = [] if configured else ["--no-rebase"]
    done = _run(folder, *_authorship(folder), "pull", "--quiet", "--no-edit", *how, remote, branch)
    if done.returncode and b"couldn't find remote ref" in done.stderr:  # nobody has pushed yet
        return
    _must(done, f"did not pull from {remote}")


class Sides(NamedTuple):
    """What a path holds on each side of a merge; None where it is not there."""

    base: bytes | None
    ours: bytes | None
    theirs: bytes | None


def unmerged(folder: str) -> dict[str, Sides]:
    """Paths that a merge left in conflict, with what each side says.

    Raises: GitProblem if git does not answer.
    """
    done = _run(folder, "ls-files", "--unmerged", "-z")
    _must(done, "does not say what is in conflict")
    entries = (entry.partition("\t") for entry in done.stdout.decode("utf-8", "surrogateescape").split("\0") if entry)
    stages = {(path, meta.split(" ")[2]): meta.split(" ")[1] for meta, _, path in entries}
    blobs = dict(zip(stages, _objects(folder, [*stages.values()]), strict=True))
    return {path: Sides(*(blobs.get((path, stage)) for stage in "123")) for path, _ in stages}


def conclude(folder: str, paths: Sequence[str]) -> bool:
    """Take these paths as they are on the disk for resolved; ends the merge if that were the last ones.

    Raises: GitProblem if git or one of the user's hooks refuses.
    """
    _must(_listed(folder, paths, "-c", "core.safecrlf=false", "add"), "did not take in what was resolved")
    if unmerged(folder):
        return False
    _must(_run(folder, *_authorship(folder), "commit", "--quiet", "--no-edit"), "did not commit the merge")
    return True


def push(folder: str) -> None:
    """Push the branch to its upstream, else to the branch of the same name at `origin` or the only remote.

    Raises: GitProblem.
    """
    remote, branch = _upstream(folder)
    _must(_run(folder, "push", "--quiet", remote, f"HEAD:{branch}"), f"did not push to {remote}")


def _upstream(folder: str) -> tuple[str, str]:
    """Remote and the reference there that the branch at hand follows.

    Raises: GitProblem if there is no branch, or no remote for it.
    """
    remotes, branch = _run(folder, "remote").stdout.decode("utf-8", "replace").splitlines(), state(folder).branch
    if branch is None:
        raise GitProblem("there is no branch at hand", f"git -C {folder} switch BRANCH")
    remote, merge = ("".join(_asked(folder, "config", f"branch.{branch}.{key}")[-1:]) for key in ("remote", "merge"))
    if remote and merge:
        return remote, merge
    if "origin" not in remotes and len(remotes) != 1:
        reason = "is no remote" if not remotes else f"are {len(remotes)} remotes, and none is called origin"
        hint = "remote add origin URL" if not remotes else f"branch --set-upstream-to {remotes[0]}/{branch}"
        raise GitProblem(f"there {reason}", f"git -C {folder} {hint}")
    return "origin" if "origin" in remotes else remotes[0], f"refs/heads/{branch}"


# -- running git ------------------------------------------------------------------------------------


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


def _changed(folder: str) -> dict[str, str]:
    """Paths that differ from the last commit, with git's two letters for how.

    Raises: GitProblem if git does not answer.
    """
    done = _run(folder, "--no-optional-locks", "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
    _must(done, "does not say what has changed")
    return {entry[3:]: entry[:2] for entry in done.stdout.decode("utf-8", "surrogateescape").split("\0") if entry}


def _asked(folder: str, *arguments: str) -> list[str]:
    """The lines that git answers; none if it cannot."""
    if shutil.which("git") is None or _directory(folder) is None:
        return []
    return _run(folder, *arguments).stdout.decode("utf-8", "replace").splitlines()


def _listed(folder: str, paths: Sequence[str], *arguments: str) -> subprocess.CompletedProcess[bytes] | None:
    """A git command on paths, however many; None if there are none."""
    if not paths:
        return None
    given = b"".join(_literal(path).encode("utf-8", "surrogateescape") + b"\0" for path in paths)
    return _run(folder, *arguments, "--pathspec-from-file=-", "--pathspec-file-nul", stdin=given)


def _literal(path: str) -> str:
    return f":(top,literal){path}"


def _run(folder: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """What git does in the folder's own repository.

    Raises: GitProblem if there is no git, or no repository.
    """
    command, environment = _command(folder, arguments)
    return subprocess.run(command, input=stdin, capture_output=True, env=environment, check=False)


def _running(folder: str, *arguments: str) -> subprocess.Popen[bytes]:
    """The same, to be read while it runs."""
    command, environment = _command(folder, arguments)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)


def _command(folder: str, arguments: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    if shutil.which("git") is None:
        raise GitProblem("git is not installed", "install git, or go on without: mem config set git.commit false")
    if _directory(folder) is None:
        raise GitProblem("there is no git repository", f"git init {folder}")
    return ["git", "-C", folder, *arguments], _environment(folder)


_PASSED_ON = re.compile(r"GIT_(?:CONFIG|SSH|ASKPASS|TERMINAL_PROMPT|SSL|HTTP|PROXY|ALLOW_PROTOCOL)")


def _environment(folder: str) -> dict[str, str]:
    """What git runs with: only the folder's own repository counts.

    One further up must not capture the folder, and the variables by which hooks point git elsewhere are not passed on.
    Messages are in English, for they are read; without a terminal nobody is asked for a password.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {key: value for key, value in os.environ.items() if _PASSED_ON.match(key)}
    if not os.isatty(0):
        environment.setdefault("GIT_TERMINAL_PROMPT", "0")
    return environment | {"GIT_CEILING_DIRECTORIES": os.path.dirname(folder), "LANGUAGE": "en"}


_HINTS = (
    ("dubious ownership", "it belongs to another user", "git config --global --add safe.directory {folder}"),
    ("index.lock", "another git command is at work", "run it again; if git crashed: rm {folder}/.git/index.lock"),
    ("unrelated histories", "the two have no commit in common", "git -C {folder} pull --allow-unrelated-histories"),
    ("CONFLICT", "both sides changed the same lines", "git -C {folder} status; mend the pages, git commit, mem sync"),
    ("[rejected]", "it has commits that are not here", "mem sync --pull --push"),
    ("Not possible to fast-forward", "both sides have new commits", "git -C {folder} pull --no-ff"),
    ("would be overwritten by merge", "files that are not committed would be lost", "git -C {folder} status"),
    ("failed to sign", "signing failed", "git -C {folder} commit tells more; or git config commit.gpgsign false"),
    ("Could not read from remote", "it cannot be reached", "git -C {folder} fetch tells more"),
)
"""What git's complaint holds, what it means, and what helps."""


def _must(done: subprocess.CompletedProcess[bytes] | None, failure: str) -> None:
    """Turn a refusal of git into one sentence.

    Raises: GitProblem.
    """
    if done is None or done.returncode == 0:
        return
    folder = done.args[2]
    said = (done.stderr + b"\n" + done.stdout).decode("utf-8", "replace")
    for sign, meaning, hint in _HINTS:
        if sign in said:
            raise GitProblem(f"git {failure}: {meaning}", hint.format(folder=folder))
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(("hint:", "warning:"))]
    grave = [line for line in lines if re.match("(?:fatal|error):", line)]
    reason = (grave or lines[-1:] or ["a hook refused without a word"])[0]
    reason = re.sub(r"(\w://)[^/@\s]*@", r"\1", text.shown(reason))  # no password of an address
    raise GitProblem(f"git {failure}: {reason}", f"git -C {folder} status")
