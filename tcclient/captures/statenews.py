"""
Which of what a client knows of itself is news to its server, and what can wait.  Pure.

Knows what was told last; does not know how it is told, nor where it comes from.
"""

import re
from collections.abc import Sequence

from msgspec import structs

from tcclient.control.reports import Host, State

BEAT = 30.0
"""Seconds after which the machine's needs are told again."""
MUCH = 0.01
"""The share of a disk by which its room is another one."""
CLOCK_MOVED = 1.0
"""Seconds by which a clock has moved that is told at once."""

_GROWING = r"\d+"
"""What changes in a reason while it stays the same one: for how long it lasts, in words."""


class StateNews:
    """Remembers which states the server has."""

    def __init__(self) -> None:
        self._told: dict[int, State] = {}

    def of(self, states: Sequence[State], *, urgent: bool) -> list[State]:
        """
        Return those states of all captures that the server does not have; where only what is
        `urgent` counts, those with another condition, revision or reason.
        """
        is_news = self._is_urgent if urgent else self._is_new
        return [one for one in states if is_news(one)]

    def told(self, states: Sequence[State], jobs: Sequence[int]) -> None:
        """Note that the server has these states; others than those of `jobs` are forgotten."""
        told = {**self._told, **{one.job: one for one in states}}
        self._told = {job: told[job] for job in jobs if job in told}

    def forget(self) -> None:
        """Have everything told again: the server may have lost it."""
        self._told.clear()

    def _is_new(self, state: State) -> bool:
        return self._told.get(state.job) != state

    def _is_urgent(self, state: State) -> bool:
        before = self._told.get(state.job)
        return before is None or _gist(before) != _gist(state)


class HostNews:
    """Remembers how the machine was when the server was told."""

    def __init__(self) -> None:
        self._told: tuple[Host, float] | None = None

    def is_news(self, host: Host, now: float) -> bool:
        """Return whether the server is to be told at `now`, in seconds."""
        if self._told is None:
            return True
        before, then = self._told
        return now - then >= BEAT or _has_moved(before, host)

    def told(self, host: Host, now: float) -> None:
        """Note that the server has this."""
        self._told = host, now

    def forget(self) -> None:
        """Have it told again: the server may have lost it."""
        self._told = None


def _gist(state: State) -> tuple[object, ...]:
    """Return what of a state is told at once when it changes."""
    return state.condition, state.revision, re.sub(_GROWING, "", state.reason)


def _has_moved(before: Host, after: Host) -> bool:
    """Return whether a machine is so different that nobody should wait to hear of it."""
    size = after.disk_size or before.disk_size or 0
    if _difference(before.disk_free, after.disk_free) > MUCH * size:
        return True
    if _difference(before.clock_offset, after.clock_offset) > CLOCK_MOVED:
        return True
    # Memory, CPU and what is spent change all the time.
    same = ("version", "host", "installation", "instance")
    was, now = structs.asdict(before), structs.asdict(after)
    return any(was[name] != now[name] for name in same)


def _difference(before: float | None, after: float | None) -> float:
    return 0.0 if before is None or after is None else abs(after - before)
