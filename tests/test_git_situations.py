"""What people do with git in a memory folder: no belief is lost or revived, and nobody's words are overwritten.

Every `sync` here is done twice, and the second one must do nothing (`Owner.sync`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mem import git
from tests.conftest import NOW, Mem
from tests.repositories import SOMEBODY, Owner, Repository, repository

PG, REDIS, TEA = "Postgres is the store of record.", "Redis holds the sessions.", "Tea is drunk at four."
BELIEVED = {"pg": PG, "redis": REDIS, "tea": TEA}


@pytest.fixture
def bare(tmp_path: Path) -> Repository:
    return repository(tmp_path / "bare", bare=True)


@pytest.fixture(scope="session")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test leaves the home that all begin with; to make it takes much longer than to copy it."""
    return tmp_path_factory.mktemp("first")


@pytest.fixture
def ana(mem: Mem, tmp_path: Path, bare: Repository, first_home: Path) -> Owner:
    """Someone with three beliefs, which are committed and pushed."""
    made = first_home / "made"
    os.environ["MEM_NOW"] = "2026-11-21T11:00:00Z" if made.exists() else NOW  # later than all that is there
    if not made.exists():
        founded(Owner(tmp_path / "home" / "mem", mem), bare)
        shutil.copytree(tmp_path, made)
        (first_home / "path").write_text(str(tmp_path))
        return Owner(tmp_path / "home" / "mem", mem)
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    owner = Owner(tmp_path / "home" / "mem", mem)
    for path in (".mem/local/replica", ".git/config"):
        owner.write(path, owner.text(path).replace((first_home / "path").read_text(), str(tmp_path)))
    return owner


def founded(owner: Owner, bare: Repository) -> None:
    assert owner.mem("init").status == 0
    owner.git("symbolic-ref", "HEAD", "refs/heads/main")
    owner.identify()
    for name, content, scope in (("pg", PG, "project:atlas"), ("redis", REDIS, "project:atlas"), ("tea", TEA, "user")):
        owner.remember(name, content, "--scope", scope)
    owner.git("remote", "add", "origin", str(bare.path))
    owner.sync()
    owner.git("push", "--quiet", "--set-upstream", "origin", "main")


@pytest.fixture
def other(ana: Owner, bare: Repository, tmp_path: Path) -> Owner:
    """The same person's other machine."""
    return Owner(bare.path, ana._mem).copy(tmp_path / "other")


ATLAS = "project/atlas/facts/"
PAGES = {"pg": f"{ATLAS}pg.md", "redis": f"{ATLAS}redis.md", "tea": "user/facts/tea.md"}


def committed(owner: Owner, name: str, old: str, new: str) -> None:
    """Change a page in an editor and commit it by hand."""
    owner.edit(PAGES[name], old, new)
    owner.commit(f"edit {name}")


def pushed(owner: Owner, name: str, old: str, new: str) -> None:
    committed(owner, name, old, new)
    owner.git("push", "--quiet")


def diverged(ana: Owner, other: Owner) -> None:
    """Both machines say something else of one belief."""
    pushed(ana, "pg", PG, "Postgres 17 it is.")
    ana.sync()
    committed(other, "pg", PG, "Postgres 18 it is.")
    other.sync()


# -- pull and merge ---------------------------------------------------------------------------------


def test_a_clone_of_ones_own_memory_believes_the_same(ana: Owner, other: Owner) -> None:
    assert other.believed() == ana.believed() == BELIEVED and other.waiting() == {}


def test_a_fast_forward_brings_the_other_machines_words(ana: Owner, other: Owner) -> None:
    pushed(ana, "pg", PG, "Postgres 17 it is.")
    other.git("pull", "--quiet", "--ff-only")
    other.sync()
    assert other.believed() == BELIEVED | {"pg": "Postgres 17 it is."}


def test_a_merge_brings_the_words_of_both(ana: Owner, other: Owner) -> None:
    pushed(ana, "pg", PG, "Postgres 17 it is.")
    committed(other, "tea", "four", "five")
    other.git("pull", "--quiet", "--no-rebase", "--no-edit")
    other.sync()
    assert other.believed() == BELIEVED | {"pg": "Postgres 17 it is.", "tea": "Tea is drunk at five."}


