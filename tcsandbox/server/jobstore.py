"""
The capture server's rows in memory: users, jobs, updates, and what the server does on a write.

Knows status dates, archiving, the heartbeat, history and the crash over keywords; knows no HTTP.
Values arrive checked and time comes from a function, so everything here is repeatable.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import attrs

from tcsandbox.server import rows
from tcsandbox.server.rows import TOKEN, JobRow, UpdateRow, UserAccount


@attrs.frozen
class Modification:
    """One row of history; `changes` is JSON text, which calls new what is the old value."""

    job: int
    modified_by: int
    changes: str


class Crash(Exception):
    """Raised when the server ends the request with its 500 page; nothing was saved."""


class NoSuchJob(LookupError):
    """Raised when there is no job with this id."""


class JobStore:
    """
    Every row of a capture server.

    New jobs are assigned to the user `worker_id`, whose token is `token`; user 1000 is the
    researcher `admin`.  `now` returns the server's time, with its zone.
    """

    def __init__(
        self, now: Callable[[], datetime], *, worker_id: int = 1, token: str = TOKEN
    ) -> None:
        self._now = now
        self._job_ids = itertools.count(1)
        self._update_ids = itertools.count(1)
        self.worker_id = worker_id
        self.since = now()
        self.users: dict[int, UserAccount] = {}
        self.jobs: dict[int, JobRow] = {}
        self.updates: dict[int, list[UpdateRow]] = {}
        self.history: list[Modification] = []
        self.add_user(UserAccount(rows.RESEARCHER_ID, "admin", rows.RESEARCHER_TOKEN, staff=True))
        self.add_user(UserAccount(worker_id, "client1", token))

    def add_user(self, user: UserAccount) -> None:
        """Add a user, or replace the one with the same id."""
        self.users[user.id] = user

    def user_of(self, token: str) -> UserAccount | None:
        """Return the user whose token this is, or None."""
        return next((user for user in self.users.values() if user.token == token), None)

    def create(self, name: str, keywords: str | None = None, status: int = rows.STARTING) -> JobRow:
        """Add a job for this store's worker, as the researcher would, and return it."""
        return self.insert(
            {
                "name": name,
                "keywords": keywords,
                "status": status,
                "assigned_worker": self.worker_id,
                "created_by": rows.RESEARCHER_ID,
            }
        )

    def put_back(self, jobs: Iterable[JobRow], updates: Iterable[UpdateRow]) -> None:
        """Add rows that an earlier store held; later rows are numbered after them."""
        for job in jobs:
            self.jobs[job.id] = job
            self.updates[job.id] = []
        last = 0
        for update in updates:
            self.updates[update.job].append(update)
            last = max(last, update.id)
        self._job_ids = itertools.count(max(self.jobs, default=0) + 1)
        self._update_ids = itertools.count(last + 1)

    def start(self, job_id: int) -> None:
        """Ask for the capture to run: write status 2."""
        self.write(job_id, {"status": rows.STARTING})

    def stop(self, job_id: int) -> None:
        """Ask for the capture to end: write status 4."""
        self.write(job_id, {"status": rows.STOPPING})

    def rekey(self, job_id: int, text: str | None) -> None:
        """Give the job other keywords."""
        self.write(job_id, {"keywords": text})

    def archive(self, job_id: int) -> None:
        """Put the job away, which stops it: status 5."""
        self.write(job_id, {"archived_date": self._now()})
        self.jobs[job_id].archived_by = rows.RESEARCHER_ID

    def reassign(self, job_id: int, worker: int) -> None:
        """Give the job to another client, who is created if unknown."""
        self.users.setdefault(worker, UserAccount(worker, f"client{worker}"))
        self.write(job_id, {"assigned_worker": worker})

    def delete(self, job_id: int) -> None:
        """Remove the job and its updates; raise NoSuchJob."""
        self.get(job_id)
        del self.jobs[job_id]
        del self.updates[job_id]

    def get(self, job_id: int) -> JobRow:
        """Return the row itself, not a copy; raise NoSuchJob."""
        try:
            return self.jobs[job_id]
        except KeyError:
            raise NoSuchJob(job_id) from None

    def active(self, worker: int) -> list[JobRow]:
        """Return the worker's jobs that are not archived, of any status, by id."""
        return [
            job
            for job in self.jobs.values()
            if job.assigned_worker == worker and job.archived_date is None
        ]

    def insert(self, values: Mapping[str, object]) -> JobRow:
        """Add a job with `values`, whose status sets no dates, and return it; raise Crash."""
        _fit(values)
        now = self._now()
        job = JobRow(next(self._job_ids), "", created_date=now, modified_date=now)
        for member, value in values.items():
            setattr(job, member, value)
        self.jobs[job.id] = job
        self.updates[job.id] = []
        return job

    def write(self, job_id: int, values: Mapping[str, object]) -> frozenset[str]:
        """
        Save `values` into the row, with the dates that a new status brings.

        Return the members that the server set itself, as naive datetimes.  Raise NoSuchJob,
        Crash.
        """
        job = self.get(job_id)
        _fit(values)
        status, archived = job.status, job.archived_date
        for member, value in values.items():
            setattr(job, member, value)
        if job.archived_date is not None and job.archived_date != archived:
            job.status = rows.STOPPED
        job.modified_date = now = self._now()
        dates = {rows.STARTED: {"started"}, rows.STOPPED: {"stopped"}}.get(job.status, set())
        if job.status == rows.STARTED and job.first_started is None:
            dates.add("first_started")
        for date in () if job.status == status else dates:
            setattr(job, date, now)
        return frozenset() if job.status == status else frozenset(dates)

    def write_and_ping(
        self, job_id: int, values: Mapping[str, object], requester: int
    ) -> frozenset[str]:
        """
        Save `values` and return what write() returns, the way jobs/<id>/ does it.

        That crashes over keywords, notes a heartbeat of the assigned worker and who
        archived, and adds a row of history.  Raise NoSuchJob, Crash.
        """
        job = self.get(job_id)
        if _keywords_crash(job.keywords, values):
            raise Crash("keywords")
        _fit(values)
        change = _modification(job, values, requester)
        archived = job.archived_date
        given = dict(values)
        if requester == given.get("assigned_worker", job.assigned_worker):
            given["ping_date"] = self._now()
        naive = self.write(job_id, given)
        if job.archived_date is not None and job.archived_date != archived:
            job.archived_by = requester
        if change is not None:
            self.history.append(change)
        return naive

    def mark_deleted(self, job_id: int, requester: int) -> None:
        """Note who wanted the job gone; it stays and stays active.  Raise NoSuchJob."""
        self.write(job_id, {"deleted_by": requester, "deleted_date": self._now()})

    def add_update(self, values: Mapping[str, object]) -> UpdateRow:
        """Add an update with `values`, which changes nothing of its job; return it, raise Crash."""
        _fit(values)
        update = UpdateRow(
            id=next(self._update_ids),
            date=self._now(),
            **values,  # type: ignore[arg-type]  # checked by the form that made them
        )
        self.updates[update.job].append(update)
        return update


