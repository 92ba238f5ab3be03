"""
The capture server's record of edits, with its fault: what it calls new is the old value.

Knows how one row of history comes from a stored job and the values written to it; stores nothing.
"""

import json
from collections.abc import Mapping

import attrs

from tcsandbox.server.rows import JobRow


@attrs.frozen
class Modification:
    """One row of history; `changes` is JSON text, not an object."""

    job: int
    modified_by: int
    changes: str


def modification(job: JobRow, values: Mapping[str, object], requester: int) -> Modification | None:
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
