"""Revising: the acts that change beliefs which are there, each one a decision about single beliefs.

All are undone by `undo` but `purge`, and all refuse under an agent's environment: an agent may propose a belief
and not decide about one.
"""

from __future__ import annotations

import glob
import mmap
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from mem import git, lexical, receipts, sync, terminal, text, tree
from mem import scope as scopes
from mem.belief import ALIAS_WEIGHTS, Alias, Belief, alias, canonical_name, check
from mem.errors import Problem, TreeProblem, UsageMistake
from mem.reading import Reference, refuse_agents
from mem.record import Any, NamedTuple
from mem.store import ENDINGS, Page, Proposal, Store, Transaction, View, backups
from mem.writing import Writer, confirmed, edited

Change = Callable[[Belief, datetime], Belief]
Changed = tuple[Belief, list[Belief]]
"""A belief as it is now, and the others that it contradicts since."""
PROPOSED = ("type", "name", "aliases", "content", "why")
"""What a revision that was proposed may change."""


class Purge(NamedTuple):
    """What a purge erases, and what it cannot reach."""

    belief: Belief
    page: str | None
    versions: int
    receipts: int
    commits: int
    """Commits of the memory folder's repository that still hold a page of it."""
    remotes: list[str]
    paths: list[str]
    """Where its pages were, for who rewrites that history."""


