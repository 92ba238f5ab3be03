"""
What an entry of an old site's history tells: what each member was before and after.  Pure.

The old site's pages wrote `old` and `new` as they are, its REST the other way round, and with null
for what a request had not named.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from tcserver.management.oldsite.values import text

MEMBERS = ("name", "description", "keywords")

Changes: TypeAlias = dict[str, tuple[str | None, str | None]]
"""Each changed member, with what it was and what it became."""


def changes_of(document: Any, current: Mapping[str, str | None]) -> Changes:
    """
    Return what has changed by an entry, where the members were `current` after it; empty for an
    entry that tells of no change, or of nothing that can be read.
    """
    told = _told(document)
    swapped = _is_swapped(told, current)
    found: Changes = {}
    for name, change in told.items():
        before, after = text(change.get("old")), text(change.get("new"))
        if swapped:
            before, after = after, before
        named = after is not None or (not swapped and name != "name")
        if named and before != after:
            found[name] = (before, after)
    return found


def _told(document: Any) -> dict[str, dict[str, Any]]:
    """Return the members that an entry has, as they stand there."""
    try:
        read = json.loads(text(document) or "")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(read, dict):
        return {}
    changes = {name: read.get(name) for name in MEMBERS}
    return {
        name: change
        for name, change in changes.items()
        if isinstance(change, dict)
        and all(isinstance(change.get(key), str | None) for key in ("old", "new"))
    }


def _is_swapped(told: Mapping[str, Mapping[str, Any]], current: Mapping[str, str | None]) -> bool:
    """Return whether `old` is what came after: by the terms added and deleted, or what is there."""
    if "name" in told and told["name"].get("old") is None:
        return True
    keywords = told.get("keywords", {})
    old, new = _terms(keywords.get("old")), _terms(keywords.get("new"))
    added, deleted = _listed(keywords.get("additions")), _listed(keywords.get("deletions"))
    if (added or deleted) and old != new:
        if added <= new and deleted <= old:
            return False
        if added <= old and deleted <= new:
            return True
    for name, change in told.items():
        if text(change.get("new")) == current.get(name):
            return False
        if text(change.get("old")) == current.get(name):
            return True
    return False


def _terms(keywords: Any) -> set[str]:
    return {term.strip() for term in (keywords or "").split(",")}


def _listed(terms: Any) -> set[str]:
    return {term for term in terms if isinstance(term, str)} if isinstance(terms, list) else set()