def test_while_a_merge_waits_for_its_user_the_last_good_version_serves(ana: Owner, other: Owner) -> None:
    diverged(ana, other)
    other.git("pull", "--no-rebase", fails=True)
    before = other.text(PAGES["pg"])
    assert "<<<<<<<" in before
    done = other.sync(status=3)
    assert "merge" in done.err and other.text(PAGES["pg"]) == before
    assert other.believed() == BELIEVED | {"pg": "Postgres 18 it is."}
    assert other.recalled("Postgres") == ["Postgres 18 it is."]


def test_what_the_user_made_of_a_conflict_is_believed_once_it_is_committed(ana: Owner, other: Owner) -> None:
    diverged(ana, other)
    other.git("pull", "--no-rebase", fails=True)
    ours = other.git("show", f"HEAD:{PAGES['pg']}")
    other.write(PAGES["pg"], ours.replace("Postgres 18", "Postgres 17 or 18"))
    other.sync(status=3)
    assert other.believed()["pg"] == "Postgres 18 it is."
    other.commit("resolved")
    other.sync()
    assert other.believed() == BELIEVED | {"pg": "Postgres 17 or 18 it is."}


def test_a_merge_that_is_given_up_changes_nothing(ana: Owner, other: Owner) -> None:
    diverged(ana, other)
    other.git("pull", "--no-rebase", fails=True)
    other.sync(status=3)
    other.git("merge", "--abort")
    other.sync()
    assert other.believed() == BELIEVED | {"pg": "Postgres 18 it is."}


def test_conflict_markers_that_were_committed_are_a_problem_and_nobodys_words(ana: Owner, other: Owner) -> None:
    diverged(ana, other)
    other.git("pull", "--no-rebase", fails=True)
    other.commit("in a hurry")
    done = other.sync(status=3)
    assert f"{PAGES['pg']}:" in done.err and "conflict markers" in done.err
    assert other.believed()["pg"] == "Postgres 18 it is."


# -- rebase, cherry-pick, revert, amend -------------------------------------------------------------


def test_a_rebase_brings_the_words_of_both(ana: Owner, other: Owner) -> None:
    pushed(ana, "pg", PG, "Postgres 17 it is.")
    committed(other, "tea", "four", "five")
    other.git("pull", "--quiet", "--rebase")
    other.sync()
    assert other.believed() == BELIEVED | {"pg": "Postgres 17 it is.", "tea": "Tea is drunk at five."}


def test_in_the_midst_of_a_rebase_nothing_is_taken_in(ana: Owner, other: Owner) -> None:
    diverged(ana, other)
    other.git("pull", "--rebase", fails=True)
    done = other.sync(status=3)
    assert "rebase" in done.err
    other.git("rebase", "--abort")
    other.sync()
    assert other.believed() == BELIEVED | {"pg": "Postgres 18 it is."}


def test_a_cherry_pick_brings_the_words_of_another_branch(ana: Owner) -> None:
    ana.git("switch", "--quiet", "--create", "work")
    committed(ana, "pg", PG, "Postgres 17 it is.")
    committed(ana, "tea", "four", "five")
    ana.git("switch", "--quiet", "main")
    ana.git("cherry-pick", "work~1")
    ana.sync()
    assert ana.believed() == BELIEVED | {"pg": "Postgres 17 it is."}


def test_a_revert_brings_the_old_words_back(ana: Owner) -> None:
    ana.edit(PAGES["pg"], PG, "Postgres 17 it is.")
    ana.sync()
    ana.git("revert", "--no-edit", "HEAD")
    ana.sync()
    assert ana.believed() == BELIEVED


def test_a_commit_that_brought_a_belief_takes_it_away_when_it_is_reverted_and_it_can_be_restored(ana: Owner) -> None:
    ana.remember("kafka", "Kafka carries the events.")
    ana.sync()
    ana.git("revert", "--no-edit", "HEAD")
    ana.sync()
    assert ana.believed() == BELIEVED
    assert ana.mem("restore", "kafka").status == 0 and "kafka" in ana.believed()


def test_a_commit_that_is_reset_away_takes_its_words_along(ana: Owner) -> None:
    ana.edit(PAGES["pg"], PG, "Postgres 17 it is.")
    ana.sync()
    ana.git("reset", "--quiet", "--hard", "HEAD~1")
    ana.sync()
    assert ana.believed() == BELIEVED
    assert "Postgres 17 it is." in ana.mem("history", "--json", "--scope", "project:atlas", "pg").out