class Reviser(Writer):
    """One person's memory, in one folder, whose beliefs can be revised."""

    def _revise(
        self,
        kind: str,
        references: Sequence[Reference],
        given: Sequence[str],
        change: Change,
    ) -> list[tuple[Belief, Belief]]:
        """Change visible beliefs in one act; returns each as it was and as it is.

        Raises: UsageMistake if one is unknown or ambiguous, or would not be one that a belief can be; Refused under
            an agent's environment.
        """
        refuse_agents(kind)
        now = self._clock()

        def about(store: Store) -> list[str]:
            view = self._view_to_write(store, given)
            return [self._find(view, one).id for one in references]

        with self._writing(kind, kind, about=about) as transaction:
            view = self._view_to_write(transaction.store, given)
            found = list({belief.id: belief for belief in (self._find(view, one) for one in references)}.values())
            done = [self._change(transaction, old, change, now) for old in found]
            transaction.summary = _summary(kind, [new for new, _ in done])
        self._tell_contested(done)
        return [(old, new) for old, (new, _) in zip(found, done, strict=True)]

    def _change(self, transaction: Transaction, old: Belief, change: Change, now: datetime) -> Changed:
        """Change one belief; returns it as it is, and what it contradicts since.

        Raises: UsageMistake if it would not be one that a belief can be.
        """
        new = change(old, now)
        if new == old:
            return new, []
        try:
            new = check(new._replace(updated=now))
            self._put(transaction, new)
        except ValueError as error:
            raise UsageMistake(f"{old.name} ({old.id}): {error}", f"mem show {old.id}") from None
        if _says(new) == _says(old):
            return new, []
        anew = (old.scope, old.type, old.content) != (new.scope, new.type, new.content)
        return new, [other for other, _ in self._contest(transaction, new, anew)]

    def _tell_contested(self, done: Sequence[Changed]) -> None:
        for new, others in done:
            self._warn_of(new, others)

    def forget(self, references: Sequence[Reference], given: Sequence[str]) -> list[Belief]:
        """Take beliefs out of use.

        Raises: UsageMistake if one is unknown, ambiguous or not live; Refused under an agent's environment.
        """
        return [new for _, new in self._revise("forget", references, given, _retired("retracted"))]

    def resolve(self, references: Sequence[Reference], given: Sequence[str]) -> list[Belief]:
        """Mark questions, or what else is settled, as resolved.

        Raises: as `forget`.
        """
        return [new for _, new in self._revise("resolve", references, given, _retired("resolved"))]

    def restore(self, references: Sequence[Reference], given: Sequence[str]) -> list[Belief]:
        """Bring back beliefs that were forgotten, superseded, resolved or archived.

        Raises: UsageMistake if one is live and not archived; Refused under an agent's environment.
        """

        def change(old: Belief, now: datetime) -> Belief:
            if old.live and not old.archived:
                raise UsageMistake(f"{old.id} ({old.name}) is {old.status} already", f"mem show {old.id}")
            return old._replace(status=old.status if old.live else "active", archived=False, superseded_by=None)

        return [new for _, new in self._revise("restore", references, given, change)]

    def pin(self, references: Sequence[Reference], given: Sequence[str], pinned: bool) -> list[tuple[Belief, bool]]:
        """Pin beliefs, or take the pin out; returns each with whether that changed anything.

        Raises: UsageMistake if one is unknown or not live; Refused under an agent's environment.
        """

        def change(old: Belief, now: datetime) -> Belief:
            _require_live(old)
            return old._replace(pinned=pinned)

        return [(new, new != old) for old, new in self._revise("pin" if pinned else "unpin", references, given, change)]

    def supersede(self, reference: Reference, by: Reference, given: Sequence[str]) -> Belief:
        """Let one belief take the place of another; returns the one that goes.

        Raises: UsageMistake if one is unknown or not live; Refused under an agent's environment.
        """
        winner, _ = self.belief(by, given)
        if not winner.current:
            raise UsageMistake(f"{winner.name} ({winner.id}) is not believed itself yet", f"mem show {winner.id}")

        def change(old: Belief, now: datetime) -> Belief:
            _require_live(old)
            if old.id == winner.id:
                raise UsageMistake(f"{old.id} cannot take its own place", "mem supersede OLD --by NEW")
            require_wider(old, winner.scope)
            return old._replace(status="superseded", superseded_by=winner.id)

        return self._revise("supersede", [reference], given, change)[0][1]

    def edit_aliases(
        self, reference: Reference, add: Sequence[str], drop: Sequence[str], given: Sequence[str]
    ) -> Belief:
        """Give a belief aliases by hand, or take them away; counts everywhere in the next call.

        Raises: UsageMistake if the belief is unknown, an alias to drop is not there, or one to add could not
            name anything; Refused under an agent's environment.
        """
        for surface in add:
            require_nameable(surface)

        def change(old: Belief, now: datetime) -> Belief:
            aliases = {entry.text: entry for entry in old.aliases}
            for surface in drop:
                if surface not in aliases:
                    known = ", ".join(aliases) or "none"
                    raise UsageMistake(f"{old.id} has no alias {surface!r}; it has {known}", f"mem show {old.id}")
                del aliases[surface]
            aliases |= {surface: alias(surface) for surface in add}
            return old._replace(aliases=tuple(aliases.values()))

        return self._revise("alias", [reference], given, change)[0][1]

    # -- the inbox

    def proposals(self, given: Sequence[str]) -> dict[str, tuple[str, Belief | None]]:
        """What visible pending beliefs propose about others, by id: the act, and the belief meant if it is live."""
        with self._reading() as store:
            if store is None:
                return {}
            view = store.visible(self.open_scopes(store, given).visible)
            said = view.proposals()
            return {id_: (said[id_].act, _meant(view, one, said[id_])) for id_, one in view.by_id(said).items()}

    def review(
        self, approve: Sequence[Reference], reject: Sequence[Reference], given: Sequence[str]
    ) -> list[tuple[str, Belief]]:
        """Approve pending beliefs, or reject them; what an approved one proposes about another one is done.

        Returns what was done (`approved`, `rejected`, `revised` or `forgot`) to which belief.
        Raises: UsageMistake if one is not pending; Refused under an agent's environment.
        """
        refuse_agents("review")
        now = self._clock()

        def about(store: Store) -> list[str]:
            view = self._view_to_write(store, given)
            said = view.proposals()
            return [said[id_].target for id_ in (self._find(view, one).id for one in approve) if id_ in said]

        with self._writing("review", "review", about=about) as transaction:
            view = self._view_to_write(transaction.store, given)
            approved = [self._find(view, one).id for one in approve]
            chosen = dict.fromkeys([*approved, *(self._find(view, one).id for one in reject)])
            said = view.proposals()
            words, done = [], []
            for id_ in chosen:
                self._release(transaction, view.belief(id_), id_ in approved, said.get(id_))
                word, old, change = self._decision(transaction, view.belief(id_), id_ in approved, said.get(id_))
                words.append(word)
                done.append(self._change(transaction, old, change, now))
            transaction.summary = _summary("review", [new for new, _ in done])
        self._tell_contested(done)
        return [(word, new) for word, (new, _) in zip(words, done, strict=True)]

    def _decision(
        self, transaction: Transaction, pending: Belief, yes: bool, proposal: Proposal | None
    ) -> tuple[str, Belief, Change]:
        """What an approval or rejection does, and to which belief; a proposal that is carried out is taken away.

        A revision of what is no longer believed is a belief of its own.
        """
        if pending.review != "pending" or not pending.live:
            raise UsageMistake(f"{pending.id} ({pending.name}) is not pending", "mem review")
        if not yes:
            return "rejected", pending, _retired("retracted")
        if proposal is None:
            return "approved", pending, _approved
        transaction.set_proposal(pending.id, None)
        target = _meant(transaction.store.visible([scopes.parse(pending.scope)]), pending, proposal)
        if proposal.act == "forget":
            if target is None:
                return "forgot", pending, _retired("retracted")
            transaction.remove(pending.id)
            return "forgot", target, _retired("retracted")
        if target is None:
            return "approved", pending, _approved
        transaction.remove(pending.id)
        return "revised", target, lambda old, now: confirmed(self._retyped(old, revised(old, pending)), now)

    def _release(self, transaction: Transaction, pending: Belief, yes: bool, proposal: Proposal | None) -> None:
        """Let go of a page that somebody else committed, because what it proposes is decided.

        It counts as what both sides agreed on, so that an approval leaves it as it is, and a refusal writes what holds.
        A refused page of a belief that there was not before stays, and is not taken in.
        """
        store, id_ = transaction.store, proposal.target if proposal is not None else pending.id
        held = next((one for one in store.held() if one.id == id_ and one.kind in (sync.FOREIGN, sync.REFUSED)), None)
        if held is None or not pending.source.startswith("git:"):
            return
        place, known = os.path.join(self.home.path, held.path), store.page_of(id_)
        data = tree.read(place)
        if known is None and not yes:
            transaction.hold_also(held._replace(kind=sync.REFUSED))
            return
        transaction.release(held.path)
        if data is not None and tree.digest(data) == held.hash:
            status = os.stat(place)
            transaction.agree(Page(id_, held.path, held.hash, status.st_mtime_ns, status.st_size), pending.scope, data)
        belief = store.everything().by_id([id_]).get(id_)
        if belief is not None and known is not None and not (yes and belief.live):
            transaction.promise(id_, held.path)

    # -- editing

    def edit(self, reference: Reference, fields: Mapping[str, Any], given: Sequence[str]) -> tuple[Belief, Belief]:
        """Give fields of a belief (keys of its record) other values; returns it as it was and as it is.

        Raises: UsageMistake for a value that the field cannot have; Refused under an agent's environment.
        """

        def change(old: Belief, now: datetime) -> Belief:
            said = dict(fields)
            if "name" in said:
                said["name"] = canonical_name(said["name"])
            if "scope" in said:
                said["scope"] = str(scopes.parse(said["scope"]))
            new = old._replace(**said)
            return edited(old, new if "stability" in said else self._retyped(old, new), now)

        return self._revise("edit", [reference], given, change)[0]

    def _retyped(self, old: Belief, new: Belief) -> Belief:
        """A belief with the stability of its type, if that is another one and no use has changed it."""
        if new.type == old.type or old.confirmed is not None:
            return new
        return new._replace(stability=self.settings().get(f"stability.{new.type}", old.stability))

    def page_to_edit(self, reference: Reference, given: Sequence[str]) -> tuple[Belief, bytes]:
        """A belief and its page as a person edits it; one without a page gets the text that it would have.

        Raises: UsageMistake if it is unknown; TreeProblem if the page cannot be read.
        """
        refuse_agents("edit")
        belief, path = self.belief(reference, given)
        data = tree.read(os.path.join(self.home.path, path)) if path is not None else None
        return belief, data if data is not None else tree.render(belief)

    def edit_page(self, belief: Belief, before: bytes, after: bytes, given: Sequence[str]) -> tuple[Belief, Belief]:
        """Take in a page that was edited; returns the belief as it was and as it is.

        Raises: TreeProblem naming the line that is wrong, or if the page changed meanwhile.
        """
        parsed = tree.parse("page", after, now=belief.created)
        if isinstance(parsed, Problem):
            raise TreeProblem(f"line {parsed.line}: {parsed.message}" if parsed.line else parsed.message)
        if parsed.id != belief.id:
            raise TreeProblem(f"the id was {belief.id} and cannot become {parsed.id}")

        def change(old: Belief, now: datetime) -> Belief:
            if self.page_to_edit(old.id, (old.scope,))[1] != before:
                raise TreeProblem(f"the page of {old.name} ({old.id}) was changed meanwhile; nothing was written")
            kept = {key: getattr(old, key) for key in ("session", "at", "review")}
            self._drafts[old.id] = after
            return edited(old, parsed._replace(**kept), now)

        return self._revise("edit", [belief], given, change)[0]

    # -- use

    def confirm(
        self, references: Sequence[Reference], query: str | None, given: Sequence[str]
    ) -> list[tuple[Belief, Belief]]:
        """Record that beliefs were of use, which keeps them from fading; the query that found them teaches aliases.

        A word learned for the second time names the belief in a prompt, too; until then only `recall` uses it.
        Raises: UsageMistake if one is unknown or not live; Refused under an agent's environment.
        """

        def change(old: Belief, now: datetime) -> Belief:
            _require_live(old)
            return confirmed(_taught(old, lexical.salient(query or "", old)), now)

        return self._revise("confirm", references, given, change)

    # -- erasing

    def purge_plan(self, reference: Reference, given: Sequence[str]) -> Purge:
        """What a purge of a belief would erase.

        Raises: UsageMistake if it is unknown; Refused under an agent's environment.
        """
        refuse_agents("purge")
        with self._reading() as store:
            if store is None:
                raise UsageMistake(f"no belief {reference!r}: the memory is empty", "mem remember TEXT")
            undone = store.undone(reference) if isinstance(reference, str) else None
            if undone is not None:
                return Purge(undone, None, 1, 0, 0, [], [])
            view = store.visible(self.open_scopes(store, given).visible)
            belief = self._find(view, reference)
            waiting = [one for one in receipts.waiting(store) if belief.id in {used.belief for used in one.used}]
            return self._purge_of(belief, view, len(waiting))

    def _purge_of(self, belief: Belief, view: View, waiting: int) -> Purge:
        page = view.page(belief.id)
        paths = view.paths(belief.id)
        commits, remotes = git.holds(self.home.path, paths)
        versions = max(1, len(view.history(belief.id)))
        given_out = view.uses(belief.id) + waiting
        return Purge(belief, page.path if page else None, versions, given_out, commits, remotes, paths)

    def purge(self, plan: Purge) -> Purge:
        """Erase a belief from pages, versions, receipts and the files of the database; there is no way back.

        Raises: Refused under an agent's environment.
        """
        refuse_agents("purge")
        with self._locked_store() as store:
            if plan.page is not None:
                tree.erase(os.path.join(self.home.path, plan.page))
            sync.erase_copies(self.home, plan.belief.id)
            if not store.purge(plan.belief.id):
                self._warn("a command was reading meanwhile; run mem purge again, or any write, to shrink the log file")
            self._purge_backups(store, plan.belief.id)
            terminal.drop_lists(self.home, 0, plan.belief.id)
            _drop_kept(plan.belief.id)
        return plan

    def _purge_backups(self, store: Store, id: str) -> None:
        """Remove the copies of the database that hold a belief; one without it takes their place."""
        folder, held = backups(store.path), False
        for place in glob.glob(os.path.join(glob.escape(folder), "*")):
            holds = os.path.exists(place) and os.path.getsize(place) > 0 and _holds(place, id.encode())
            for ending in ENDINGS if holds else ():
                tree.erase(place + ending)
            held = held or holds
        if held:
            store.backup(os.path.join(folder, f"after-purge-{self._clock():%Y%m%dT%H%M%SZ}.db"), replace=True)


