"""
Whether the disk of a folder answers, so that nobody else waits for one that does not.

Knows threads; does not know what is done with the disk then.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic

KNOCK = 0.5
"""Seconds for which the reactor waits for the disks that it is about to use, if they are silent."""

Silent = Callable[[Iterable[Path]], set[Path]]
"""Returns those of some folders whose disks do not answer."""


def none_silent(folders: Iterable[Path]) -> set[Path]:
    """Trust that each disk answers."""
    return set()


class Knocking:
    """
    Asks disks to change something, in threads.  One that does not answer is waited for KNOCK
    seconds, and not once more until it does.  A disk may still fall silent afterwards: this is for
    what is rare, such as to open a folder.
    """

    def __init__(self, knock: Callable[[Path], object] = os.utime) -> None:
        self._knock = knock
        self._silent: dict[Path, Event] = {}

    def __call__(self, folders: Iterable[Path]) -> set[Path]:
        """Return those whose disks do not answer; one that refuses, or has no folder, does."""
        wanted = set(folders)
        asked = {folder: self._begin(folder) for folder in wanted - self._silent.keys()}
        deadline = monotonic() + KNOCK
        for folder, answered in asked.items():
            if not answered.wait(max(0.0, deadline - monotonic())):
                self._silent[folder] = answered
        for folder in wanted & self._silent.keys():
            if self._silent[folder].is_set():
                del self._silent[folder]
        return wanted & self._silent.keys()

    def _begin(self, folder: Path) -> Event:
        answered = Event()

        def ask() -> None:
            with suppress(OSError):
                self._knock(folder)
            answered.set()

        Thread(target=ask, name="tcc", daemon=True).start()
        return answered
