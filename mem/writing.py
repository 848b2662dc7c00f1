"""Writing: the frame of one act of the user.

It takes the lock, finishes what a crash left over, decides in one transaction, and then brings the pages in
line. What the acts are is the business of `memory`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import count, islice

from mem import config, git, lexical, receipts, retention, sync, terminal, text, tree
from mem import scope as scopes
from mem.belief import MAX_ALIASES, MAX_NAME, Belief, alias, check, derived_aliases, rivals
from mem.config import Home, data_directory, replica_text
from mem.embedding import Meaning
from mem.errors import GitProblem, ModelUnusable, NewPage, Problem, StoreUnusable, TreeProblem, UsageMistake
from mem.reading import Reader, agent
from mem.stance import things
from mem.store import ENDINGS, Held, Page, Proposal, Store, Transaction, View, locked, unusable

EMBEDDED_AT_ONCE = 256
"""Beliefs whose vectors are made in one go: a tenth of a second by the embedded model, one or two by MiniLM."""
AT_ONCE_OF_OTHERS = 32
"""Beliefs that an act waits for where the model is not the embedded one; many more wait for `mem init`."""


class Writer(Reader):
    """One person's memory, in one folder, to be written."""

    def __init__(
        self,
        home: Home,
        *,
        clock: Callable[[], datetime],
        warn: Callable[[str], None],
        progress: Callable[[int, int], None] = lambda done, left: None,
    ) -> None:
        super().__init__(home, clock=clock, warn=warn)
        self._progress = progress
        """Told how many beliefs have been embedded, and how many are left, where that takes long."""
        self._model: tuple[str, Meaning] | None = None
        """The model that was used last, by its name: one that was loaded is not loaded again."""
        self._rendered: dict[str, bytes] = {}
        """Pages of the beliefs that the act at hand has decided on, by id."""
        self._drafts: dict[str, bytes] = {}
        """Pages as their user has just written them, with all that is not mem's, by id."""
        self.may_begin = True
        """Whether a memory folder that is not there is made."""
        self._folder: os.stat_result | None = None
        """Which folder the lock that is held lies in."""

    @contextmanager
    def _locked_store(self, *, regain: bool = False) -> Iterator[Store]:
        """The store for writing, under the lock, with nothing left over from a crash; `regain` as `_locked` has it."""
        with self._locked(regain=regain):
            self._make_home()
            store = self._open_to_write()
            try:
                text.speak(store.language)
                tree.recover(self.home.local)
                sync.deliver(self.home, store)  # what a person changed meanwhile is taken in first, or reported then
                self._keep_house(store)
                yield store
                self._catch_up(store)
            finally:
                store.close()

    @contextmanager
    def _locked(self, *, regain: bool = False) -> Iterator[None]:
        """Hold the lock of the memory folder, which is made if it is not there.

        A folder that knows no database is to `regain` the one that it had, where that is still there; else a new one
        begins. It never does so unasked: what is not in the folder would be taken for what its user deleted.
        """
        if self.may_begin:
            self._make_local()
        with locked(self.home.lock):
            self._folder = self._found()
            lost = self.home.lost() if self.home.database() is None else None
            if lost is not None and regain:
                self._note_database(lost)
            elif lost is not None:
                back = f"mem doctor --rebuild tree --from {lost}"
                self._warn(f"a new database begins; {back} brings back the one of before, with what no page says")
            yield

    def _found(self) -> os.stat_result | None:
        with suppress(OSError):
            return os.stat(self.home.local)
        return None

    def _require_there(self) -> None:
        """Make sure that the memory folder was not moved or deleted since the lock was taken.

        Otherwise what was read may lack pages that nobody deleted, and what is written would begin a new one.
        Raises: StoreUnusable if it was.
        """
        found = self._found()
        if found is None or self._folder is None or not os.path.samestat(found, self._folder):
            raise StoreUnusable(f"the memory folder {self.home.path} was moved or deleted meanwhile", "mem status")

    def _keep_house(self, store: Store) -> None:
        """What readers cannot do for themselves: a memo of the settings, receipts in the store, old lists gone."""
        memo = config.memoized(self.home.settings)
        if memo != (store.meta("settings") or self.home.settings):
            store.note("settings", memo)
        language = self._settings(store)["words.language"]
        if language != store.language:
            text.speak(language)
            store.reindex(language, lexical.indexed)
        meaning = self._meaning(store)
        if meaning is not None and store.meta("model") != meaning.model:
            store.change_model(meaning.model)
        self._catch_up(store)
        now = self._clock()
        receipts.fold(store, now, self._settings(store)["receipts.days"])
        terminal.drop_lists(self.home, now.timestamp() - terminal.KEPT_DAYS * 86_400)
        sync.drop_displaced(self.home, now.timestamp() - sync.DISPLACED_SECONDS)

    def _meaning(self, store: Store) -> Meaning | None:
        """The model that vectors are made with; None if it cannot be used, which is told where it is missed."""
        name = self._settings(store)["model.name"]
        try:
            if self._model is None or self._model[0] != name:
                self._model = name, Meaning(name)
            return self._model[1]
        except ModelUnusable:
            return None

    def embed(self) -> None:
        """Make all the vectors that are waited for; what is done stays when this is interrupted.

        The lock is let go between portions, so that others can write: a model that is not the embedded one takes
        minutes for thousands of beliefs.
        Raises: ModelUnusable if it cannot be run.
        """
        left = True
        while left:
            with self._locked_store() as store:
                meaning = self._meaning(store)
                left = meaning is not None and self._embed_some(store, meaning)

    def _catch_up(self, store: Store) -> None:
        """Make the vectors that are waited for, where that takes no longer than a moment."""
        meaning = self._meaning(store)
        while meaning is not None and meaning.own and self._embed_some(store, meaning):
            pass

    def _embed_some(self, store: Store, meaning: Meaning) -> bool:
        """Make the vectors of some of the beliefs that wait for theirs; False if there are no more."""
        waiting = store.unembedded(EMBEDDED_AT_ONCE)
        if waiting:
            vectors = meaning.embed(waiting)
            with store.atomic():
                store.add_vectors(meaning.model, vectors)
            self._progress(len(waiting), store.waiting())
        return len(waiting) == EMBEDDED_AT_ONCE

    def _embed_with(self, store: Store) -> None:
        """Make the vectors of what an act decided, within its transaction, if they can be had soon.

        A model that fails is no reason for the act to: what it leaves waits, and is found by its words.
        """
        meaning = self._meaning(store)
        waiting = store.unembedded(EMBEDDED_AT_ONCE if meaning is not None and meaning.own else AT_ONCE_OF_OTHERS + 1)
        if meaning is None or not waiting or (len(waiting) > AT_ONCE_OF_OTHERS and not meaning.own):
            return
        try:
            store.add_vectors(meaning.model, meaning.embed(waiting))
        except ModelUnusable as error:
            self._warn(f"what it means is not known yet: {error.message} ({error.hint})")

    def _embed_at_once(self, store: Store, beliefs: Mapping[int, Belief]) -> None:
        """Make the vectors of beliefs (by row number) that are at hand, so that they need not be read once more."""
        meaning = self._meaning(store)
        if meaning is None or not meaning.own:
            return
        store.note("model", meaning.model)
        for first in range(0, len(beliefs), EMBEDDED_AT_ONCE):
            some = dict(islice(beliefs.items(), first, first + EMBEDDED_AT_ONCE))
            try:
                store.add_vectors(meaning.model, meaning.embed(some))
            except ModelUnusable as error:
                self._warn(f"what they mean is not known yet: {error.message} ({error.hint})")
                return
            self._progress(len(some), len(beliefs) - first - len(some))

    @contextmanager
    def _writing(
        self,
        kind: str,
        summary: str,
        source: str | None = None,
        *,
        about: Callable[[Store], Iterable[str]] | None = None,
        dry_run: bool = False,
    ) -> Iterator[Transaction]:
        """One act of the user: decided and durable, then carried into the tree; a dry run is taken back.

        What a person wrote into the pages of the beliefs that it is `about` (ids) is taken in first.
        """
        with self._locked_store() as store:
            if about is not None:
                self._import(store, about)
            self._rendered = {}
            waiting = {id_ for id_, _ in store.outbox()}
            with store.transaction(
                kind, summary, source=source or self._author(), now=self._clock(), dry_run=dry_run
            ) as transaction:
                yield transaction
                if kind == "undo":
                    sync.require_untouched(self.home, store, [id_ for id_, _ in store.outbox() if id_ not in waiting])
                for path, content in transaction.files.items():
                    if content is None:
                        tree.erase(path)
                    else:
                        tree.make_folder(os.path.dirname(path))
                        tree.replace(path, content.encode())
                self._embed_with(store)
            own = {path for id_, path in store.outbox() if id_ not in waiting}
            left = sync.deliver(self.home, store, self._rendered)
            # What waits elsewhere is for its user: its path may tell of a scope that an agent does not see.
            self._report(left if agent() is None else [problem for problem in left if problem.path in own])

    def _import(self, store: Store, about: Callable[[Store], Iterable[str]]) -> None:
        """Take in what a person wrote into the pages of some beliefs, before anything is decided about them.

        That is an act of its own, which stays if the other one fails. A command of an agent takes nothing in: what
        is in the pages might be its own words, and would count as the user's.
        """
        if agent() is not None:
            return
        new: set[str] = set()
        while True:
            ids: list[str] = []
            state = git.state(self.home.path)  # before anything else, so that whatever git does meanwhile shows
            try:
                ids = [*about(store)]
            except NewPage as error:
                if error.path in new:
                    return  # it cannot be taken in, which the act itself will report
                new.add(error.path)
            except UsageMistake:  # which the act itself will report
                return
            if (ids or new) and sync.waits(self.home, store) is None and state.busy is None:
                self._import_pages(store, ids or None, new, state)
            if ids or not new:
                return

    def _import_pages(self, store: Store, ids: list[str] | None, new: Collection[str], state: git.State) -> None:
        now = self._clock()
        sides = sync.look(self.home, store, now, only=ids)
        self._require_there()
        changes = self._told_apart(store, sync.plan(*sides))
        own = [one for one in changes if one.act in ("take", "agree") and (ids is not None or one.path in new)]
        if git.state(self.home.path) == state:  # else what was read may be half of another branch
            self._apply(store, own, now)

    def _told_apart(self, store: Store, changes: Sequence[sync.Change]) -> list[sync.Change]:
        """The changes, with what somebody else committed as proposals, and what the user did elsewhere as such."""
        paths = [change.path for change in changes if change.act in ("take", "retire")]
        held, since = store.held(), store.meta("commit")
        waiting = sync.awaited(store) if held else set()
        if not paths or (since is not None and not git.arrived(self.home.path, since)):
            return sync.proposed(changes, {}, held, waiting)
        changes = sync.proposed(changes, self._authors(paths, since), held, waiting)
        return sync.committed(changes, git.clean(self.home.path, paths))

    def _authors(self, paths: Sequence[str], since: str | None = None) -> Mapping[str, str]:
        """Who else committed what stands in these pages, by path."""
        try:
            return git.foreign(self.home.path, paths, self._addresses(), since) if paths else {}
        except GitProblem as error:
            self._warn(f"{error.message}; so everything counts as yours")
            return {}

    def _apply(
        self, store: Store, changes: Sequence[sync.Change], now: datetime, *, whole: bool = False
    ) -> list[Problem]:
        """Let the store follow the tree, in one act; returns what could not be taken.

        The `whole` tree was looked at, so that it is known which pages are held.
        """
        self._rendered = {}
        faults: list[Problem] = []
        done = []
        with store.transaction("sync", "sync", source="user", now=now) as transaction:
            for change in changes:
                if change.act in ("take", "follow") and change.sheet is not None:
                    transaction.vacate(change.id)  # two pages may have changed places
            for change in changes:
                try:
                    done.append(self._follow(transaction, change, now))
                except ValueError as error:
                    faults.append(Problem(change.path, 0, str(error)))
                    transaction.stay(change.id)
            if whole:
                transaction.hold(sync.holds(done))
            taken = [change for change in changes if change.act in ("take", "retire", "propose")]
            transaction.summary = f"sync {', '.join(change.path for change in taken[:3])}{' …' if taken[3:] else ''}"
        return faults

    def _follow(self, transaction: Transaction, change: sync.Change, now: datetime) -> sync.Change:
        """Let the store follow one page; returns the change, with the id that was given to a page without one.

        Raises: ValueError if the belief that results is none.
        """
        sheet = change.sheet
        if change.act == "propose":
            return change._replace(id=self._propose(transaction, change, now))
        if change.act == "take":
            self._take(transaction, change, now)
        elif change.act == "retire" and change.belief is not None:
            self._put(transaction, change.belief._replace(updated=now))
        elif change.act == "drop":
            transaction.drop_page(change.id)
        elif change.act in ("agree", "follow") and sheet is not None:
            said, old = sheet.said, transaction.store.page_of(change.id)
            transaction.agree(sheet.page, said.scope if isinstance(said, Belief) else None, sheet.text or None)
            if old is not None and dict(transaction.store.outbox()).get(change.id) == old.path:
                transaction.promise(change.id, sheet.page.path)  # what waits goes where the page is now
        return change

    def _propose(self, transaction: Transaction, change: sync.Change, now: datetime) -> str:
        """Put what somebody else committed into the inbox; returns the id of the belief that it is about.

        Raises: ValueError if the belief that results is none.
        """
        store, said = transaction.store, change.belief
        assert said is not None, "what is proposed says something"
        self._withdraw(transaction, change.id)
        target = store.everything().by_id([change.id]).get(change.id)
        known = target is not None and target.review == "approved"
        id_ = self._fresh_id(store) if known or change.id == sync.UNNAMED else change.id
        scope = target.scope if target is not None else said.scope
        source = f"git:{change.author}"
        pending = said._replace(id=id_, scope=scope, review="pending", source=source, session=None, at=now)
        if known and not said.current:
            pending = pending._replace(status="active", superseded_by=None, archived=False)
        transaction.set_scope(scope, True)
        self._put(transaction, check(pending._replace(pinned=False)))
        if known:
            transaction.set_proposal(id_, Proposal("revise" if said.current else "forget", change.id))
        return change.id if known else id_

    def _withdraw(self, transaction: Transaction, target: str) -> None:
        """Take back what an older state of a page proposed."""
        everything = transaction.store.everything()
        for id_, proposal in everything.proposals().items():
            pending = everything.belief(id_)
            if proposal.target == target and pending.live and pending.source.startswith("git:"):
                transaction.set_proposal(id_, None)
                transaction.remove(id_)

    def _take(self, transaction: Transaction, change: sync.Change, now: datetime) -> None:
        """Let the store hold what a page says."""
        store, sheet, new = transaction.store, change.sheet, change.belief
        assert sheet is not None and new is not None, "what is taken is there"
        if new.id == sync.UNNAMED:
            new = new._replace(id=self._fresh_id(store))
        old = store.everything().by_id([new.id]).get(new.id)
        self._withdraw(transaction, new.id)
        if old is not None:
            new = new._replace(session=old.session, at=old.at)
        by_hand = change.kind != sync.COMMITTED
        if by_hand and old is not None and new.updated == old.updated:  # what another mem wrote is newer
            new = edited(old, new, now)._replace(updated=now)
        page = tree.revise(sheet.text, check(new))
        place = tree.place_of(change.path)
        stays = place is not None and place.scope == new.scope
        transaction.set_scope(new.scope, True)
        transaction.agree(sheet.page._replace(id=new.id), new.scope, sheet.text)
        self._put(transaction, new, change.path if stays else None)
        if stays and page == sheet.text:
            transaction.keep(new.id)
        self._warn_of(new, [other for other, _ in self._contest(transaction, new, old is None or _restated(old, new))])
        if change.other is not None:
            self._set_beside(transaction, change.other, new)

    def _set_beside(self, transaction: Transaction, other: Belief, page: Belief) -> None:
        """Record what the store held where a page says something else: a belief of its own, contested."""
        store = transaction.store
        view = store.visible([scopes.parse(other.scope)])
        taken = {name for (name,) in view.rows("SELECT name FROM belief WHERE scope :scopes")}
        name = next(name for n in count(2) if (name := f"{other.name}_{n}") not in taken)
        found_as = alias(page.name)  # so that the two contradict each other as long as both hold
        aliases = (*(one for one in other.aliases if one.text != page.name), found_as)[-MAX_ALIASES:]
        beside = other._replace(id=self._fresh_id(store), name=name[:MAX_NAME], aliases=aliases)
        self._put(transaction, beside)
        if beside.current and page.current:
            transaction.set_conflict(page.id, beside.id, "open")

    def _warn_of(self, new: Belief, contested: Sequence[Belief]) -> None:
        for other in contested:
            named = f"{new.name} ({new.id}) contradicts {other.name} ({other.id})"
            self._warn(f"{named}: neither is injected until you decide (mem conflicts)")

    def _report(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            self._warn(str(problem))

    def _author(self) -> str:
        name = agent()
        return f"agent:{name}" if name is not None else "user"

    def _make_local(self) -> None:
        """The folder that holds the lock; nothing else is made before the lock is held."""
        try:
            tree.make_folder(self.home.path, 0o700)
            tree.make_folder(self.home.local, 0o700)
        except OSError as error:
            raise unusable(error, self.home.path) from error

    def _make_home(self) -> None:
        """The memory folder as a git repository, with the files that mem keeps in it; the format file comes last."""
        if os.path.exists(self.home.format):
            return
        self._require_there()
        try:
            reason = git.make_repository(self.home.path)
            if reason is not None:
                self._warn(f"the memory folder is not a git repository: {reason}")
            _append_line(os.path.join(self.home.path, ".gitignore"), ".mem/local/")
            _write_whole(self.home.format, f"format: {tree.FORMAT}\n{self.home.store_line() or f'store: {_mint()}'}\n")
        except OSError as error:
            raise unusable(error, self.home.path) from error

    def _open_to_write(self) -> Store:
        path = self.home.database()
        self._require_there()
        new = path is None
        if path is None:
            path = os.path.join(data_directory(), _mint(), "memory.db")
            store = self._make_store(path)
        else:
            store = Store.writing(path)
        try:
            self._note_database(path)
        except BaseException:
            store.close()
            if new:  # nothing points to it
                shutil.rmtree(os.path.dirname(path))
            raise
        return store

    def _note_database(self, path: str) -> None:
        """Let folder and database name each other."""
        replica = os.path.basename(os.path.dirname(path))
        try:
            _write_whole(config.folder_note(path), self.home.note_text(path))
            _write_whole(self.home.replica, replica_text(replica, path, self.home.path))
        except OSError as error:
            raise unusable(error, error.filename or self.home.replica) from error

    def _make_store(self, path: str, trusted: Mapping[str, str] | None = None) -> Store:
        """A new database, with the beliefs of the pages that are there: a clone, or after a loss.

        `trusted` are pages, by path, that were approved in the state that has this hash.
        """
        now = self._clock()
        pages, problems = sync.read_pages(self.home, now)
        self._require_there()
        head = git.head(self.home.path)
        try:
            _make_folder_of(path)
            store = Store.writing(path, create=True)
            # Without an identity nobody can be told from the user, who has just made this clone.
            known = pages if git.identified(self.home.path) else []
            known = [one for one in known if (trusted or {}).get(one[1].page.path) != one[1].page.hash]
            authors = self._authors([sheet.page.path for _, sheet in known])
            taken = []
            for belief, sheet in pages:
                author = authors.get(sheet.page.path)
                if author is not None:
                    belief = belief._replace(review="pending", source=f"git:{author}", at=now)
                taken.append((belief, lexical.indexed(belief), sheet.page, sheet.text))
            with store.transaction("adopt", "take in pages", source="user", now=now) as transaction:
                self._embed_at_once(store, transaction.adopt(taken))
                for _, sheet in pages:
                    if sheet.page.path in authors:
                        self._leave(transaction, sheet.page.id)
            if head is not None:
                store.note("commit", head)
        except BaseException:
            for ending in ENDINGS:  # half of one would be taken for the whole
                tree.erase(path + ending)
            with suppress(OSError):  # what else is there is not of this making
                os.rmdir(os.path.dirname(path))
            raise
        if pages:
            were = "was" if len(pages) == 1 else "were"
            self._warn(f"took in {text.counted(len(pages), 'page')} that {were} in {self.home.path}")
        if authors:
            self._warn(f"{text.counted(len(authors), 'page')} of them others committed; mem review decides about those")
        for problem in problems:
            self._warn(f"{problem}; it was left out")
        return store

    def _put(
        self, transaction: Transaction, belief: Belief, place: str | None = None, number: int | None = None
    ) -> str | None:
        """Store a belief and decide the path of its page; returns that path.

        `place` and `number` are those that it had, where it had any and shall have them again.
        """
        store = transaction.store
        path = None
        if belief.review == "pending" and belief.source.startswith("git:"):
            self._leave(transaction, belief.id)
        if belief.review == "approved":
            page = store.page_of(belief.id)
            if page is not None and belief.id in self._drafts:  # like a save by hand: its other lines are kept, too
                self._save(transaction, page, self._drafts.pop(belief.id))
            self._rendered[belief.id] = sync.page_text(store, belief)  # what can have no page is no belief
            old = store.everything().by_id([belief.id]).get(belief.id)
            if page is not None and old is not None and tree.page_path(old) == tree.page_path(belief):
                place = place or page.path  # a person may have named the file
            path = place or sync.free_path(
                self.home, store, belief.id, tree.page_path(belief), page.path if page else None
            )
        transaction.put(belief, lexical.indexed(belief), path, number)
        if not belief.current:  # what is not believed contradicts nothing
            for other in store.everything().conflicts(belief.id):
                transaction.set_conflict(belief.id, other, None)
        return path

    def _save(self, transaction: Transaction, page: Page, draft: bytes) -> None:
        """Put a page in place as its user wrote it.

        Raises: TreeProblem if it was changed meanwhile.
        """
        try:
            placed = tree.place(os.path.join(self.home.path, page.path), draft, page.hash, self.home.local)
        except tree.Changed as error:
            raise TreeProblem(f"{page.path} was changed meanwhile; nothing was written") from error
        transaction.agree(Page(page.id, page.path, *placed), None, draft)

    def _leave(self, transaction: Transaction, id: str) -> None:
        """Let the page of a belief that is to be decided about once more stay as somebody else committed it."""
        page = transaction.store.page_of(id)
        if page is not None:
            transaction.drop_page(id)
            transaction.hold_also(Held(page.path, id, page.hash, sync.FOREIGN))

    def _contest(self, transaction: Transaction, belief: Belief, anew: bool = True) -> list[tuple[Belief, str]]:
        """Open a conflict with every current belief of the scope that cannot hold beside this one.

        What the user settled stays so, unless the belief is to be judged `anew`: it says something else now.
        """
        view = transaction.store.visible([scopes.parse(belief.scope)])
        if not belief.current:
            return []
        settled = set() if anew else {*view.conflicts(belief.id)} - {*view.contested().get(belief.id, [])}
        for id_ in {*view.conflicts(belief.id)} - settled:
            transaction.set_conflict(belief.id, id_, None)
        found = []
        near = lexical.claimants(view, belief).union(*(lexical.holders(view, one) for one in things(belief.content)))
        for other in sorted(view.numbered(near).values(), key=lambda other: (other.created, other.id)):
            surface = rivals(belief, other) if other.current and other.id not in settled else None
            if surface is not None:
                transaction.set_conflict(belief.id, other.id, "open")
                found.append((other, surface))
        return found

    def _fresh_id(self, store: Store) -> str:
        while True:
            id_ = _mint(store)
            if not store.everything().beliefs("id = ?", id_):
                return id_

    def _view_to_write(self, store: Store, given: Sequence[str]) -> View:
        return store.visible(self.open_scopes(store, given).visible)


def _restated(old: Belief, new: Belief) -> bool:
    return (old.scope, old.type, old.content) != (new.scope, new.type, new.content)


def edited(old: Belief, new: Belief, now: datetime) -> Belief:
    """The belief after an edit by its user, which confirms it; the same one if nothing changed."""
    if new._replace(updated=old.updated) == old:
        return old
    if new.content != old.content and new.aliases == old.aliases:  # what the old words implied goes with them
        kept = [entry for entry in old.aliases if entry.origin != "derived"]
        texts = {entry.text for entry in kept}
        derived = (entry for entry in derived_aliases(new.content) if entry.text not in texts)
        new = new._replace(aliases=(*kept, *derived) if len(kept) < len(old.aliases) else tuple(kept))
    return confirmed(new._replace(source="user-edit", at=now), now)


def confirmed(belief: Belief, now: datetime) -> Belief:
    """The belief after a use that confirms it."""
    elapsed = retention.elapsed_days(belief.anchor, now)
    return belief._replace(confirmed=max(belief.anchor, now), stability=retention.confirmed(belief.stability, elapsed))


def _make_folder_of(database: str) -> None:
    try:
        tree.make_folder(os.path.dirname(database), 0o700)
    except OSError as error:
        raise unusable(error, database) from error


def _write_whole(path: str, content: str) -> None:
    """Make a small file hold this, in one step, unless it does."""
    data = os.fsencode(content)
    if tree.read(path) == data:
        return
    tree.replace(path, data)


def _append_line(path: str, line: str) -> None:
    """Add a line to a file unless it has it; what a person wrote there stays."""
    present = os.fsdecode(tree.read(path) or b"")
    if line not in present.splitlines():
        _write_whole(path, present + ("\n" if present and not present.endswith("\n") else "") + line + "\n")


_MINTED = count()
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def _mint(store: Store | None = None) -> str:
    """Eight characters of Crockford base32, from the system's randomness (or MEM_SEED, in tests)."""
    seed = os.environ.get("MEM_SEED")
    if seed is not None and store is not None:
        import hashlib

        acts = store.rows("SELECT COALESCE(MAX(n), 0) FROM operation")[0][0]
        unique = f"{seed}:{acts}:{next(_MINTED)}"
        number = int.from_bytes(hashlib.sha256(unique.encode()).digest()[:5], "big")
    else:
        number = int.from_bytes(os.urandom(5), "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(35, -5, -5))