def _holds(path: str, words: bytes) -> bool:
    """Whether a file holds these bytes anywhere."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(words) >= 0


def _drop_kept(id: str) -> None:
    """Remove the texts of failed edits of a belief, which mem keeps where temporary files are."""
    for path in glob.glob(os.path.join(tempfile.gettempdir(), "mem-kept-*.md")):
        with suppress(OSError):
            data = tree.read(path) or b""
            if f"\nid: {id}\n".encode() in data:
                os.unlink(path)


def _taught(belief: Belief, words: Sequence[str]) -> Belief:
    """The belief with words learned as aliases; a word that was learned before counts like a given one."""
    known = {entry.text: entry for entry in belief.aliases}
    for word in words:
        weight = ALIAS_WEIGHTS["given" if word in known else "learned"]
        known[word] = Alias(word, weight, "learned")
    return belief._replace(aliases=tuple(known.values()))


def revised(target: Belief, proposed: Belief) -> Belief:
    """The next version of a belief, as a pending one says it: what it says, on that one's authority."""
    said = {key: getattr(proposed, key) for key in (*PROPOSED, "source", "session", "at")}
    return target._replace(**said, review="approved")


def _meant(view: View, pending: Belief, proposal: Proposal) -> Belief | None:
    """The belief that a proposal is about, if it is believed, and in the scope of the pending one."""
    target = view.by_id([proposal.target]).get(proposal.target)
    return target if target is not None and target.live and target.scope == pending.scope else None