def test_amended_history_counts_as_it_now_is(ana: Owner, other: Owner) -> None:
    pushed(ana, "pg", PG, "Postgres 17 it is.")
    other.git("pull", "--quiet")
    other.sync()
    ana.edit(PAGES["pg"], "17", "18")
    ana.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    ana.git("push", "--quiet", "--force")
    other.git("fetch", "--quiet")
    other.git("reset", "--quiet", "--hard", "origin/main")
    other.sync()
    ana.sync()
    assert ana.believed() == other.believed() == BELIEVED | {"pg": "Postgres 18 it is."}


# -- stash, reset, clean ----------------------------------------------------------------------------


def test_words_that_are_stashed_away_come_back_with_the_stash(ana: Owner) -> None:
    ana.edit(PAGES["pg"], PG, "Postgres 17 it is.")
    ana.git("stash", "--quiet")
    ana.sync()
    assert ana.believed() == BELIEVED
    ana.git("stash", "pop", "--quiet")
    ana.sync()
    assert ana.believed() == BELIEVED | {"pg": "Postgres 17 it is."}


def test_a_stash_that_does_not_fit_leaves_markers_and_the_last_good_version_serves(ana: Owner) -> None:
    ana.edit(PAGES["pg"], PG, "Postgres 17 it is.")
    ana.git("stash", "--quiet")
    committed(ana, "pg", PG, "Postgres 18 it is.")
    ana.sync()
    ana.git("stash", "pop", fails=True)
    ana.sync(status=3)
    assert ana.believed() == BELIEVED | {"pg": "Postgres 18 it is."}


def test_pages_that_git_cleans_away_can_be_restored(ana: Owner) -> None:
    page = ana.remember("kafka", "Kafka carries the events.")
    ana.git("clean", "--quiet", "-fd")
    assert not (ana.path / page).exists()
    ana.sync()
    assert ana.believed() == BELIEVED
    assert ana.mem("restore", "kafka").status == 0 and (ana.path / page).exists()


def test_a_folder_that_lost_what_git_ignores_is_taken_in_again(ana: Owner) -> None:
    ana.git("clean", "--quiet", "-fdx")
    assert ana.mem("init").status == 0
    ana.sync()
    assert ana.believed() == BELIEVED


# -- branches ---------------------------------------------------------------------------------------


def test_words_of_another_branch_are_read_there_and_not_taken_in(ana: Owner) -> None:
    ana.git("switch", "--quiet", "--create", "work")
    committed(ana, "pg", PG, "Postgres 17 it is.")
    ana.sync(status=3)
    assert ana.recalled("Postgres") == ["Postgres 17 it is."]
    ana.git("switch", "--quiet", "main")
    ana.sync()
    assert ana.believed() == BELIEVED and ana.recalled("Postgres") == [PG]


def test_pages_that_another_branch_does_not_have_are_not_forgotten(ana: Owner) -> None:
    ana.git("branch", "old")
    ana.remember("kafka", "Kafka carries the events.", "--scope", "project:atlas")
    ana.sync()
    ana.git("switch", "--quiet", "old")
    ana.sync(status=3)
    assert ana.recalled("Kafka") == []
    ana.git("switch", "--quiet", "main")
    ana.sync()
    assert ana.believed() == BELIEVED | {"kafka": "Kafka carries the events."}


def test_what_is_remembered_on_another_branch_waits_for_the_first_one(ana: Owner) -> None:
    ana.git("switch", "--quiet", "--create", "work")
    ana.remember("kafka", "Kafka carries the events.")
    ana.sync(status=3)
    ana.git("switch", "--quiet", "main")
    ana.sync()
    assert ana.believed() == BELIEVED | {"kafka": "Kafka carries the events."}
    assert "Kafka" in ana.text("user/facts/kafka.md")


def test_a_merged_branch_brings_its_words(ana: Owner) -> None:
    ana.git("switch", "--quiet", "--create", "work")
    committed(ana, "pg", PG, "Postgres 17 it is.")
    ana.git("switch", "--quiet", "main")
    ana.git("merge", "--quiet", "--no-edit", "--no-ff", "work")
    ana.sync()
    assert ana.believed() == BELIEVED | {"pg": "Postgres 17 it is."}


