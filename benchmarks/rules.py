"""
X's rule endpoints and its token, as far as a client needs them to open the search stream.

Knows bodies; nothing of sockets.
"""

import itertools
from collections.abc import Sequence
from typing import Any

from benchmarks.posts import rule_id

TOKEN = {"token_type": "bearer", "access_token": "benchmark"}


class Rules:
    """
    `tags` are those of the captures' rules; each of these gets the id that its posts carry.  Of a
    tag only the job at its end counts: a client puts its installation into it, which nobody knows.
    """

    def __init__(self, tags: Sequence[str]) -> None:
        self._ids = {_job(tag): rule_id(job) for job, tag in enumerate(tags)}
        self._others = map(str, itertools.count(1_700_000_000_000_000_001))
        self._rules: dict[str, dict[str, Any]] = {}

    def listed(self) -> dict[str, Any]:
        """The answer to GET."""
        return {"data": list(self._rules.values()), "meta": {"sent": "2026-11-01T12:00:00.000Z"}}

    def changed(self, body: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The answer to POST; a dry run changes nothing."""
        if "delete" in body:
            gone = [self._rules.pop(id_, None) for id_ in body["delete"]["ids"]]
            return {"meta": {"summary": {"deleted": len(gone), "not_deleted": 0}}}
        added = [self._numbered(rule) for rule in body["add"]]
        if not dry_run:
            self._rules |= {rule["id"]: rule for rule in added}
        return {"data": added, "meta": {"summary": {"created": len(added), "not_created": 0}}}

    def _numbered(self, rule: dict[str, Any]) -> dict[str, Any]:
        return {**rule, "id": self._ids.get(_job(rule.get("tag", ""))) or next(self._others)}


def _job(tag: str) -> str:
    return tag.rpartition(":")[2]
