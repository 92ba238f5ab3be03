"""
What a client leaves said, at each moment, of what it has read: a death then would leave just that.

Looks at times of files and at the newest post in them; judges nothing.
"""

from pathlib import Path

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from tcclient.storage.openfile import DOUBTFUL
from tests.faults import evidence
from tests.faults.accounting import Claim

EVERY = 0.05
"""Seconds between two looks."""


class Claims:
    """`made` has what the folder of the capture `name` said at each look at which it said more."""

    def __init__(self, folder: Path, clock: IReactorTime) -> None:
        self.made: list[Claim] = []
        self._folder = folder
        self._newest = 0
        self._timer = LoopingCall(self._look)
        self._timer.clock = clock

    def begin(self) -> None:
        """Look from now on."""
        self._timer.start(EVERY, now=False)

    def end(self) -> None:
        """Look no more."""
        self._timer.stop()

    def _look(self) -> None:
        # What is written between the two looks makes the claim more true, never less.
        until = max(map(_time_of, self._marks()), default=0.0)
        self._newest = max(self._newest, evidence.newest_post(self._folder))
        if until and self._newest:
            self.made.append(Claim(until, self._newest))

    def _marks(self) -> list[Path]:
        return [*self._folder.glob("*.tmp"), self._folder / f".{self._folder.name}.alive"]


def _time_of(path: Path) -> float:
    try:
        status = path.stat()
    except OSError:
        return 0.0
    is_told = status.st_atime_ns != DOUBTFUL and status.st_mtime != status.st_ctime
    says = path.suffix == ".alive" or (status.st_size > 0 and is_told)
    return status.st_mtime if says else 0.0