def test_a_branch_that_is_renamed_is_the_same_one(ana: Owner) -> None:
    ana.git("branch", "--move", "trunk")
    committed(ana, "pg", PG, "Postgres 17 it is.")
    ana.sync()
    assert ana.believed() == BELIEVED | {"pg": "Postgres 17 it is."}


def test_a_detached_head_is_looked_at_and_not_taken_in(ana: Owner) -> None:
    ana.edit(PAGES["pg"], PG, "Postgres 17 it is.")
    ana.sync()
    ana.git("checkout", "--quiet", "HEAD~1")
    ana.sync(status=3)
    assert ana.recalled("Postgres") == [PG]
    ana.git("switch", "--quiet", "main")
    ana.sync()
    assert ana.believed() == BELIEVED | {"pg": "Postgres 17 it is."}


SWITCHES = 40
"""Of a branch, to and fro, while others read and sync: each finds some of them half done."""


def test_branches_may_be_switched_under_whoever_reads_or_syncs(ana: Owner) -> None:
    ana.git("switch", "--quiet", "--create", "work")
    for name in BELIEVED:
        committed(ana, name, BELIEVED[name], f"On work: {BELIEVED[name]}")
    ana.git("switch", "--quiet", "main")
    loop = f"for i in $(seq {SWITCHES}); do git switch -q work && git switch -q main; done"
    with subprocess.Popen(["sh", "-c", loop], cwd=ana.path, stderr=subprocess.DEVNULL) as switching:
        while switching.poll() is None:
            assert set(ana.recalled("Postgres")) <= {PG, f"On work: {PG}"}
            assert ana.mem("sync").status in (0, 3)
    ana.git("switch", "--quiet", "main")
    ana.sync()
    assert ana.believed() == BELIEVED and len(ana.log()) == 1


# -- moves ------------------------------------------------------------------------------------------


def test_a_renamed_folder_waits_for_its_user(ana: Owner) -> None:
    ana.git("mv", "project/atlas", "project/apollo")
    ana.commit("rename")
    done = ana.sync(status=3)
    assert "--accept-moves" in done.err
    ana.sync("--accept-moves")
    scopes = {one.name: one.scope for one in ana.stored("current")}
    assert scopes == {"pg": "project:apollo", "redis": "project:apollo", "tea": "user"}
    assert ana.believed() == BELIEVED


def test_a_page_that_git_moves_along_with_a_renamed_folder_is_not_lost(ana: Owner, other: Owner) -> None:
    ana.git("mv", "project/atlas", "project/apollo")
    ana.commit("rename")
    ana.git("push", "--quiet")
    other.remember("kafka", "Kafka carries the events.", "--scope", "project:atlas")
    other.sync()
    other.git("-c", "merge.directoryRenames=true", "pull", "--quiet", "--no-rebase", "--no-edit")
    assert (other.path / "project/apollo/facts/kafka.md").exists()
    other.sync(status=3)
    other.sync("--accept-moves")
    assert other.believed() == BELIEVED | {"kafka": "Kafka carries the events."}


def test_a_page_whose_name_changes_in_case_alone_is_followed(ana: Owner) -> None:
    ana.git("mv", PAGES["tea"], "user/facts/Tea.md")
    ana.commit("capital")
    ana.sync()
    assert ana.believed() == BELIEVED
    ana.edit("user/facts/Tea.md", "four", "five")
    ana.sync()
    assert ana.believed()["tea"] == "Tea is drunk at five."


# -- somebody else ----------------------------------------------------------------------------------


def foreign_push(bare: Repository, folder: Path, change: Callable[[Repository], object]) -> None:
    """Somebody else changes a clone of theirs and pushes it."""
    theirs = bare.clone(folder)
    change(theirs)
    theirs.commit("theirs", by=SOMEBODY)
    theirs.git("push", "--quiet")


@pytest.mark.parametrize("command", ["recall", "inject"])
def test_before_a_sync_nobody_is_told_what_somebody_else_wrote(
    ana: Owner, bare: Repository, tmp_path: Path, command: str
) -> None:
    def change(theirs: Repository) -> None:
        changed(theirs)
        theirs.write(f"{ATLAS}kafka.md", NEW_PAGE)

    foreign_push(bare, tmp_path / "bob", change)
    ana.git("pull", "--quiet")
    done = ana.mem(command, "--scope", "project:atlas", "kafka, pg and the store of record?")
    assert PG in done.out and "MySQL" not in done.out and "carries" not in done.out
    assert "mem sync" in done.err and "MySQL" in ana.text(PAGES["pg"])


