"""
What pages say of clients and their machines: words with a shape, never a colour alone.  Pure.

Knows what clients report of themselves; believes nothing of it that it has not looked at.
"""

import re
from collections.abc import Iterator
from datetime import datetime

import attrs

from tcclient import __version__
from tcclient.health.judgement import DAYS
from tcserver.alerts.conditions import CLOCK
from tcserver.alerts.reported import spent
from tcserver.fleet.liveness import Liveness, liveness
from tcserver.fleet.models import Client
from tcserver.website.spend import cost

_RELEASE = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})")
LONG = 1000
"""Days for which nobody needs a figure."""
NEARLY = 0.8
MONTH = "month"
"""What a client calls a limit of its own for a month."""


@attrs.frozen
class BudgetWords:
    """
    A limit of a client's budget: how much is spent, in which style, what that cost, if that is
    known, and until when it counts.
    """

    name: str
    share: str
    posts: int
    limit: int
    cost: str
    style: str
    until: datetime | None


@attrs.frozen
class MachineWords:
    """
    A client in words: `alive` in its `style`, and each of its needs, "" where not known.  `month`
    is what its captures' posts of this month cost, where it does not count that month by itself.
    """

    alive: Liveness
    style: str
    outdated: bool
    clock: str
    clock_is_off: bool
    disk_lasts: str
    disk_ends_soon: bool
    budget: tuple[BudgetWords, ...]
    month: str


def words_of(
    client: Client, contact: datetime | None, now: datetime, month: int = 0
) -> MachineWords:
    """
    Return what is said of a client; `contact` is when it was last heard of, and `month` how many
    posts its captures got this month.
    """
    alive = liveness(contact, now)
    days, price = _days(client), client.post_price
    budget = tuple(_budget(client, now))
    return MachineWords(
        alive,
        _STYLES[alive],
        is_older(client.version, __version__),
        clock_words(client.clock_offset),
        client.clock_offset is not None and abs(client.clock_offset) > CLOCK,
        "" if days is None else _lasts(days),
        days is not None and days < DAYS,
        budget,
        "" if price is None or any(one.name == MONTH for one in budget) else cost(month, price),
    )


def is_older(version: str, than: str) -> bool:
    """Return whether a version of our releases, such as 1.2.0, is older; no other one is."""
    its, other = _RELEASE.match(version), _RELEASE.match(than)
    if its is None or other is None:
        return False
    return [int(one) for one in its.groups()] < [int(one) for one in other.groups()]


def clock_words(offset: float | None) -> str:
    """Return by how much a clock is off, in words; "" where that is not known."""
    if offset is None:
        return ""
    if abs(offset) < 1:
        return "right"
    return f"{abs(offset):,.1f} s {'ahead' if offset > 0 else 'behind'}"


_STYLES = {
    Liveness.HERE: "good",
    Liveness.LATE: "busy",
    Liveness.LOST: "bad",
    Liveness.NEVER: "idle",
}


def _days(client: Client) -> float | None:
    """Return for how many days the disk has room, at the rate of the last one."""
    if client.disk_free is None or not client.disk_daily:
        return None
    return client.disk_free / client.disk_daily


def _lasts(days: float) -> str:
    if days < 1:
        return "for less than a day"
    if days >= LONG:
        return "for years"
    return f"for {int(days):,} day{'' if days < 2 else 's'}"


def _budget(client: Client, now: datetime) -> Iterator[BudgetWords]:
    price = client.post_price
    for one in sorted(spent(client.budget, now), reverse=True):
        style = "bad" if one.share >= 1 else "busy" if one.share >= NEARLY else "good"
        share = f"{int(one.share * 100)} %"
        dollars = "" if price is None else cost(one.posts, price)
        yield BudgetWords(one.name, share, one.posts, one.limit, dollars, style, one.until)
