"""The git command line: what is read of a repository, what is committed and exchanged, and what git refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mem import git
from mem.errors import GitProblem
from tests.repositories import ME, SOMEBODY, Repository, repository
from tests.strategies import belief


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """A repository with one commit of the user's, who is configured."""
    made = repository(tmp_path / "repo").identify()
    made.write("a.md", "one\n")
    made.write("b.md", "one\n")
    made.commit()
    return made


Program = Callable[[str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Put a shell script in the place of git."""

    def install(script: str) -> None:
        place = tmp_path / "bin" / "git"
        place.parent.mkdir()
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)
        monkeypatch.setenv("PATH", f"{place.parent}{os.pathsep}{os.environ['PATH']}")

    return install


def state(repo: Repository) -> tuple[str | None, str | None]:
    return git.state(str(repo.path))[:2]


def diverged(repo: Repository) -> Repository:
    """Another branch, `side`, with a change to the same line."""
    repo.git("switch", "--quiet", "--create", "side")
    repo.write("a.md", "side\n")
    repo.commit("side")
    repo.git("switch", "--quiet", "main")
    repo.write("a.md", "main\n")
    repo.commit("main")
    return repo


# -- state ------------------------------------------------------------------------------------------


def test_a_branch_is_read_with_or_without_commits(repo: Repository, tmp_path: Path) -> None:
    assert state(repo) == ("main", None)
    repo.git("switch", "--quiet", "--create", "feature/ä")
    assert state(repo) == ("feature/ä", None)
    assert state(repository(tmp_path / "unborn")) == ("main", None)


def test_a_detached_head_is_no_branch(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "--detach")
    assert state(repo) == (None, None)


@pytest.mark.parametrize("marker", [None, "", "gitdir: /nowhere\n", "nonsense"], ids=repr)
def test_a_folder_without_a_repository_has_no_state(tmp_path: Path, marker: str | None) -> None:
    if marker is not None:
        (tmp_path / ".git").write_text(marker)
    assert git.state(str(tmp_path))[:2] == (None, None)


def test_a_pipe_in_the_place_of_a_repository_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".git")
    assert git.state(str(tmp_path))[:2] == (None, None)


def test_a_worktree_has_a_state_of_its_own(repo: Repository, tmp_path: Path) -> None:
    diverged(repo).git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "tree"), "main")
    tree = Repository(tmp_path / "tree")
    tree.git("merge", "side", fails=True)
    assert (state(tree), state(repo)) == (("other", "merge"), ("main", None))


def test_a_submodule_has_a_state_of_its_own(repo: Repository, tmp_path: Path) -> None:
    above = repository(tmp_path / "above")
    above.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repo.path), "sub")
    assert state(Repository(above.path / "sub")) == ("main", None)
    assert (above.path / "sub" / ".git").is_file()


BUSY = [
    (["merge", "side"], "merge"),
    (["rebase", "side"], "rebase"),
    (["rebase", "--apply", "side"], "rebase"),
    (["cherry-pick", "side"], "cherry-pick"),
    (["revert", "HEAD~1"], "revert"),
]


@pytest.mark.parametrize(("command", "busy"), BUSY, ids=lambda value: str(value))
def test_what_has_begun_and_not_ended_is_seen_until_it_is_aborted(
    repo: Repository, command: list[str], busy: str
) -> None:
    diverged(repo)
    repo.write("a.md", "later\n")
    repo.commit("later")
    repo.git(*command, fails=True)
    assert state(repo) == (None if busy == "rebase" else "main", busy)
    repo.git(command[0], "--abort")
    assert state(repo) == ("main", None)


def test_a_bisection_is_seen(repo: Repository) -> None:
    repo.git("bisect", "start")
    assert state(repo) == ("main", "bisect")
    repo.git("bisect", "reset")
    assert state(repo) == ("main", None)


def test_several_picks_go_on_after_one_was_committed(repo: Repository) -> None:
    diverged(repo)
    repo.write("b.md", "two\n")
    last = repo.commit("last")
    repo.git("switch", "--quiet", "side")
    repo.git("cherry-pick", "main~1", last, fails=True)
    repo.write("a.md", "both\n")
    repo.commit("resolved")
    assert state(repo) == ("side", "cherry-pick")
    repo.git("cherry-pick", "--continue")
    assert state(repo) == ("side", None)


def test_a_git_command_at_work_is_seen(repo: Repository) -> None:
    repo.write(".git/index.lock", "")
    assert state(repo) == ("main", "git command")


def test_a_git_command_at_work_is_waited_for_and_not_forever(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = repo.write(".git/index.lock", "")
    naps: list[float] = []
    monkeypatch.setattr(git, "sleep", naps.append)
    assert git.settled(str(repo.path), None).busy == git.AT_WORK and len(naps) == git.PATIENCE
    monkeypatch.setattr(git, "sleep", lambda _: lock.unlink(missing_ok=True))
    assert git.settled(str(repo.path), None).busy is None


def test_a_branch_that_is_just_being_switched_is_seen(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "sleep", lambda _: repo.write(".git/HEAD", "ref: refs/heads/side\n"))
    assert git.settled(str(repo.path), None).branch == "side"


def test_what_was_seen_before_is_not_waited_for(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    seal = git.state(str(repo.path)).seal
    monkeypatch.setattr(git, "sleep", lambda _: pytest.fail("it waits"))
    assert git.settled(str(repo.path), seal).branch == "main"
    assert git.settled(str(repo.path.parent), None).branch is None
    fresh = repository(repo.path.parent / "fresh")
    assert git.settled(str(fresh.path), None).branch == "main"


def test_looking_at_what_has_changed_locks_nobody_out(repo: Repository) -> None:
    before = (repo.path / ".git" / "index").stat().st_mtime_ns
    os.utime(repo.path / "a.md", (1, 1))
    assert git.changed(str(repo.path)) == {} and git.uncommitted(str(repo.path)) == 0
    assert (repo.path / ".git" / "index").stat().st_mtime_ns == before


@pytest.mark.parametrize("command", ["commit --quiet -am x", "switch --quiet side", "reset --quiet --hard HEAD~1"])
def test_the_seal_breaks_when_git_changes_pages(repo: Repository, command: str) -> None:
    diverged(repo)
    before = git.state(str(repo.path)).seal
    assert git.state(str(repo.path)).seal == before
    repo.write("b.md", "changed\n") if "commit" in command else None
    repo.git(*command.split())
    assert git.state(str(repo.path)).seal != before


MOVES = {"commit": False, "amend": False, "switch": True, "merge": True, "pick": True, "reset": True, "back": False}


@pytest.mark.parametrize("move", MOVES)
def test_what_came_by_other_ways_than_the_users_commits_is_told_without_a_process(
    repo: Repository, monkeypatch: pytest.MonkeyPatch, move: str
) -> None:
    repo.git("switch", "--quiet", "--create", "side")
    repo.write("b.md", "side\n")
    repo.commit(by=SOMEBODY)
    repo.git("switch", "--quiet", "main")
    repo.write("a.md", "two\n")
    since = repo.commit("since")
    commands = {"switch": "switch -q side", "merge": "merge -q --no-edit side", "pick": "cherry-pick side"}
    commands |= {
        "commit": "commit -q --allow-empty -m x",
        "amend": "commit -q --amend -m x",
        "reset": "reset -q HEAD~1",
    }
    for command in ["switch -q side", "switch -q main"] if move == "back" else [commands[move]]:
        repo.git(*command.split())
    monkeypatch.setenv("PATH", "")
    assert git.arrived(str(repo.path), since) == MOVES[move]


@pytest.mark.parametrize(("by", "brought"), [(ME, False), (SOMEBODY, True)])
def test_whether_somebody_elses_commits_came_is_told(repo: Repository, by: str, brought: bool) -> None:
    since = git.head(str(repo.path))
    repo.git("switch", "--quiet", "--create", "side")
    repo.commit(by=by)
    assert not git.brought(str(repo.path), (), since)  # made here, whoever is called its author
    repo.git("switch", "--quiet", "main")
    assert not git.brought(str(repo.path), (), since)
    repo.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    assert git.brought(str(repo.path), (), since) == brought
    assert not git.brought(str(repo.path), ("bob@EXAMPLE.org",), since)
    assert git.brought(str(repo.path), (), "0" * 40)


def test_without_a_journal_git_is_asked_what_came(repo: Repository) -> None:
    since = git.head(str(repo.path))
    shutil.rmtree(repo.path / ".git" / "logs")
    repo.git("config", "core.logAllRefUpdates", "false")
    assert not git.arrived(str(repo.path), since)
    repo.commit()
    assert git.arrived(str(repo.path), since)


def test_where_nothing_is_known_nothing_came(repo: Repository, tmp_path: Path) -> None:
    assert not git.arrived(str(repo.path), None) and not git.arrived(str(tmp_path), "0" * 40)


def test_state_spawns_no_process(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert state(repo) == ("main", None)
    with pytest.raises(GitProblem, match="not installed"):
        git.changed(str(repo.path))


def test_git_is_asked_for_the_branch_where_no_file_tells(repo: Repository, program: Program) -> None:
    """Such a HEAD has a repository with reftables, which older gits do not read; so another program answers."""
    repo.write(".git/HEAD", "ref: refs/heads/.invalid\n")
    program("echo refs/heads/trunk")
    assert state(repo) == ("trunk", None)


def test_a_branch_that_is_gone_is_told_from_one_that_is_there(repo: Repository) -> None:
    assert git.has_branch(str(repo.path), "main")
    repo.git("branch", "--move", "main", "trunk")
    assert not git.has_branch(str(repo.path), "main") and git.has_branch(str(repo.path), "trunk")


# -- what differs from the last commit --------------------------------------------------------------


def test_what_has_changed_comes_with_what_was_committed(repo: Repository) -> None:
    (repo.path / "b.md").unlink()
    repo.write("a.md", "two\n")
    repo.write("new blob 7.md", "x")
    repo.git("add", "a.md")
    assert git.changed(str(repo.path)) == {"a.md": b"one\n", "b.md": b"one\n", "new blob 7.md": None}


def test_what_was_a_folder_or_has_a_line_break_was_no_page(repo: Repository) -> None:
    repo.write("folder/x.md", "one\n")
    repo.commit()
    shutil.rmtree(repo.path / "folder")
    for name in ("folder", "a\nb.md", "z.md"):
        repo.write(name, "two\n")
    repo.write("b.md", "two\n")
    assert git.changed(str(repo.path)) == {
        "folder": None, "folder/x.md": b"one\n", "a\nb.md": None, "b.md": b"one\n", "z.md": None
    }  # fmt: skip


ODD = ('"quoted".md', "ä b.md", ":(top)c.md", "*.md", "x\ty.md", "-f.md")


def test_odd_names_are_names(repo: Repository) -> None:
    for name in ODD:
        repo.write(name, "one\n")
    repo.commit(by=SOMEBODY)
    assert foreign(repo, "a.md", *ODD) == dict.fromkeys(ODD, SOMEBODY)
    for name in ODD:
        repo.write(name, "two\n")
    changed = git.changed(str(repo.path))
    assert len(changed) == 6 and set(changed.values()) == {b"one\n"}
    assert git.commit(str(repo.path), ["*.md", "-f.md", ":(top)c.md"], "x")
    assert sorted(git.changed(str(repo.path))) == ['"quoted".md', "x\ty.md", "ä b.md"]


def test_an_unborn_branch_has_committed_nothing(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo")
    repo.write("a.md", "one\n")
    assert git.changed(str(repo.path)) == {"a.md": None}
    assert git.foreign(str(repo.path), ["a.md"]) == {}


# -- whose words ------------------------------------------------------------------------------------


def foreign(repo: Repository, *paths: str, also: tuple[str, ...] = ()) -> dict[str, str]:
    return git.foreign(str(repo.path), paths or ("a.md", "b.md"), also)


def test_what_somebody_else_committed_last_is_theirs(repo: Repository) -> None:
    repo.write("a.md", "two\n")
    repo.commit(by=SOMEBODY)
    assert foreign(repo) == {"a.md": SOMEBODY}
    repo.write("a.md", "three\n")
    repo.commit()
    assert foreign(repo) == {}


def test_what_the_user_changed_after_them_is_the_users(repo: Repository) -> None:
    repo.write("a.md", "two\n")
    repo.commit(by=SOMEBODY)
    repo.write("a.md", "three\n")
    assert foreign(repo) == {}


@pytest.mark.parametrize("how", ["mode", "attributes"])
def test_a_page_that_git_alone_calls_changed_is_still_theirs(repo: Repository, how: str) -> None:
    (repo.path / "a.md").write_bytes(b"two\r\n")
    repo.commit(by=SOMEBODY)
    if how == "mode":
        (repo.path / "a.md").chmod(0o755)
    else:
        repo.write(".git/info/attributes", "*.md text\n")
        os.utime(repo.path / "a.md", (1, 1))
    assert "a.md" in git.changed(str(repo.path)) and foreign(repo) == {"a.md": SOMEBODY}
    (repo.path / "a.md").write_bytes(b"three\r\n")
    assert foreign(repo) == {}


def test_a_page_that_somebody_else_removed_is_told_and_one_that_the_user_removed_is_not(repo: Repository) -> None:
    (repo.path / "a.md").unlink()
    assert foreign(repo) == {}
    repo.commit(by=SOMEBODY)
    (repo.path / "b.md").unlink()
    repo.commit()
    assert foreign(repo, "a.md", "b.md", "never.md") == {"a.md": SOMEBODY}


def test_who_merges_a_change_did_not_write_it(repo: Repository) -> None:
    repo.git("switch", "--quiet", "--create", "side")
    repo.write("a.md", "side\n")
    repo.commit(by=SOMEBODY)
    repo.git("switch", "--quiet", "main")
    repo.write("b.md", "main\n")
    repo.commit()
    repo.git("merge", "--quiet", "--no-edit", "side")
    assert foreign(repo) == {"a.md": SOMEBODY}


def test_their_side_of_a_conflict_stays_theirs_and_a_resolution_is_whose_it_is(repo: Repository) -> None:
    repo.git("switch", "--quiet", "--create", "side")
    repo.write("a.md", "side\n")
    repo.write("b.md", "side\n")
    repo.commit(by=SOMEBODY)
    repo.git("switch", "--quiet", "main")
    repo.write("a.md", "main\n")
    repo.write("b.md", "main\n")
    repo.commit()
    repo.git("merge", "side", fails=True)
    repo.git("checkout", "--theirs", "a.md")
    repo.write("b.md", "of both\n")
    repo.commit("resolved")
    assert foreign(repo) == {"a.md": SOMEBODY}


@pytest.mark.parametrize("mechanical", ["merge", "rebase", "commit"])
def test_words_of_somebody_else_do_not_become_ones_own_by_what_is_put_on_top(repo: Repository, mechanical: str) -> None:
    long = "\n".join("abcdefghijklm")
    repo.write("a.md", long)
    before = repo.commit()
    repo.git("switch", "--quiet", "--create", "side")
    repo.write("a.md", long.replace("a", "theirs"))
    repo.commit(by=SOMEBODY)
    if mechanical != "commit":
        repo.git("switch", "--quiet", "main")
    repo.write("a.md", repo.text("a.md").replace("m", "mine"))
    repo.commit()
    repo.git(*{"merge": ["merge", "--no-edit", "side"], "rebase": ["rebase", "side"], "commit": ["log"]}[mechanical])
    assert "theirs" in repo.text("a.md") and "mine" in repo.text("a.md")
    assert git.foreign(str(repo.path), ["a.md", "b.md"], since=before) == {"a.md": SOMEBODY}
    assert git.foreign(str(repo.path), ["a.md", "b.md"], since=git.head(str(repo.path))) == {}


def test_a_commit_that_is_not_known_any_more_is_no_reason_to_trust(repo: Repository) -> None:
    repo.write("a.md", "two\n")
    repo.commit(by=SOMEBODY)
    assert git.foreign(str(repo.path), ["a.md"], since="0" * 40) == {"a.md": SOMEBODY}


@pytest.mark.parametrize("how", [["cherry-pick", "side"], ["rebase", "side"], ["merge", "--squash", "side"]])
def test_a_copied_commit_keeps_its_author_and_a_squashed_one_has_a_new_one(repo: Repository, how: list[str]) -> None:
    repo.git("switch", "--quiet", "--create", "side")
    repo.write("a.md", "side\n")
    repo.commit(by=SOMEBODY)
    repo.git("switch", "--quiet", "main")
    repo.git(*how)
    if "--squash" in how:
        repo.commit()
    assert foreign(repo) == ({} if "--squash" in how else {"a.md": SOMEBODY})


def test_an_amended_commit_keeps_its_author(repo: Repository) -> None:
    repo.write("a.md", "two\n")
    repo.commit(by=SOMEBODY)
    repo.write("a.md", "three\n")
    repo.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    assert foreign(repo) == {"a.md": SOMEBODY}


def test_a_revert_to_what_the_user_wrote_is_of_who_reverted(repo: Repository) -> None:
    repo.write("a.md", "two\n")
    repo.commit()
    repo.write("a.md", "one\n")
    repo.commit(by=SOMEBODY)
    assert foreign(repo) == {"a.md": SOMEBODY}


def test_addresses_are_compared_without_case_and_more_may_be_named(repo: Repository) -> None:
    repo.write("a.md", "two\n")
    repo.commit(by="Ana <ANA@Example.org>")
    repo.write("b.md", "two\n")
    repo.commit(by=SOMEBODY)
    assert foreign(repo) == {"b.md": SOMEBODY}
    assert foreign(repo, also=("Bob@example.org",)) == {}


def test_commits_of_a_mem_without_identity_are_own_where_there_is_none(repo: Repository) -> None:
    repo.write("a.md", "two\n")
    repo.commit(by="mem <mem@localhost>")
    assert foreign(repo) == {"a.md": "mem <mem@localhost>"}
    repo.git("config", "--unset", "user.email")
    assert foreign(repo, "a.md") == {}


SETTINGS = {"log.follow": "true", "log.showRoot": "false", "color.ui": "always", "log.showSignature": "true",
            "core.quotePath": "true", "format.pretty": "oneline", "status.relativePaths": "false",
            "status.showUntrackedFiles": "no", "diff.renames": "copies", "log.decorate": "full"}  # fmt: skip


@pytest.mark.parametrize("key", SETTINGS)
def test_no_setting_of_the_user_changes_what_is_read(tmp_path: Path, key: str) -> None:
    repo = repository(tmp_path / "repo").identify()
    repo.write("ä.md", "one\n")
    repo.commit(by=SOMEBODY)
    repo.git("config", key, SETTINGS[key])
    repo.write("new.md", "")
    assert foreign(repo, "ä.md") == {"ä.md": SOMEBODY}
    assert git.changed(str(repo.path)) == {"new.md": None}


def test_many_paths_are_looked_for_as_few_are(repo: Repository) -> None:
    pages = [f"{number}.md" for number in range(git.FEW + 1)]
    for page in pages[:-1]:
        repo.write(page, "theirs\n")
    repo.commit(by=SOMEBODY)
    repo.write(pages[-1], "mine\n")
    repo.commit()
    for since in (None, "HEAD~2"):
        assert git.foreign(str(repo.path), ["a.md", *pages], since=since) == dict.fromkeys(pages[:-1], SOMEBODY)


def test_without_a_repository_nobody_else_commits(tmp_path: Path) -> None:
    assert git.foreign(str(tmp_path), ["a.md"]) == {}


def test_a_repository_further_up_does_not_count(repo: Repository) -> None:
    inner = repo.write("inner/a.md", "x").parent
    repo.commit(by=SOMEBODY)
    assert git.foreign(str(inner), ["a.md"]) == {} and git.uncommitted(str(inner)) is None
    with pytest.raises(GitProblem, match="there is no git repository"):
        git.commit(str(inner), ["a.md"], "x")


# -- committing -------------------------------------------------------------------------------------


def commit(repo: Repository, *paths: str, message: str = "said\n") -> str | None:
    return git.commit(str(repo.path), paths, message)


def staged(repo: Repository) -> list[str]:
    return repo.git("diff", "--cached", "--name-only").split()


def test_exactly_the_given_paths_are_committed_and_the_rest_stays_as_staged_as_it_was(repo: Repository) -> None:
    repo.write("a.md", "two\n")
    repo.write("new/c.md", "two\n")
    repo.write("other.txt", "mine\n")
    repo.write("b.md", "staged\n")
    repo.git("add", "b.md")
    repo.write("b.md", "and more\n")
    sha = commit(repo, "a.md", "new/c.md", "unknown.md")
    assert sha == repo.git("rev-parse", "HEAD").strip()
    assert repo.committed() == ["a.md", "new/c.md"]
    assert repo.git("show", ":b.md") == "staged\n" and staged(repo) == ["b.md"]
    assert repo.git("status", "--porcelain") == "MM b.md\n?? other.txt\n"


def test_removed_and_moved_pages_are_committed(repo: Repository) -> None:
    (repo.path / "archive").mkdir()
    (repo.path / "a.md").rename(repo.path / "archive" / "a.md")
    repo.git("rm", "--quiet", "b.md")
    assert commit(repo, "a.md", "archive/a.md", "b.md")
    assert sorted(repo.committed()) == ["a.md", "archive/a.md", "b.md"]
    assert repo.git("status", "--porcelain") == ""


def test_a_page_that_was_staged_is_committed_as_it_is_on_the_disk(repo: Repository) -> None:
    repo.write("c.md", "staged\n")
    repo.git("add", "c.md")
    repo.write("c.md", "newer\n")
    assert commit(repo, "c.md")
    assert repo.git("show", "HEAD:c.md") == "newer\n" and staged(repo) == []


def test_nothing_to_commit_is_no_commit(repo: Repository) -> None:
    assert commit(repo, "a.md") is None and commit(repo) is None
    assert len(repo.log()) == 1


def test_the_first_commit_may_be_this_one(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo")
    repo.write("a.md", "one\n")
    repo.write("b.md", "one\n")
    assert commit(repo, "a.md") and repo.committed() == ["a.md"]


def test_an_ignored_page_is_not_committed_unless_it_was_before(repo: Repository) -> None:
    repo.write(".gitignore", "*.md\n")
    repo.write("a.md", "two\n")
    repo.write("new.md", "two\n")
    assert commit(repo, "a.md", "new.md") and repo.committed() == ["a.md"]


def test_without_identity_the_author_is_mem_for_this_commit_only(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo")
    repo.write("a.md", "one\n")
    before = repo.text(".git/config")
    assert commit(repo, "a.md")
    assert repo.git("log", "--format=%an <%ae> %cn <%ce>") == "mem <mem@localhost> mem <mem@localhost>\n"
    assert repo.text(".git/config") == before


def test_with_identity_the_author_is_the_user(repo: Repository) -> None:
    repo.write("a.md", "two\n")
    assert commit(repo, "a.md")
    assert repo.git("log", "-1", "--format=%an <%ae>") == f"{ME}\n"


def test_the_message_is_kept_word_for_word(repo: Repository) -> None:
    repo.git("config", "commit.cleanup", "strip")
    repo.git("config", "commit.template", "/nowhere")
    repo.write("a.md", "two\n")
    commit(repo, "a.md", message="remember #1\n\n# not a comment\n")
    assert repo.git("log", "-1", "--format=%B") == "remember #1\n\n# not a comment\n\n"


def test_hooks_run_and_may_refuse_and_nothing_is_changed_then(repo: Repository) -> None:
    repo.hook("pre-commit", "git diff --cached --name-only -- '*.md' > seen; echo 'no tabs please' >&2; exit 1")
    repo.write("a.md", "two\n")
    repo.write("new.md", "two\n")
    before = repo.git("status", "--porcelain")
    with pytest.raises(GitProblem, match="git did not commit: no tabs please"):
        commit(repo, "a.md", "new.md")
    assert repo.text("seen") == "a.md\nnew.md\n"
    (repo.path / "seen").unlink()
    assert repo.git("status", "--porcelain") == before and len(repo.log()) == 1


def test_a_hook_that_refuses_a_first_commit_leaves_nothing_staged(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo")
    repo.hook("commit-msg", "exit 1")
    repo.write("a.md", "one\n")
    with pytest.raises(GitProblem, match="a hook refused without a word"):
        commit(repo, "a.md")
    assert repo.git("status", "--porcelain") == "?? a.md\n"


def test_line_ends_that_git_converts_are_no_reason_to_refuse(repo: Repository) -> None:
    repo.git("config", "core.autocrlf", "true")
    repo.git("config", "core.safecrlf", "true")
    repo.write("a.md", "two\n")
    repo.write("c.md", "one\n")
    assert commit(repo, "a.md", "c.md")
    assert repo.text("a.md") == "two\n" and git.changed(str(repo.path)) == {}


# -- what git refuses -------------------------------------------------------------------------------


def refusal(repo: Repository, *paths: str) -> tuple[str, str]:
    with pytest.raises(GitProblem) as caught:
        commit(repo, *paths)
    assert caught.value.hint is not None and caught.value.exit_code == 3
    assert "\n" not in caught.value.message
    return caught.value.message, caught.value.hint


def test_a_lock_says_who_holds_it_and_what_to_do(repo: Repository) -> None:
    repo.write("a.md", "two\n")
    repo.write(".git/index.lock", "")
    message, hint = refusal(repo, "a.md")
    assert "another git command is at work" in message and "index.lock" in hint


def test_a_signature_that_fails_says_so(repo: Repository) -> None:
    repo.git("config", "commit.gpgsign", "true")
    repo.git("config", "gpg.program", "false")
    repo.write("a.md", "two\n")
    assert "signing failed" in refusal(repo, "a.md")[0]


def test_a_merge_in_progress_refuses_a_commit_of_some_pages(repo: Repository) -> None:
    diverged(repo).git("merge", "side", fails=True)
    repo.write("b.md", "two\n")
    assert "merge" in refusal(repo, "b.md")[0]


def test_a_folder_of_another_user_says_how_to_trust_it(repo: Repository, program: Program) -> None:
    program(f'GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {shutil.which("git")} "$@"')
    message, hint = refusal(repo, "a.md")
    assert "belongs to another user" in message and hint.endswith(f"safe.directory {repo.path}")
    assert git.uncommitted(str(repo.path)) == 0


# -- pull and push ----------------------------------------------------------------------------------


@pytest.fixture
def clones(repo: Repository, tmp_path: Path) -> tuple[Repository, Repository, Repository]:
    """A bare repository and two clones of it."""
    bare = repository(tmp_path / "bare", bare=True)
    repo.git("push", "--quiet", str(bare.path), "main")
    return bare, bare.clone(tmp_path / "one").identify(), bare.clone(tmp_path / "two").identify()


def pull(repo: Repository) -> None:
    git.pull(str(repo.path))


def push(repo: Repository) -> None:
    git.push(str(repo.path))


def test_what_one_pushes_the_other_pulls(clones: tuple[Repository, ...]) -> None:
    _, one, two = clones
    one.write("a.md", "one's\n")
    one.commit("from one")
    push(one)
    pull(two)
    assert two.text("a.md") == "one's\n" and two.log()[0] == "from one"


def test_two_sides_are_merged_without_asking(clones: tuple[Repository, ...]) -> None:
    _, one, two = clones
    for clone, page in ((one, "a.md"), (two, "b.md")):
        clone.write(page, "changed\n")
        clone.commit(page)
    push(one)
    pull(two)
    assert (two.text("a.md"), two.text("b.md")) == ("changed\n", "changed\n")
    assert two.log()[0].startswith("Merge branch 'main'")


def test_who_prefers_to_rebase_is_rebased(clones: tuple[Repository, ...]) -> None:
    _, one, two = clones
    two.git("config", "pull.rebase", "true")
    for clone, page in ((one, "a.md"), (two, "b.md")):
        clone.write(page, "changed\n")
        clone.commit(page)
    push(one)
    pull(two)
    assert two.log()[:2] == ["b.md", "a.md"]


def test_a_merge_needs_no_identity(clones: tuple[Repository, ...]) -> None:
    _, one, two = clones
    for clone, page in ((one, "a.md"), (two, "b.md")):
        clone.write(page, "changed\n")
        clone.commit(page)
    two.git("config", "--remove-section", "user")
    push(one)
    pull(two)
    assert two.git("log", "-1", "--format=%ae") == "mem@localhost\n"


def test_a_conflict_says_so_and_leaves_the_merge_to_the_user(clones: tuple[Repository, ...]) -> None:
    _, one, two = clones
    for clone in (one, two):
        clone.write("a.md", f"{clone.path.name}'s\n")
        clone.commit()
    push(one)
    with pytest.raises(GitProblem, match="both sides changed the same lines") as caught:
        pull(two)
    assert "mem sync" in (caught.value.hint or "") and state(two) == ("main", "merge")


def in_conflict(clones: tuple[Repository, ...]) -> Repository:
    """A clone whose pull could not be merged: a page that both changed, and one that one removed."""
    _, one, two = clones
    one.write("a.md", "one's\n")
    one.write("b.md", "one's\n")
    two.write("a.md", "two's\n")
    (two.path / "b.md").unlink()
    for clone in (one, two):
        clone.commit()
    push(one)
    with pytest.raises(GitProblem):
        pull(two)
    return two


def test_each_side_of_a_conflict_is_told(clones: tuple[Repository, ...]) -> None:
    two = in_conflict(clones)
    assert git.unmerged(str(two.path)) == {
        "a.md": (b"one\n", b"two's\n", b"one's\n"), "b.md": (b"one\n", None, b"one's\n")
    }  # fmt: skip


def test_a_merge_is_concluded_once_everything_is_resolved(clones: tuple[Repository, ...]) -> None:
    two = in_conflict(clones)
    two.write("a.md", "of both\n")
    assert not git.conclude(str(two.path), ["a.md"]) and state(two)[1] == "merge"
    assert git.conclude(str(two.path), ["b.md"]) and state(two)[1] is None
    assert two.log()[0].startswith("Merge branch") and git.unmerged(str(two.path)) == {}


def test_work_that_is_not_committed_is_not_pulled_over(clones: tuple[Repository, ...]) -> None:
    _, one, two = clones
    one.write("a.md", "one's\n")
    one.commit()
    push(one)
    two.write("a.md", "two's\n")
    with pytest.raises(GitProblem, match="not committed would be lost"):
        pull(two)
    assert two.text("a.md") == "two's\n"


def test_a_push_behind_the_other_side_says_to_pull(clones: tuple[Repository, ...]) -> None:
    _, one, two = clones
    for clone, page in ((one, "a.md"), (two, "b.md")):
        clone.write(page, "changed\n")
        clone.commit(page)
    push(one)
    with pytest.raises(GitProblem, match="has commits that are not here") as caught:
        push(two)
    assert caught.value.hint == "mem sync --pull --push"


def test_an_empty_remote_is_pulled_from_and_pushed_to_without_configuring_anything(
    repo: Repository, tmp_path: Path
) -> None:
    bare = repository(tmp_path / "bare", bare=True)
    repo.git("remote", "add", "backup", str(bare.path))
    before = repo.text(".git/config")
    pull(repo)
    push(repo)
    assert bare.log() == repo.log() and repo.text(".git/config") == before


def test_a_new_folder_pulls_what_another_one_has_pushed(clones: tuple[Repository, ...], tmp_path: Path) -> None:
    bare = clones[0]
    fresh = repository(tmp_path / "fresh")
    fresh.git("remote", "add", "origin", str(bare.path))
    pull(fresh)
    assert fresh.text("a.md") == "one\n" and state(fresh) == ("main", None)


def test_histories_that_have_nothing_in_common_are_not_mixed(clones: tuple[Repository, ...], tmp_path: Path) -> None:
    fresh = repository(tmp_path / "fresh")
    fresh.git("remote", "add", "origin", str(clones[0].path))
    fresh.write("z.md", "z\n")
    fresh.commit()
    with pytest.raises(GitProblem, match="no commit in common") as caught:
        pull(fresh)
    assert "--allow-unrelated-histories" in (caught.value.hint or "")


@pytest.mark.parametrize("remotes", [[], ["a", "b"]])
def test_where_to_pull_from_must_be_clear(repo: Repository, remotes: list[str]) -> None:
    for name in remotes:
        repo.git("remote", "add", name, f"/nowhere/{name}")
    with pytest.raises(GitProblem, match="are 2 remotes, and none is called origin" if remotes else "is no remote"):
        pull(repo)
    with pytest.raises(GitProblem, match="remote"):
        push(repo)


def test_a_remote_that_cannot_be_reached_is_named_without_its_password(repo: Repository) -> None:
    repo.git("remote", "add", "origin", "https://me:hunter2@localhost:1/x.git")
    for act in (pull, push):
        with pytest.raises(GitProblem) as caught:
            act(repo)
        assert "origin" in caught.value.message and "hunter2" not in caught.value.message


def test_hooks_of_a_push_run(clones: tuple[Repository, ...]) -> None:
    _, one, _ = clones
    one.hook("pre-push", "echo 'not on a Friday' >&2; exit 1")
    one.write("a.md", "x\n")
    one.commit()
    with pytest.raises(GitProblem, match="did not push to origin"):
        push(one)


def test_variables_of_a_hook_do_not_lead_git_elsewhere(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = repository(tmp_path / "other").identify()
    other.commit("of the other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "rebased@example.org")
    repo.write("a.md", "two\n")
    assert commit(repo, "a.md")
    monkeypatch.undo()
    done = subprocess.run(
        ["git", "-C", repo.path, "log", "-1", "--format=%ae"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "ana@example.org\n"


# -- what a commit says -----------------------------------------------------------------------------

TEA = belief(id="a1", name="tea", scope="user")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (None, TEA, "remember tea"),
        (TEA, None, "remove tea"),
        (TEA, TEA._replace(content="Green tea."), "edit tea"),
        (TEA, TEA._replace(content="Green tea.", pinned=True), "pin tea"),
        (TEA._replace(pinned=True), TEA, "unpin tea"),
        (TEA, TEA._replace(status="retracted"), "forget tea"),
        (TEA, TEA._replace(status="superseded", superseded_by="b1"), "supersede tea"),
        (TEA, TEA._replace(status="resolved"), "resolve tea"),
        (TEA._replace(status="retracted"), TEA, "restore tea"),
        (None, TEA._replace(status="retracted"), "forget tea"),
        (TEA, TEA._replace(status="inferred"), "edit tea"),
        (TEA, TEA._replace(archived=True), "archive tea"),
        (TEA, TEA._replace(scope="domain:drinks"), "move tea to domain:drinks"),
        (TEA, TEA._replace(stability=400.0, confirmed=TEA.created), "confirm tea"),
        (TEA, TEA._replace(aliases=belief(aliases=["cha"]).aliases), "alias tea"),
        (TEA, TEA._replace(name="te\x1ba"), "edit te␛a"),
    ],
)
def test_one_change_is_told_in_the_words_of_its_command(old: object, new: object, said: str) -> None:
    assert git.message([(old, new)]) == f"{said}\n"  # type: ignore[list-item]


def test_several_changes_are_counted_told_and_listed() -> None:
    two = TEA._replace(id="b1", name="coffee", status="retracted")
    assert git.message([(None, TEA), (TEA._replace(id="b1", name="coffee"), two)]) == (
        "2 beliefs in user: forget coffee, remember tea\n\nforget coffee (b1)\nremember tea (a1)\n"
    )


def test_scopes_are_told_where_there_are_several() -> None:
    other = TEA._replace(id="b1", scope="project:atlas")
    assert git.message([(None, TEA), (None, other)]) == (
        "2 beliefs in 2 scopes: remember tea, remember tea\n\n"
        "remember tea (b1) in project:atlas\nremember tea (a1) in user\n"
    )


def test_what_does_not_fit_is_counted() -> None:
    many = [(None, TEA._replace(id=f"a{n}", name=f"name_{n}")) for n in range(300)]
    lines = git.message([*many, (TEA, None)]).splitlines()
    assert lines[0] == "301 beliefs in user: remember 300, remove 1"
    assert len(lines) == 2 + git.LISTED + 1 and lines[-1] == "and 201 more"


def test_the_order_of_changes_makes_no_difference() -> None:
    many = [(None, TEA._replace(id=f"a{n}", name=f"name_{n}")) for n in range(9)]
    assert git.message(many) == git.message(many[::-1])
