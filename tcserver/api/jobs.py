"""
How a capture is written out: the members that clients know as a job's.

Knows the columns that they come from, which are read without making objects of rows.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from django.db.models import QuerySet
from msgspec import UNSET, UnsetType

from tcclient.control.jobs import Status
from tcserver.api.fields import written_rate
from tcserver.captures.models import CaptureRecord, shown_total
from tcserver.captures.status import status_of
from tcserver.sql import PreparedQuery


class RecentUpdate(msgspec.Struct, frozen=True):
    """The newest update of a job; empty where there is none."""

    date: datetime | UnsetType = UNSET
    total_count: int | UnsetType | None = UNSET
    rate: str | UnsetType | None = UNSET


NO_UPDATE = RecentUpdate()


class JobMembers(msgspec.Struct, frozen=True):
    """
    A job, all members always.  `revision` rises with each change that people make; old clients pass
    it over.
    """

    id: int
    url: str
    name: str
    description: str | None
    keywords: str | None
    status: int
    task_id: int | None
    first_started: datetime | None
    started: datetime | None
    stopped: datetime | None
    assigned_worker: int | None
    assigned_worker_username: str | None
    total_count: int | None
    rate: str | None
    ping_date: datetime | None
    created_by: int | None
    created_by_username: str | None
    created_date: datetime
    modified_by: int | None
    modified_by_username: str | None
    modified_date: datetime
    deleted_by: int | None
    deleted_date: datetime | None
    archived_by: int | None
    archived_date: datetime | None
    recent_update: RecentUpdate
    revision: int


COLUMNS = [
    "pk",
    "name",
    "description",
    "keywords",
    "wanted",
    "answer",
    "task",
    "first_started_at",
    "started_at",
    "stopped_at",
    "client",
    "client__name",
    "total",
    "counted",
    "rate",
    "ping_at",
    "created_by",
    "created_by__username",
    "created_at",
    "changed_by",
    "changed_by__username",
    "modified_at",
    "deleted_by",
    "deleted_at",
    "archived_by",
    "archived_at",
    "update_at",
    "update_total",
    "update_rate",
    "revision",
]


def job_rows(captures: "QuerySet[CaptureRecord]") -> Any:
    """Return the columns of these captures, by number, for `job_members`."""
    return captures.order_by("pk").values_list(*COLUMNS)


def job_row(capture: CaptureRecord) -> tuple[Any, ...]:
    """Return the same columns of a capture that was read for a write."""
    return tuple(_column(capture, name) for name in COLUMNS)


def _column(row: Any, name: str) -> Any:
    other, _, member = name.partition("__")
    if member:
        return getattr(getattr(row, other), member, None)
    return getattr(row, f"{name}_id" if hasattr(row, f"{name}_id") else name)


ACTIVE = PreparedQuery(
    lambda client: job_rows(
        CaptureRecord.objects.filter(client=client, archived_at=None, deleted_at=None)
    ),
    -1,
)
"""The columns of the captures that are a client's now."""
ANY = PreparedQuery(lambda number: job_rows(CaptureRecord.objects.filter(pk=number)), -1)
"""The columns of one capture, whosever it is."""


def job_members(row: tuple[Any, ...], url: str) -> JobMembers:
    """Return the members of a job from its columns; `url` is its address."""
    (
        pk, name, description, keywords, wanted, answer, task, first_started, started, stopped,
        client, client_name, total, counted, rate, ping, created_by, created_by_name, created,
        changed_by, changed_by_name, modified, deleted_by, deleted, archived_by, archived,
        update_at, update_total, update_rate, revision,
    ) = row  # fmt: skip
    status = status_of(wanted, answer)
    stands = status == Status.STOPPED and rate is not None
    recent = NO_UPDATE
    if update_at:
        recent = RecentUpdate(update_at, update_total, written_rate(update_rate))
    return JobMembers(
        pk, url, name, description, keywords, int(status), task, first_started, started, stopped,
        client, client_name, shown_total(total, counted), written_rate(0 if stands else rate),
        ping, created_by, created_by_name, created, changed_by, changed_by_name, modified,
        deleted_by, deleted, archived_by, archived, recent, revision,
    )  # fmt: skip


def job_address(base: str, capture: int, query: Mapping[str, str], suffix: str | None) -> str:
    """Return the address of a job; the format that was asked for stays in it."""
    wanted = f"?format={query['format']}" if query.get("format") else ""
    return f"{base}/api/jobs/{capture}{f'.{suffix}' if suffix else '/'}{wanted}"
