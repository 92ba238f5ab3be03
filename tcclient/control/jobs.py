"""
The server's jobs, and which of them to capture.  Pure.

Knows the members of a job object; knows no requests.
"""

import enum
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tcclient.ledger.counters import Row
from tcclient.runtime.places import kind

MOST_IDS = 1 << 63
"""Ids are smaller than this in each database."""


class Status(enum.IntEnum):
    """How far a job has come.  The site asks (STARTING, STOPPING), a client answers."""

    UNKNOWN = 0
    CREATED = 1
    STARTING = 2
    STARTED = 3
    STOPPING = 4
    STOPPED = 5


class Job(Struct, frozen=True):
    """
    One capture as the server describes it.  `keywords` is the text exactly as stored, and
    `keywords_member` what this server calls it.  `assigned_worker` is the number of the client that
    has the job, None if that is not told; `withdrawn` says that the job is archived or deleted,
    `is_archived` which of them.
    `recent_total` and `recent_rate` are those of the newest update, None if there is none;
    `created` is when the job was made, as the server writes it.  `revision` rises with each change
    that people make, None on a server that does not count them.
    """

    id: int
    name: str
    status: int
    keywords: str | None
    total_count: int | None
    assigned_worker: int | None
    withdrawn: bool
    recent_total: int | None
    keywords_member: str = "keywords"
    recent_rate: str | None = None
    created: str | None = None
    revision: int | None = None
    is_archived: bool = False

    @property
    def rows(self) -> list[Row]:
        """The newest update, as far as a job shows it, if there is one."""
        has_one = (self.recent_total, self.recent_rate) != (None, None)
        return [(None, self.recent_total, self.recent_rate)] if has_one else []

    @property
    def is_starting(self) -> bool:
        """Whether somebody waits for posts to be captured."""
        return self.status == Status.STARTING

    @property
    def wanted(self) -> bool:
        """Whether posts are to be captured for this job."""
        return not self.withdrawn and self.status in (Status.STARTING, Status.STARTED)

    @property
    def wanted_because(self) -> str:
        """Why it is captured, as the ledger has it: `started` by a researcher, or `resumed`."""
        return "started" if self.status == Status.STARTING else "resumed"

    def lost_since(self, known: "Job") -> bool:
        """
        Return whether this newer reading of `known` says that the job is archived, deleted or
        another client's.  A reading without a worker says nothing: the site assigns one to each
        job.
        """
        workers = {known.assigned_worker, self.assigned_worker} - {None}
        return self.withdrawn or len(workers) > 1

    def lost_because(self, known: "Job") -> str:
        """Return how it was lost since `known`, a clause; empty where it was not."""
        if not self.lost_since(known):
            return ""
        if self.withdrawn:
            return "is archived" if self.is_archived else "is deleted"
        return f"was given to client {self.assigned_worker}"

    @classmethod
    def from_json(cls, value: object) -> "Job":
        """Return the job of a decoded JSON value.  Raises ValueError that names what is wrong."""
        if not isinstance(value, Mapping):
            raise ValueError(f"a job is {kind(value)}, not an object")
        recent = _member(value, "recent_update", dict, type(None), default=None) or {}
        # The site renamed the member in 2016; both generations are deployed.
        older = "twitter_keywords" in value and "keywords" not in value
        keywords = "twitter_keywords" if older else "keywords"
        id = _member(value, "id", int)
        if not 0 <= id < MOST_IDS:
            raise ValueError("a job's 'id' is no number of a database")
        dates = {
            name: _member(value, name, str, type(None), default=None)
            for name in ("archived_date", "deleted_date")
        }
        return cls(
            id=id,
            name=_member(value, "name", str),
            status=_member(value, "status", int),
            keywords=_member(value, keywords, str, type(None)),
            total_count=_member(value, "total_count", int, type(None)),
            assigned_worker=_member(value, "assigned_worker", int, type(None), default=None),
            withdrawn=any(date is not None for date in dates.values()),
            is_archived=dates["archived_date"] is not None and dates["deleted_date"] is None,
            recent_total=_member(recent, "total_count", int, type(None), default=None),
            keywords_member=keywords,
            recent_rate=_member(recent, "rate", str, type(None), default=None),
            created=_member(value, "created_date", str, type(None), default=None),
            revision=_member(value, "revision", int, type(None), default=None),
        )


class Decision(Struct, frozen=True):
    """
    Which jobs to capture, and which ones are wanted as well: for those left out there is no room,
    and some cannot be stored.
    """

    captured: tuple[Job, ...] = ()
    left_out: tuple[Job, ...] = ()
    unstorable: tuple[Job, ...] = ()


def decide(
    jobs: Sequence[Job], most: int | None, unstorable: Collection[int] = frozenset()
) -> Decision:
    """
    Return which jobs to capture: the `most` wanted ones with the lowest ids, None for all, but not
    those with an id in `unstorable`.
    """
    wanted = sorted((job for job in jobs if job.wanted), key=lambda job: job.id)
    able = tuple(job for job in wanted if job.id not in unstorable)
    unable = tuple(job for job in wanted if job.id in unstorable)
    return Decision(able[:most], () if most is None else able[most:], unable)


_REQUIRED = object()


def _member(value: Mapping[Any, Any], name: str, *types: type, default: object = _REQUIRED) -> Any:
    """
    Return a member of a job object, or `default` if it has none.  Raises ValueError if it is
    missing and has no default, or is of none of the types.
    """
    found = value.get(name, default)
    if found is _REQUIRED:
        raise ValueError(f"a job has no member {name!r}")
    # bool is an int to Python, and never one of the server's numbers.
    if not isinstance(found, types) or isinstance(found, bool):
        raise ValueError(f"a job's {name!r} is {kind(found)}")
    return found