def test_before_a_sync_the_users_own_words_are_told(ana: Owner, other: Owner) -> None:
    pushed(ana, "pg", PG, "Postgres 17 it is.")
    other.git("pull", "--quiet")
    assert other.recalled("Postgres") == ["Postgres 17 it is."]
    committed(other, "pg", "17", "18")
    assert other.recalled("Postgres") == ["Postgres 18 it is."]


NEW_PAGE = "---\nid: theirs01\ntype: fact\nscope: project:atlas\n---\n# kafka\n\nKafka carries the events.\n"


def test_what_somebody_else_adds_waits_for_approval(ana: Owner, bare: Repository, tmp_path: Path) -> None:
    foreign_push(bare, tmp_path / "bob", lambda theirs: theirs.write(f"{ATLAS}kafka.md", NEW_PAGE))
    ana.git("pull", "--quiet")
    ana.sync()
    assert ana.believed() == BELIEVED and ana.recalled("Kafka") == []
    assert ana.waiting() == {"Kafka carries the events.": f"git:{SOMEBODY}"}
    assert "pages and database agree, but for 1 page of others (mem review)" in ana.sync().out
    assert ana.text(f"{ATLAS}kafka.md") == NEW_PAGE
    assert ana.mem("review", "--all", "--scope", "project:atlas").status == 0
    assert ana.believed() == BELIEVED | {"kafka": "Kafka carries the events."}


def changed(theirs: Repository) -> None:
    theirs.write(PAGES["pg"], theirs.text(PAGES["pg"]).replace(PG, "MySQL is better."))


def test_what_somebody_else_changes_is_a_proposal_and_the_old_version_serves(
    ana: Owner, bare: Repository, tmp_path: Path
) -> None:
    foreign_push(bare, tmp_path / "bob", changed)
    ana.git("pull", "--quiet")
    ana.sync()
    assert ana.believed() == BELIEVED and ana.recalled("store record") == [PG]
    assert ana.waiting() == {"MySQL is better.": f"git:{SOMEBODY}"}
    assert "MySQL" in ana.text(PAGES["pg"])


@pytest.mark.parametrize("approved", [True, False])
def test_a_proposal_of_somebody_else_is_taken_or_put_aside(
    ana: Owner, bare: Repository, tmp_path: Path, approved: bool
) -> None:
    foreign_push(bare, tmp_path / "bob", changed)
    ana.git("pull", "--quiet")
    ana.sync()
    [pending] = (one.id for one in ana.pending())
    done = ana.mem("review", "--approve" if approved else "--reject", pending, "--scope", "project:atlas")
    assert done.status == 0
    ana.sync()
    assert ana.believed() == BELIEVED | ({"pg": "MySQL is better."} if approved else {})
    assert ana.waiting() == {} and ana.believed()["pg"] in ana.text(PAGES["pg"])


def test_what_somebody_else_removes_is_not_forgotten(ana: Owner, bare: Repository, tmp_path: Path) -> None:
    foreign_push(bare, tmp_path / "bob", lambda theirs: (theirs.path / PAGES["pg"]).unlink())
    ana.git("pull", "--quiet")
    ana.sync()
    assert ana.believed() == BELIEVED
    assert ana.waiting() == {PG: f"git:{SOMEBODY}"} and ana.recalled("Postgres") == [PG]
    assert "forgets pg" in ana.mem("review", "--scope", "project:atlas").out


@pytest.mark.parametrize("forgetter_pulls", [False, True])
def test_an_edit_beats_a_forget_whoever_pulls(ana: Owner, other: Owner, forgetter_pulls: bool) -> None:
    assert other.mem("forget", "--scope", "project:atlas", "pg").status == 0
    assert ana.mem("edit", "--scope", "project:atlas", "pg", "Postgres 17 is the store.").status == 0
    for one in (ana, other, ana) if forgetter_pulls else (other, ana, other):
        assert one.mem("sync", "--pull", "--push").status == 0
    for one in (ana, other):
        assert one.believed()["pg"] == "Postgres 17 is the store."


def clashing(theirs: Repository) -> None:
    theirs.write(f"{ATLAS}PG.md", NEW_PAGE)