def _fit(values: Mapping[str, object]) -> None:
    """Raise Crash for an integer of more than the 64 bits that SQLite holds."""
    if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in values.values()):
        raise Crash("integer too large")


def _keywords_crash(stored: str | None, values: Mapping[str, object]) -> bool:
    """
    Return whether the server crashes over the keywords of a write.

    It splits the old and the new ones, of which one may not be a text.
    """
    if "keywords" not in values:
        return bool(stored)
    return (values["keywords"] is None) != (stored is None)


def _modification(job: JobRow, values: Mapping[str, object], requester: int) -> Modification | None:
    """
    Return the row that writing `values` over the still unchanged `job` makes, or None.

    A member missing from the body counts as emptied, which is why each heartbeat that does not
    repeat name, description and keywords leaves a false row.
    """
    changes: dict[str, dict[str, object]] = {}
    for member in ("name", "description", "keywords"):
        stored, given = getattr(job, member), values.get(member)
        if stored == given or not (stored or given):
            continue
        changes[member] = {"new": stored, "old": given}
        if member == "keywords":
            before, after = _terms(given), _terms(stored)
            changes[member]["additions"] = sorted(after - before)
            changes[member]["deletions"] = sorted(before - after)
    if not changes:
        return None
    return Modification(job.id, requester, json.dumps(changes))


def _terms(keywords: object) -> set[str]:
    return set(keywords.split(",")) if isinstance(keywords, str) else set()
