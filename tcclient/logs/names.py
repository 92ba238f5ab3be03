"""
Names that loggers had in release 1.0.0, and still have in the settings of users.

A logger is named after its module, and modules have moved.  Whatever a section `logging` says of an
old name, or of a package of the old layout, holds for the logger that has its lines now, unless the
section says something of the new name as well.
"""

import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

MOVED: Mapping[str, str] = MappingProxyType(
    {
        "tcclient.captures.capture": "tcclient.capture",
        "tcclient.captures.lifecycle": "tcclient.lifecycle",
        "tcclient.captures.poller": "tcclient.server.poller",
        "tcclient.captures.serverlog": "tcclient.server.serverlog",
        "tcclient.captures.session": "tcclient.session",
        "tcclient.control.client": "tcclient.server.control",
        "tcclient.runtime.steady": "tcclient.steady",
        "tcclient.sources.complaints": "tcclient.feeds.intake",
        "tcclient.sources.terms": "tcclient.feeds.feed",
        "tcclient.sources.twitter_v1.feed": "tcclient.feeds.feed",
        "tcclient.sources.twitter_v1.takeover": "tcclient.feeds.handover",
        "tcclient.sources.twitter_v2.api": "tcclient.twitter.v2",
        "tcclient.sources.twitter_v2.backfill": "tcclient.twitter.backfill",
        "tcclient.sources.twitter_v2.budget.keeper": "tcclient.purse",
        "tcclient.sources.twitter_v2.rules.book": "tcclient.twitter.rulebook",
        "tcclient.sources.twitter_v2.rules.news": "tcclient.feeds.rulenews",
        "tcclient.sources.twitter_v2.sharedstream": "tcclient.feeds.trunk",
        "tcclient.storage.adoption": "tcclient.disk.adoption",
        "tcclient.storage.archive": "tcclient.disk.archive",
        "tcclient.storage.files": "tcclient.disk.files",
        "tcclient.storage.folders": "tcclient.disk.shelf",
        "tcclient.storage.recovery": "tcclient.disk.recovery",
        "tcclient.stream.capturestream": "tcclient.feeds.stream",
        "tcclient.stream.clients": "tcclient.service",
        "tcclient.stream.connection": "tcclient.wire.connection",
        "tcclient.stream.proof": "tcclient.wire.proof",
        "tcclient.stream.troublelog": "tcclient.feeds.troublelog",
        "tcsandbox": "tcclient.sandbox",
    }
)
"""Name of a logger -> the name that it had."""

TOP = "tcclient"
"""The package that old and new names have in common."""


def keep_old_names(section: Mapping[str, Any]) -> None:
    """
    Have the moved loggers inherit from the old names that the section `logging` configures.  To be
    called when the standard library's logging has been configured by it.
    """
    configured = set(section.get("loggers") or ()) - {TOP}
    for new, old in MOVED.items():
        if _any_leads_to(old, configured) and not _any_leads_to(new, configured):
            logging.getLogger(new).parent = logging.getLogger(old)


def _any_leads_to(name: str, configured: Iterable[str]) -> bool:
    """Return whether one of the names is that of a logger or of a package that it is in."""
    return any(f"{name}.".startswith(f"{one}.") for one in configured)


class MovedFilter(logging.Filter):
    """Passes what a filter with a logger's old name passed: the lines of the loggers below it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is from such a logger, by its name now or then."""
        return any(
            f"{name}.".startswith(f"{self.name}.")
            for name in (record.name, MOVED.get(record.name, ""), _of_package(record.name))
        )


def _of_package(name: str) -> str:
    """Return the old name of the sandbox's loggers, of which only the package is in the table."""
    return MOVED.get(name.split(".")[0], "")


def with_old_filters(filters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the filters of a section, those that are given an old name with its meaning."""
    return {key: _with_old_name(filter_) for key, filter_ in filters.items()}


def _with_old_name(filter_: Mapping[str, Any]) -> dict[str, Any]:
    name = filter_.get("name")
    is_old = isinstance(name, str) and any(_any_leads_to(old, (name,)) for old in MOVED.values())
    if "()" in filter_ or not is_old:
        return dict(filter_)
    return {"()": MovedFilter, **filter_}
