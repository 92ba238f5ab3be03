"""
Marks until when all that came is safe on the disk, for the process that starts after a crash.

The mark is the modification time of an empty file.  Knows how it is set and read; does not know
what has been heard or synced.
"""

import os
from contextlib import suppress
from functools import partial
from pathlib import Path

from twisted.internet.defer import Deferred

from tcclient.storage.lane import Lane

NEARLY = 0.01
"""Seconds by which readings of two clocks differ though nothing has been heard between them."""


class AliveMark:
    """
    A mark that never says more than is true: all that came until its time (epoch seconds) is in
    files, and they have been synced.  It is set and removed in the `lane`.  No method raises
    OSError: without a mark the next process only takes more for missing.
    """

    def __init__(self, path: Path, lane: Lane) -> None:
        self._path = path
        self._lane = lane
        self._until: float | None = None
        self._asked = 0.0
        self._is_removed = False

    def read(self) -> float:
        """Return the time of the mark in epoch seconds; 0.0 if there is none."""
        try:
            return self._path.stat().st_mtime
        except OSError:
            return 0.0

    def set(self, until: float) -> None:
        """
        Set the mark to a time, in epoch seconds, soon, unless it has been; not after remove().  As
        long as nothing comes neither thread nor disk wakes up for it.
        """
        if self._is_removed or abs(until - self._asked) < NEARLY:
            return  # a sync that was under way has ended, or nothing has come
        is_begun, self._until, self._asked = self._until is not None, until, until
        if not is_begun:
            Deferred.fromCoroutine(self._set())

    async def _set(self) -> None:
        async with self._lane.turn():
            until, self._until = self._until, None
            await self._lane.do(partial(self._touch, until or 0.0))

    def _touch(self, until: float) -> None:
        try:
            try:
                os.utime(self._path, (until, until))
            except FileNotFoundError:
                # Under its name it has its time: the process may die while the disk makes it wait.
                new = self._path.with_suffix(".new")
                new.touch()
                os.utime(new, (until, until))
                new.rename(self._path)
        except OSError:
            self._asked = 0.0

    async def remove(self) -> None:
        """Remove the mark: the ledger itself now says until when all is safe."""
        self._is_removed = True
        await self._lane.run(self._remove)

    def _remove(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