def copied(theirs: Repository) -> None:
    theirs.write(f"{ATLAS}zz.md", theirs.text(PAGES["pg"]).replace(PG, "MySQL is better."))


@pytest.mark.parametrize("change", [clashing, copied])
def test_what_somebody_else_wrote_is_not_the_users_once_it_can_be_decided_about(
    ana: Owner, bare: Repository, tmp_path: Path, change: Callable[[Repository], None]
) -> None:
    foreign_push(bare, tmp_path / "bob", change)
    ana.git("pull", "--quiet")
    assert ana.mem("sync").status == 3
    (ana.path / PAGES["pg"]).unlink()
    ana.mem("sync")
    assert not {"Kafka carries the events.", "MySQL is better."} & {*ana.believed().values()}


def test_a_link_in_the_place_of_a_folder_is_not_written_through(ana: Owner, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (ana.path / "domain").mkdir()
    (ana.path / "domain" / "code").symlink_to(tmp_path / "private")
    done = ana.mem("remember", "--scope", "domain:code", "Tabs are wider.")
    assert (done.status, "a link leads elsewhere" in done.err) == (5, True)
    assert not [*(tmp_path / "private").rglob("*")]
    (tmp_path / "private" / "facts").mkdir()
    (tmp_path / "private" / "facts" / "a.md").write_text("---\nid: abcd1234\n---\n# a\n\nA private word.\n")
    assert "private" not in ana.mem("recall", "--scope", "domain:code", "private word").out


def test_an_address_that_the_user_calls_their_own_is_trusted(ana: Owner, bare: Repository, tmp_path: Path) -> None:
    foreign_push(bare, tmp_path / "bob", changed)
    assert ana.mem("config", "set", "git.addresses", "ana@work.example, bob@example.org").status == 0
    ana.git("pull", "--quiet")
    ana.sync()
    assert ana.believed() == BELIEVED | {"pg": "MySQL is better."}


# -- where the folder is ----------------------------------------------------------------------------


def test_a_memory_folder_may_be_a_submodule(ana: Owner, bare: Repository, tmp_path: Path) -> None:
    above = repository(tmp_path / "dotfiles")
    above.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(bare.path), "mem")
    sub = Owner(above.path / "mem", ana._mem)
    sub.identify()
    assert sub.mem("init").status == 0
    sub.remember("kafka", "Kafka carries the events.")
    sub.sync()
    assert sub.log()[0] == "remember kafka" and sub.believed() == BELIEVED | {"kafka": "Kafka carries the events."}


def test_a_memory_folder_may_be_a_worktree(ana: Owner, tmp_path: Path) -> None:
    ana.git("worktree", "add", "--quiet", "-b", "laptop", str(tmp_path / "laptop"))
    tree = Owner(tmp_path / "laptop", ana._mem)
    assert tree.mem("init").status == 0
    tree.remember("kafka", "Kafka carries the events.")
    tree.sync()
    assert tree.log()[0] == "remember kafka"
    ana.sync()
    assert ana.believed() == BELIEVED


def test_a_page_that_git_ignores_is_believed_and_not_committed(ana: Owner) -> None:
    with (ana.path / ".gitignore").open("a") as file:
        file.write("user/\n")
    ana.commit("keep this to myself")
    ana.remember("diary", "The garden is green.")
    ana.sync()
    assert ana.believed()["diary"] == "The garden is green."
    assert ana.git("ls-files", "user") == f"{PAGES['tea']}\n"


def test_a_folder_without_git_is_synced_all_the_same(ana: Owner) -> None:
    shutil.rmtree(ana.path / ".git")
    ana.edit(PAGES["pg"], PG, "Postgres 17 it is.")
    assert ana.mem("sync").status == 0
    assert ana.believed() == BELIEVED | {"pg": "Postgres 17 it is."}


# -- what must be caught ----------------------------------------------------------------------------


def test_a_sync_that_does_not_look_at_the_branch_is_caught(ana: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "state", lambda folder: git.State("main", None, ""))
    with pytest.raises(AssertionError):
        test_words_of_another_branch_are_read_there_and_not_taken_in(ana)


def test_a_sync_that_does_not_ask_who_wrote_is_caught(
    ana: Owner, bare: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "foreign", lambda *_: {})
    with pytest.raises(AssertionError):
        test_what_somebody_else_adds_waits_for_approval(ana, bare, tmp_path)
