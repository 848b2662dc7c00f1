"""What `mem sync` gives to git and takes from it: commits in words, two machines, other authors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mem import git, sync
from mem.config import Home
from mem.memory import Memory
from mem.reading import clock
from tests.repositories import SOMEBODY, Owner, Repository
from tests.test_git_situations import (
    ATLAS,
    BELIEVED,
    NEW_PAGE,
    PAGES,
    PG,
    ana,
    bare,
    changed,
    committed,
    first_home,
    foreign_push,
    other,
    pushed,
)
from tests.test_text import SECRETS

__all__ = ["ana", "bare", "first_home", "other"]  # the fixtures

# -- what is committed ------------------------------------------------------------------------------


def test_a_sync_commits_what_it_brought_in_line_and_says_what_that_was(ana: Owner) -> None:
    ana.remember("kafka", "Kafka carries the events.", "--scope", "project:atlas")
    ana.write("notes.txt", "mine")
    ana.write("todo.md", "staged")
    ana.git("add", "todo.md")
    done = ana.sync()
    assert done.out == "committed: remember kafka\n" and ana.committed() == [f"{ATLAS}kafka.md"]
    assert ana.git("status", "--porcelain") == "A  todo.md\n?? notes.txt\n"
    assert ana.git("log", "-1", "--format=%an <%ae>") == "Ana <ana@example.org>\n"


def test_several_changes_are_one_commit(ana: Owner) -> None:
    ana.mem("forget", "--scope", "project:atlas", "pg")
    ana.mem("pin", "tea")
    ana.edit(PAGES["redis"], "sessions", "carts")
    done = ana.sync()
    assert "committed: 3 beliefs in 2 scopes: " in done.out
    assert ana.git("log", "-1", "--format=%b").splitlines()[0].startswith("edit redis (")
    assert ana.git("status", "--porcelain") == ""


def test_a_new_folder_is_committed_with_what_mem_keeps_in_it(ana: Owner) -> None:
    files = ana.git("ls-files").split()
    assert sorted(files) == [".gitignore", ".mem/format", *sorted(PAGES.values())]


def test_a_page_that_waits_for_a_decision_is_not_committed(ana: Owner) -> None:
    ana.write(f"{ATLAS}copy.md", ana.text(PAGES["pg"]))
    head = ana.log()
    ana.sync(status=3)
    assert ana.log() == head and ana.git("status", "--porcelain") == f"?? {ATLAS}copy.md\n"


@pytest.mark.parametrize("how", ["remembered", "written"])
def test_a_page_with_a_secret_is_named_and_not_committed(ana: Owner, how: str) -> None:
    secret = SECRETS["a token of GitHub"]
    if how == "remembered":
        page = ana.remember("deploy", f"Deploys use {secret}.")
    else:
        page = PAGES["tea"]
        ana.edit(page, "four", f"four; {secret}")
    ana.mem("pin", "--scope", "project:atlas", "pg")
    done = ana.sync(status=3)
    assert "a token of GitHub, so it is not committed" in done.err and f"{page}:" in done.err
    assert secret not in done.err and secret not in ana.git("log", "--all", "--patch")
    assert ana.log()[0] == "pin pg" and ana.git("status", "--porcelain").split()[-1] == page


@pytest.mark.parametrize("first", [True, False], ids=["the first commit", "a later one"])
def test_a_secret_that_is_saved_while_git_works_does_not_stay_committed(
    ana: Owner, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    if first:
        ana.git("update-ref", "-d", "HEAD")
        ana.git("rm", "--cached", "-r", "--quiet", ".")
    page = ana.remember("deploy", "Deploys use a token.", "--scope", "user")
    ana.write("todo.md", "staged")
    ana.git("add", "todo.md")
    before, commit, secret = ana.git("for-each-ref"), git.commit, SECRETS["a token of GitHub"]

    def late(*arguments: Any) -> str | None:
        ana.edit(page, "a token", secret)
        return commit(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(git, "commit", late)
        done = ana.mem("sync")
    assert (done.status, f"{page}:" in done.err, "committed: " in done.out) == (3, True, False)
    assert ana.git("for-each-ref") == before and secret not in ana.git("log", "--all", "--patch")
    ana.edit(page, secret, "a token")
    assert "committed: " in ana.sync().out and ana.git("status", "--porcelain") == "A  todo.md\n"


def test_a_secret_that_cannot_be_taken_off_the_branch_is_named(ana: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ana.remember("deploy", "Deploys use a token.")
    commit, secret = git.commit, SECRETS["a token of GitHub"]

    def late(*arguments: Any) -> str | None:
        ana.edit(page, "a token", secret)
        commit(*arguments)
        ana.git("commit", "--allow-empty", "-qm", "of a hook")
        return ana.git("rev-parse", "HEAD").strip()

    with monkeypatch.context() as patch:
        patch.setattr(git, "commit", late)
        done = ana.mem("sync", "--push")
    assert (done.status, f"{page} holds a secret that is in the commit" in done.err) == (3, True)
    assert ana.log()[:2] == ["of a hook", "remember deploy"] and "pushed" not in done.out


def test_a_secret_beside_the_pages_holds_up_no_page(ana: Owner) -> None:
    ana.git("rm", "--cached", "--quiet", ".gitignore")
    ana.git("commit", "-qm", "no more")
    ana.edit(".gitignore", ".mem", f"{SECRETS['a token of GitHub']}\n.mem")
    ana.mem("pin", "tea")
    done = ana.sync(status=3)
    assert done.out == "committed: pin tea\n" and ".gitignore:1: holds a token" in done.err


def test_a_secret_that_is_taken_out_of_a_page_is_committed_away(ana: Owner) -> None:
    secret = SECRETS["a key of AWS"]
    committed(ana, "tea", "four", f"four {secret}")
    ana.sync(status=3)
    ana.edit(PAGES["tea"], secret, "sharp")
    assert "committed: edit tea" in ana.sync().out


def test_commits_can_be_switched_off(ana: Owner) -> None:
    assert ana.mem("config", "set", "git.commit", "false").status == 0
    ana.mem("pin", "tea")
    assert ana.sync().out == "pages and database agree\n" and len(ana.log()) == 1


def test_a_sync_at_every_save_commits_nothing(ana: Owner) -> None:
    ana.edit(PAGES["pg"], PG, "Postgres 17 it is.")
    memory = Memory(Home(str(ana.path)), clock=clock, warn=lambda message: None)
    assert [change.act for change in memory.sync(commit=False).changes] == ["take"]
    assert len(ana.log()) == 1
    assert ana.sync().out == "committed: edit pg\n"


def test_a_hook_that_refuses_is_reported_and_nothing_is_lost(ana: Owner) -> None:
    ana.hook("pre-commit", "echo 'spell it right' >&2; exit 1")
    ana.edit(PAGES["pg"], PG, "Postgres 17 it is.")
    done = ana.sync(status=3)
    assert "git did not commit: spell it right" in done.err and len(ana.log()) == 1
    assert ana.believed() == BELIEVED | {"pg": "Postgres 17 it is."}


def test_a_hook_may_use_mem(ana: Owner, tmp_path: Path) -> None:
    ana.hook("pre-commit", f"MEM_HOME={ana.path} mem list --scope project:atlas > {tmp_path}/listed 2>&1")
    ana.mem("pin", "tea")
    assert ana.sync().out == "committed: pin tea\n"
    assert PG in (tmp_path / "listed").read_text()


def test_a_dry_run_commits_pulls_and_pushes_nothing(ana: Owner, other: Owner, bare: Repository) -> None:
    pushed(other, "pg", PG, "Postgres 17 it is.")
    ana.mem("pin", "tea")
    before = ana.everything(), bare.log()
    done = ana.mem("sync", "--dry-run", "--pull", "--push")
    assert (done.status, done.out) == (0, "would commit: pin tea\n")
    assert (ana.everything(), bare.log()) == before


def test_without_a_repository_there_is_nothing_to_pull(ana: Owner) -> None:
    shutil.rmtree(ana.path / ".git")
    done = ana.mem("sync", "--pull")
    assert done.status == 3 and "there is no git repository" in done.err and "git init" in done.err


# -- two machines -----------------------------------------------------------------------------------


def shared(owner: Owner, status: int = 0) -> str:
    return owner.sync("--pull", "--push", status=status).out


def test_two_machines_that_share_believe_the_same(ana: Owner, other: Owner) -> None:
    ana.edit(PAGES["pg"], PG, "Postgres 17 it is.")
    ana.remember("kafka", "Kafka carries the events.")
    other.mem("forget", "--scope", "project:atlas", "redis")
    assert shared(ana).splitlines()[-2:] == ["pulled", "pushed"]
    shared(other)
    shared(ana)
    expected = {"pg": "Postgres 17 it is.", "tea": BELIEVED["tea"], "kafka": "Kafka carries the events."}
    assert ana.believed() == other.believed() == expected
    assert ana.pending() == other.pending() == [] and ana.log() == other.log()


def test_one_belief_that_both_changed_in_other_ways_is_merged_field_by_field(ana: Owner, other: Owner) -> None:
    ana.mem("alias", "--scope", "project:atlas", "pg", "+elephant")
    other.edit(PAGES["pg"], PG, "Postgres 17 it is.")
    shared(ana)
    shared(other)
    shared(ana)
    for owner in (ana, other):
        [one] = owner.stored("name = 'pg'")
        assert one.content == "Postgres 17 it is." and "elephant" in [entry.text for entry in one.aliases]
    assert ana.text(PAGES["pg"]) == other.text(PAGES["pg"])


@pytest.mark.parametrize("gone", ["forgotten", "deleted"])
def test_an_edit_beats_what_the_other_machine_took_away(ana: Owner, other: Owner, gone: str) -> None:
    if gone == "forgotten":
        ana.mem("forget", "--scope", "project:atlas", "pg")
    else:
        (ana.path / PAGES["pg"]).unlink()
    other.edit(PAGES["pg"], PG, "Postgres 17 it is.")
    shared(ana)
    shared(other)
    shared(ana)
    assert ana.believed() == other.believed() == BELIEVED | {"pg": "Postgres 17 it is."}
    assert not (ana.path / "archive" / PAGES["pg"]).exists()


def test_what_contradicts_is_left_to_the_user_as_git_leaves_it(ana: Owner, other: Owner) -> None:
    ana.edit(PAGES["pg"], PG, "Postgres 17 it is.")
    other.edit(PAGES["pg"], PG, "Postgres 18 it is.")
    shared(ana)
    done = other.mem("sync", "--pull", "--push")
    assert done.status == 3 and "both sides changed the same lines" in done.err
    assert other.believed()["pg"] == "Postgres 18 it is." and git.state(str(other.path)).busy == "merge"
    other.write(PAGES["pg"], other.git("show", f"HEAD:{PAGES['pg']}").replace("Postgres 18", "Postgres 17 or 18"))
    other.commit("resolved")
    shared(other)
    shared(ana)
    assert ana.believed() == other.believed() == BELIEVED | {"pg": "Postgres 17 or 18 it is."}


def test_a_merge_leaves_the_page_of_another_belief_in_the_archive_alone(ana: Owner, other: Owner) -> None:
    there = ana.path / "archive" / PAGES["pg"]
    there.parent.mkdir(parents=True)
    there.write_text(ana.text(PAGES["pg"]).replace("id: ", "id: a").replace("status: active", "status: retracted"))
    before = there.read_bytes()
    ana.mem("alias", "--scope", "project:atlas", "pg", "+elephant")
    other.mem("pin", "--scope", "project:atlas", "pg")
    other.sync("--push")
    ana.mem("sync", "--pull")
    assert "elephant" in ana.text(PAGES["pg"]) and git.state(str(ana.path)).busy is None
    assert there.read_bytes() == before and "pinned: true" in ana.text(PAGES["pg"])


@pytest.mark.parametrize("when", ["unmerged", "parsed"])
def test_what_is_saved_while_a_page_is_merged_is_left_to_the_user(
    ana: Owner, other: Owner, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    ana.mem("alias", "--scope", "project:atlas", "pg", "+elephant")
    ana.sync()
    other.mem("pin", "--scope", "project:atlas", "pg")
    other.sync("--push")
    module, name = (git, "unmerged") if when == "unmerged" else (sync, "merge")
    real = getattr(module, name)

    def saved(*arguments: object) -> object:
        if git.state(str(ana.path)).busy == "merge":
            ana.write(PAGES["pg"], ana.text(PAGES["pg"]) + "By hand.\n")
        return real(*arguments)

    monkeypatch.setattr(module, name, saved)
    Memory(Home(str(ana.path)), clock=clock, warn=lambda message: None).sync(pull=True)
    assert ana.text(PAGES["pg"]).endswith("By hand.\n") and git.state(str(ana.path)).busy == "merge"


def test_a_push_that_comes_too_late_says_what_to_do(ana: Owner, other: Owner) -> None:
    ana.mem("pin", "tea")
    shared(ana)
    other.mem("pin", "--scope", "project:atlas", "pg")
    done = other.sync("--push", status=3)
    assert "mem sync --pull --push" in done.err and "committed: pin pg" in done.out
    assert other.sync("--pull", "--push").status == 0


def test_a_remote_that_is_gone_keeps_nobody_from_syncing(ana: Owner, bare: Repository) -> None:
    shutil.rmtree(bare.path)
    ana.mem("pin", "tea")
    done = ana.mem("sync", "--pull", "--push", "--json")
    assert done.status == 3 and json.loads(done.out)["commits"] == ["pin tea"] and ana.log()[0] == "pin tea"
    assert not json.loads(done.out)["pulled"] and "did not pull from origin" in done.err


# -- other authors ----------------------------------------------------------------------------------


def arrived(ana: Owner, bare: Repository, tmp_path: Path) -> None:
    """Somebody else's new page, and their change to one of the user's."""

    def change(theirs: Repository) -> None:
        changed(theirs)
        theirs.write(f"{ATLAS}kafka.md", NEW_PAGE)

    foreign_push(bare, tmp_path / "bob", change)
    assert ana.sync("--pull").out.count("; mem review decides") == 2


def test_a_proposal_waits_through_whatever_else_is_done(ana: Owner, bare: Repository, tmp_path: Path) -> None:
    arrived(ana, bare, tmp_path)
    before = ana.waiting(), ana.text(PAGES["pg"])
    ana.mem("pin", "tea")
    ana.sync()
    assert ana.mem("doctor").status == 0
    assert (ana.waiting(), ana.text(PAGES["pg"])) == before and len(before[0]) == 2
    assert ana.believed() == BELIEVED


def test_what_is_approved_is_believed_and_leaves_the_page_as_it_came(
    ana: Owner, bare: Repository, tmp_path: Path
) -> None:
    arrived(ana, bare, tmp_path)
    assert ana.mem("review", "--all", "--scope", "project:atlas").status == 0
    ana.sync()
    assert ana.believed() == BELIEVED | {"pg": "MySQL is better.", "kafka": "Kafka carries the events."}
    assert ana.text(f"{ATLAS}kafka.md").endswith("# kafka\n\nKafka carries the events.\n")
    assert ana.mem("doctor").status == 0 and ana.git("status", "--porcelain") == ""


def test_what_is_refused_is_not_proposed_again(ana: Owner, bare: Repository, tmp_path: Path) -> None:
    arrived(ana, bare, tmp_path)
    for one in ana.pending():
        assert ana.mem("review", "--reject", one.id, "--scope", "project:atlas").status == 0
    ana.sync()
    assert ana.believed() == BELIEVED and ana.waiting() == {} and ana.recalled("Kafka") == []
    assert PG in ana.text(PAGES["pg"]) and ana.text(f"{ATLAS}kafka.md") == NEW_PAGE
    assert ana.mem("doctor").status == 0 and ana.git("status", "--porcelain") == ""


@pytest.mark.parametrize("yes", [True, False])
def test_a_decision_about_somebody_elses_words_can_be_undone(
    ana: Owner, bare: Repository, tmp_path: Path, yes: bool
) -> None:
    arrived(ana, bare, tmp_path)
    ids = [one.id for one in ana.pending()]
    before = ana.waiting(), ana.believed()
    for id_ in ids:
        assert ana.mem("review", "--approve" if yes else "--reject", id_, "--scope", "project:atlas").status == 0
    assert ana.mem("undo", "2").status == 0
    assert (ana.waiting(), ana.believed()) == before
    assert ana.text(f"{ATLAS}kafka.md").endswith("Kafka carries the events.\n")


def test_a_later_version_takes_the_place_of_an_earlier_proposal(ana: Owner, bare: Repository, tmp_path: Path) -> None:
    arrived(ana, bare, tmp_path)
    bob = Repository(tmp_path / "bob")
    bob.write(PAGES["pg"], bob.text(PAGES["pg"]).replace("MySQL", "MariaDB"))
    bob.commit("again", by=SOMEBODY)
    bob.git("push", "--quiet")
    ana.sync("--pull")
    assert set(ana.waiting()) == {"MariaDB is better.", "Kafka carries the events."}


def test_a_sync_that_is_undone_proposes_anew(ana: Owner, bare: Repository, tmp_path: Path) -> None:
    arrived(ana, bare, tmp_path)
    before = set(ana.waiting())
    assert ana.mem("undo").status == 0 and ana.waiting() == {}
    ana.sync()
    assert set(ana.waiting()) == before and ana.believed() == BELIEVED


@pytest.mark.parametrize("yes", [True, False])
def test_what_the_user_does_meanwhile_is_in_the_page_once_it_is_decided(
    ana: Owner, bare: Repository, tmp_path: Path, yes: bool
) -> None:
    foreign_push(bare, tmp_path / "bob", changed)
    ana.sync("--pull")
    assert ana.mem("pin", "--scope", "project:atlas", "pg").status == 0
    assert "pinned" not in ana.text(PAGES["pg"])
    [pending] = (one.id for one in ana.pending())
    assert ana.mem("review", "--approve" if yes else "--reject", pending, "--scope", "project:atlas").status == 0
    ana.sync()
    assert ana.believed()["pg"] == ("MySQL is better." if yes else PG)
    assert "pinned: true\n" in ana.text(PAGES["pg"]) and ana.believed()["pg"] in ana.text(PAGES["pg"])
    assert ana.mem("doctor").status == 0


def test_what_the_user_then_writes_into_that_page_holds(ana: Owner, bare: Repository, tmp_path: Path) -> None:
    arrived(ana, bare, tmp_path)
    ana.edit(PAGES["pg"], "MySQL is better.", "Postgres stays.")
    ana.sync()
    assert ana.believed()["pg"] == "Postgres stays." and set(ana.waiting()) == {"Kafka carries the events."}


def test_their_words_stay_theirs_when_a_merge_puts_both_into_one_page(
    ana: Owner, bare: Repository, tmp_path: Path
) -> None:
    foreign_push(bare, tmp_path / "bob", changed)
    ana.mem("alias", "--scope", "project:atlas", "pg", "+elephant")
    ana.sync("--pull")
    assert ana.believed() == BELIEVED and set(ana.waiting()) == {"MySQL is better."}


def test_a_clone_takes_what_others_committed_for_proposals(ana: Owner, bare: Repository, tmp_path: Path) -> None:
    foreign_push(bare, tmp_path / "bob", lambda theirs: theirs.write(f"{ATLAS}kafka.md", NEW_PAGE))
    clone = Owner(bare.path, ana._mem).copy(tmp_path / "laptop")
    clone.sync()
    assert clone.believed() == BELIEVED and clone.waiting() == {"Kafka carries the events.": f"git:{SOMEBODY}"}


def test_a_clone_without_an_identity_is_taken_for_ones_own(ana: Owner, bare: Repository, tmp_path: Path) -> None:
    foreign_push(bare, tmp_path / "bob", lambda theirs: theirs.write(f"{ATLAS}kafka.md", NEW_PAGE))
    clone = Owner(bare.clone(tmp_path / "laptop").path, ana._mem)
    assert clone.mem("init").status == 0
    assert clone.believed().keys() == {*BELIEVED, "kafka"} and clone.waiting() == {}


# -- git at work meanwhile --------------------------------------------------------------------------


def switched_midway(ana: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sync while somebody switches to a branch with other pages, just after the branch was looked at."""
    ana.git("switch", "--quiet", "--create", "work")
    committed(ana, "pg", PG, "Postgres 17 it is.")
    ana.git("switch", "--quiet", "main")
    ana.sync()
    look = sync.look

    def late(*arguments: object, **options: object) -> object:
        ana.git("switch", "--quiet", "work")
        return look(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sync, "look", late)
    assert ana.mem("sync").status == 3
    assert ana.believed() == BELIEVED


def test_a_branch_that_is_switched_while_pages_are_looked_at_is_noticed(
    ana: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched_midway(ana, monkeypatch)


def test_a_sync_that_looks_at_the_branch_but_once_is_caught(ana: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "state", lambda folder: git.State("main", None, ""))
    with pytest.raises(AssertionError):
        switched_midway(ana, monkeypatch)