def _approved(old: Belief, now: datetime) -> Belief:
    return confirmed(old._replace(review="approved"), now)


def _summary(kind: str, beliefs: Sequence[Belief]) -> str:
    names = ", ".join(f"{belief.name} ({belief.id})" for belief in beliefs[:3])
    return f"{kind} {names}{' and more' if len(beliefs) > 3 else ''}"


def _says(belief: Belief) -> tuple[Any, ...]:
    """What a belief may contradict others with."""
    given = [entry for entry in belief.aliases if entry.origin == "given"]
    return belief.scope, belief.type, belief.name, belief.content, given, belief.current


def _retired(status: str) -> Change:
    def change(old: Belief, now: datetime) -> Belief:
        _require_live(old)
        return old._replace(status=status)

    return change


def require_wider(old: Belief, scope: str) -> None:
    """Make sure that whoever sees a belief sees what takes its place in this scope.

    Raises: UsageMistake if a session could be left with neither.
    """
    if scopes.parse(scope) not in scopes.visible([scopes.parse(old.scope)]):
        raise UsageMistake(
            f"{old.name} ({old.id}) holds in {old.scope}, where {scope} is not seen", f"--scope {old.scope}"
        )


def _require_live(belief: Belief) -> None:
    if not belief.live:
        raise UsageMistake(f"{belief.name} ({belief.id}) is {belief.status}", f"mem restore {belief.id}")


def require_nameable(surface: str) -> None:
    """Make sure that an alias is one that a prompt can hold and most prompts do not.

    Raises: UsageMistake.
    """
    phrases = text.phrases(surface)
    if not phrases:
        raise UsageMistake(f"the alias {surface!r} has no letter or digit to name it by", "mem alias ID +NEW")
    if surface.islower() and all(word in text.FUNCTION_WORDS for word in phrases[0]):
        raise UsageMistake(f"the alias {surface!r} stands in nearly every prompt", "choose a rarer one")
