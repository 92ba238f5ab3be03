"""
Where and how posts are to be written, and who brings them.

Knows numbers and roles; opens no file.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field
from twisted.internet.interfaces import IReactorTime

from tcclient.runtime.producers import Pausable
from tcclient.runtime.shortage import Shortage
from tcclient.runtime.threads import Threads, in_place
from tcclient.runtime.turns import FewAtOnce
from tcclient.runtime.wallclock import Wall
from tcclient.storage.answering import Silent, none_silent
from tcclient.storage.postids import AnyPostIds, PostIds
from tcclient.storage.room import all_bytes, free_bytes
from tcclient.storage.slots import Naming

NO_IDS = AnyPostIds(())


class DiskUse(Struct, frozen=True):
    """
    How files are written; times are in seconds, sizes in bytes.  By default each read is written at
    once, however little room there is, and the reactor waits for that and for each sync.
    """

    flush_interval: float = 0.0
    """The longest that a post waits to be written while more come; 0: it does not wait."""
    fsync_interval: float = 1.0
    """How long after it is written a post may still be lost by a power cut."""
    min_free_bytes: int = 0
    """With less room than this on the disk nothing is written; 0: the room is not looked at."""
    threads: Threads = in_place
    """Where disk work is done that may take long, such as a sync."""
    writing: Threads = in_place
    """Where files are written, so that a disk that does not answer holds up nobody else."""
    silent: Silent = none_silent
    """Which of some folders have disks that do not answer, to be asked before one is opened."""
    free: Callable[[Path], int] = free_bytes
    """Returns how many bytes there is room for on the disk of a folder."""
    size: Callable[[Path], int] = all_bytes
    """Returns how many bytes the disk of a folder has in all."""
    ids: PostIds = NO_IDS
    """How the ids of posts are found; by default none is."""
    finishing: FewAtOnce = field(default_factory=lambda: FewAtOnce(64))
    """Held by a capture that ends, which needs more descriptors meanwhile than while it runs."""
    descriptors: Shortage = field(default_factory=Shortage)
    """Which captures lack file descriptors."""


class Place(Struct, frozen=True):
    """
    Where and how the files of one capture are written: `clock` has the timers, and measures how
    long something took; `wall` returns the date, for the lines of ledgers and the names of files.
    """

    folder: Path
    naming: Naming
    clock: IReactorTime
    wall: Wall
    use: DiskUse


class Supply(Pausable, Protocol):
    """What brings the posts of a capture."""

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte came; None while the stream is not heard."""
