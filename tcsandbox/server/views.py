"""How the capture server writes out rows and lists: members, types, and addresses of pages."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlencode

from tcsandbox.server.fields import written_moment, written_rate
from tcsandbox.server.jobstore import JobStore
from tcsandbox.server.rows import JobRow, UpdateRow

PAGE_SIZE: Final = 10

_JOB_MEMBERS = (
    "id url name description keywords status task_id first_started started stopped "
    "assigned_worker assigned_worker_username total_count rate ping_date created_by "
    "created_by_username created_date modified_by modified_by_username modified_date "
    "deleted_by deleted_date archived_by archived_date recent_update"
)
JOB_MEMBERS: Final = tuple(_JOB_MEMBERS.split())

Members: TypeAlias = dict[str, object]


def job_members(
    job: JobRow, store: JobStore, url: str, naive: frozenset[str] = frozenset()
) -> Members:
    """Return every member of a job; times in `naive`, which this very write set, lack their Z."""

    def written(member: str) -> object:
        if member.endswith("_username"):
            user = store.users.get(getattr(job, member.removesuffix("_username")))
            return user.username if user else None
        value = getattr(job, member)
        if isinstance(value, datetime):
            return written_moment(value).removesuffix("Z" if member in naive else "")
        return value

    made = {
        "url": url,
        "rate": written_rate(job.rate),
        "recent_update": _recent(store.updates.get(job.id, [])),
    }
    return {member: made[member] if member in made else written(member) for member in JOB_MEMBERS}


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
    following = _with(url, limit=str(limit), offset=str(after))
    previous = _with(url, limit=str(limit), offset=str(before) if before > 0 else None)
    return {
        "count": len(rows),
        "next": following if after < len(rows) else None,
        "previous": previous if offset > 0 else None,
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
