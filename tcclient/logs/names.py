"""
The names that loggers had in release 1.0.0, and still have in the settings of users.

A logger is named after its module, and modules have moved.  Whatever a section `logging` says of an
old name, or of a package that is called by one, applies to the logger that writes those lines now,
unless the section says something of the new name as well.  Knows names of loggers; does not know
what else is in a section.
"""

import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

MOVED: Mapping[str, str] = MappingProxyType(
    {
        "tcclient.captures.attempts": "tcclient.capture",
        "tcclient.captures.paces": "tcclient.capture",
        "tcclient.captures.capture": "tcclient.capture",
        "tcclient.captures.isolation": "tcclient.server.poller",
        "tcclient.captures.listinglog": "tcclient.server.poller",
        "tcclient.captures.poller": "tcclient.server.poller",
        "tcclient.captures.serverlog": "tcclient.server.serverlog",
        "tcclient.captures.session": "tcclient.session",
        "tcclient.control.client": "tcclient.server.control",
        "tcclient.runtime.wallclock": "tcclient.steady",
        "tcclient.sources.again": "tcclient.twitter.backfill",
        "tcclient.sources.complaints": "tcclient.feeds.intake",
        "tcclient.sources.terms": "tcclient.feeds.feed",
        "tcclient.sources.twitter_v1.feed": "tcclient.feeds.feed",
        "tcclient.sources.twitter_v1.takeover": "tcclient.feeds.handover",
        "tcclient.sources.twitter_v2.api": "tcclient.twitter.v2",
        "tcclient.sources.twitter_v2.brake": "tcclient.feeds.trunk",
        "tcclient.sources.twitter_v2.budget.keeper": "tcclient.purse",
        "tcclient.sources.twitter_v2.budget.news": "tcclient.feeds.trunk",
        "tcclient.sources.twitter_v2.foreign": "tcclient.feeds.trunk",
        "tcclient.sources.twitter_v2.rules.keeping": "tcclient.twitter.rulebook",
        "tcclient.sources.twitter_v2.rules.news": "tcclient.feeds.rulenews",
        "tcclient.sources.twitter_v2.rules.update": "tcclient.twitter.rulebook",
        "tcclient.sources.twitter_v2.subscriptionlife": "tcclient.feeds.trunk",
        "tcclient.sources.twitter_v2.switch": "tcclient.feeds.trunk",
        "tcclient.sources.twitter_v2.unrouted": "tcclient.feeds.trunk",
        "tcclient.storage.adoption": "tcclient.disk.adoption",
        "tcclient.storage.archive": "tcclient.disk.archive",
        "tcclient.storage.bookkeeper": "tcclient.disk.archive",
        "tcclient.storage.captureledger": "tcclient.disk.archive",
        "tcclient.storage.diskwork": "tcclient.disk.files",
        "tcclient.storage.index": "tcclient.disk.shelf",
        "tcclient.storage.notedtally": "tcclient.disk.archive",
        "tcclient.storage.recovery": "tcclient.disk.recovery",
        "tcclient.stream.capturestream": "tcclient.feeds.stream",
        "tcclient.stream.clients": "tcclient.service",
        "tcclient.stream.unpacking": "tcclient.wire.connection",
        "tcclient.stream.fastpath.proof": "tcclient.wire.proof",
        "tcclient.stream.troublelog": "tcclient.feeds.troublelog",
        "tcsandbox": "tcclient.sandbox",
    }
)
"""Name of a logger -> the name that it had."""

TOP = "tcclient"
"""The package of all loggers in release 1.0.0, and of all but the sandbox's now."""


def keep_old_names(section: Mapping[str, Any]) -> None:
    """
    Have the moved loggers inherit from the old names that the section `logging` configures.  Call
    it after the standard library's logging has been configured by the section.
    """
    configured = {*(section.get("loggers") or ())}
    for new, old in MOVED.items():
        # What is said of the top holds for what is below it by either name.
        said = configured - {TOP} if new.startswith(f"{TOP}.") else configured
        if _any_leads_to(old, said) and not _any_leads_to(new, said):
            moved, former = logging.getLogger(new), logging.getLogger(old)
            moved.parent = former
            # A logger's own filters are asked about its own lines only, not about those below it.
            moved.filters = former.filters


def _any_leads_to(name: str, configured: Iterable[str]) -> bool:
    """Return whether one of `configured` is the logger `name`, or a package that it is in."""
    return any(f"{name}.".startswith(f"{one}.") for one in configured)


class MovedFilter(logging.Filter):
    """Passes lines of the logger that had this name in release 1.0.0, and of those below it."""

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
    """Return the filters of a section; those with an old name pass what they passed before."""
    return {key: _with_old_name(filter_) for key, filter_ in filters.items()}


def _with_old_name(filter_: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter of a section, as a MovedFilter if its name is an old one."""
    name = filter_.get("name")
    is_old = isinstance(name, str) and any(_any_leads_to(old, (name,)) for old in MOVED.values())
    if "()" in filter_ or not is_old:
        return dict(filter_)
    return {"()": MovedFilter, **filter_}
