"""
How the capture server writes out its rows and lists.

Knows the members, their order and types, and the addresses of pages; knows no requests.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlencode

from tcsandbox.server.fields import written_moment, written_rate
from tcsandbox.server.jobstore import JobStore
from tcsandbox.server.rows import JobRow, UpdateRow

PAGE_SIZE: Final = 10

Members: TypeAlias = dict[str, object]


def job_members(
    job: JobRow, store: JobStore, url: str, naive: frozenset[str] = frozenset()
) -> Members:
    """
    Return every member of a job.

    Those in `naive` are written without their Z, as in the answer to the very write that set
    them.
    """

    def username(user: int | None) -> str | None:
        known = store.users.get(user) if user is not None else None
        return known.username if known else None

    def date(member: str) -> str | None:
        text = written_moment(getattr(job, member))
        return text[:-1] if text and member in naive else text

    return {
        "id": job.id,
        "url": url,
        "name": job.name,
        "description": job.description,
        "keywords": job.keywords,
        "status": job.status,
        "task_id": job.task_id,
        "first_started": date("first_started"),
        "started": date("started"),
        "stopped": date("stopped"),
        "assigned_worker": job.assigned_worker,
        "assigned_worker_username": username(job.assigned_worker),
        "total_count": job.total_count,
        "rate": written_rate(job.rate),
        "ping_date": date("ping_date"),
        "created_by": job.created_by,
        "created_by_username": username(job.created_by),
        "created_date": date("created_date"),
        "modified_by": job.modified_by,
        "modified_by_username": username(job.modified_by),
        "modified_date": date("modified_date"),
        "deleted_by": job.deleted_by,
        "deleted_date": date("deleted_date"),
        "archived_by": job.archived_by,
        "archived_date": date("archived_date"),
        "recent_update": _recent(store.updates.get(job.id, [])),
    }


def update_members(update: UpdateRow) -> Members:
    """Return an update as its list, and the answer to its POST, show it: without an id."""
    return {
        "date": written_moment(update.date),
        "count": update.count,
        "total_count": update.total_count,
        "rate": written_rate(update.rate),
        "job": update.job,
    }


def page(rows: Sequence[Members], url: str, query: Mapping[str, str]) -> Members:
    """
    Return one page of a list: 10 rows unless `limit` asks for another number above 0.

    `url` is the whole address asked for, from which those of the next and previous page come.
    """
    limit = _natural(query.get("limit")) or PAGE_SIZE
    offset = _natural(query.get("offset")) or 0
    after, before = offset + limit, offset - limit
    following: str | None = None
    previous: str | None = None
    if after < len(rows):
        following = _with(url, limit=str(limit), offset=str(after))
    if offset > 0:
        previous = _with(url, limit=str(limit), offset=str(before) if before > 0 else None)
    return {
        "count": len(rows),
        "next": following,
        "previous": previous,
        "results": list(rows[offset:after]),
    }


def _recent(updates: Sequence[UpdateRow]) -> Members:
    """Return the members of the newest update that a job shows; none where there is none."""
    if not updates:
        return {}
    newest = update_members(updates[-1])
    return {member: newest[member] for member in ("date", "total_count", "rate")}


def _natural(given: str | None) -> int | None:
    return int(given) if given is not None and given.isdecimal() and given.isascii() else None


def _with(url: str, **changes: str | None) -> str:
    base, _mark, query = url.partition("?")
    values = {**dict(parse_qsl(query, keep_blank_values=True)), **changes}
    kept = sorted((name, value) for name, value in values.items() if value is not None)
    return f"{base}?{urlencode(kept)}"
