"""
The captures that hang on one connection, and their accounts.

Knows who they are and where a line about them goes; decides nothing.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

import attrs
from twisted.application.service import Service

from tcclient.ledger.entries import Asked, Entry
from tcclient.sources.keywords import Understood
from tcclient.sources.twitter_v1.feed import Owner
from tcclient.sources.twitter_v2.rules.clauses import Clause
from tcclient.storage.archive import Archive
from tcclient.storage.folders import Note


@attrs.frozen
class Terms:
    """What a capture asks X for; without clauses it is the sample stream."""

    clauses: tuple[Clause, ...]

    def for_ledger(self) -> Asked:
        """As Asked of a feed."""
        return Asked(clauses=tuple(clause.text for clause in self.clauses))


class Stem(Protocol):
    """What a branch hangs on."""

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte; None where the stream is not heard."""

    def has(self, branch: "Branch") -> bool:
        """Whether the capture asks for anything here."""

    def serves(self, branch: "Branch") -> bool:
        """Whether its posts come now."""

    def follow(self, branch: "Branch", text: str | None) -> Understood:
        """Bring it what the keyword text asks for."""

    async def leave(self, branch: "Branch") -> None:
        """Bring it nothing more.  Returns when what has arrived for it is stored."""

    def forget(self, branch: "Branch") -> None:
        """Leave nothing at X of a capture that does not ask for anything here."""

    def read_or_not(self) -> None:
        """Read nothing while a capture here is held, and go on when none is any more."""


class Branch(Service):
    """
    As Feed: what one capture has of the connection.

    `announced` says that its account has the connection as open, `served` when X was last known to
    have a rule of it, `text_is_news` that the account does not say since when `text`, the keywords,
    is in force, `refused` that it has been told that the sample is not to be had, and `leaving`
    that it is about to stop; `held_by` are those for whom nothing is to be read.
    """

    def __init__(self, stem: Stem, job_id: int, owner: Owner) -> None:
        self.job_id = job_id
        self.owner = owner
        self.text: str | None = None
        self.text_is_news = False
        self.is_sample = False
        self.announced = False
        self.served = 0.0
        self.refused = False
        self.leaving = False
        self.held_by: set[object] = set()
        self._stem = stem

    @property
    def streaming(self) -> bool:
        return self._stem.serves(self)

    @property
    def quiet(self) -> bool:
        return not self._stem.has(self)

    @property
    def silent(self) -> float | None:
        """As Supply."""
        return self._stem.silent if self.announced else None

    @property
    def archive(self) -> Archive | None:
        """Where its posts go."""
        return self.owner.archive

    @property
    def title(self) -> str:
        """Of the capture, for the log."""
        return "" if self.archive is None else self.archive.name

    def ask(self, text: str | None) -> Understood:
        """As Feed."""
        return self._stem.follow(self, text)

    async def cease(self) -> None:
        """As Feed."""
        await self._stem.leave(self)

    def forget(self) -> None:
        """As Feed."""
        self._stem.forget(self)

    def hold(self, by: object) -> None:
        """As Supply."""
        self.held_by.add(by)
        self._stem.read_or_not()

    def release(self, by: object) -> None:
        """As Supply."""
        self.held_by.discard(by)
        self._stem.read_or_not()

    def note(self, entry: Entry) -> None:
        """A line into its account."""
        if self.archive is not None:
            self.archive.note(entry)


class Branches:
    """`note` writes a line into the ledger that belongs to no capture."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._by_job: dict[int, Branch] = {}

    def __iter__(self) -> Iterator[Branch]:
        return iter(list(self._by_job.values()))

    def has(self, branch: Branch) -> bool:
        return self._by_job.get(branch.job_id) is branch

    def add(self, branch: Branch) -> None:
        self._by_job[branch.job_id] = branch

    def remove(self, branch: Branch) -> None:
        """One that is not there is no error."""
        if self.has(branch):
            del self._by_job[branch.job_id]

    def of(self, job_ids: Iterable[int]) -> list[Branch]:
        """Those of the jobs that are there."""
        return [self._by_job[job_id] for job_id in job_ids if job_id in self._by_job]

    def announced(self) -> list[Branch]:
        """Those whose accounts have the connection as open."""
        return [branch for branch in self._by_job.values() if branch.announced]

    def note(self, job_id: int, entry: Entry) -> None:
        """A line about a job: into its account, or where there is none any more, into the other."""
        for branch in self.of([job_id]):
            if branch.archive is not None:
                branch.note(entry)
                return
        self._note(entry, job_id)

    def note_all(self, entry: Entry) -> None:
        """A line into each account, and into that which belongs to no capture."""
        self._note(entry)
        for branch in self:
            branch.note(entry)


def names(branches: Iterable[Branch]) -> list[str]:
    """For the log."""
    return [branch.title for branch in branches]
