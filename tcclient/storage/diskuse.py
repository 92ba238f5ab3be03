"""
How posts are to be written, who is told of what happens to them, and who brings them.

Knows numbers and roles; opens no file.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from tcclient.ledger.bookings import File
from tcclient.runtime.producers import Pausable
from tcclient.runtime.threads import Threads, in_place
from tcclient.storage.postids import AnyPostIds, PostIds
from tcclient.storage.room import free_bytes

NO_IDS = AnyPostIds(())


class DiskUse(Struct, frozen=True):
    """
    How files are written; times are in seconds, sizes in bytes.  By default each read is written at
    once, however little room there is, and the reactor waits for each sync.
    """

    flush_interval: float = 0.0
    """The longest that a post waits to be written while more come; 0: it does not wait."""
    fsync_interval: float = 1.0
    """How long after it is written a post may still be lost by a power cut."""
    min_free_bytes: int = 0
    """With less room than this on the disk nothing is written; 0: the room is not looked at."""
    threads: Threads = in_place
    """Where disk work is done that may take long, such as a sync."""
    free: Callable[[Path], int] = free_bytes
    """Returns how many bytes there is room for on the disk of a folder."""
    ids: PostIds = NO_IDS
    """How the ids of posts are found; by default none is."""


class Supply(Pausable, Protocol):
    """What brings the posts of a capture."""

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte came; None while the stream is not heard."""


class FileOwner(Protocol):
    """Who keeps the ledger of the files, and can pause what brings their posts."""

    def stored(self, posts: int) -> None:
        """Hear that so many more posts are in the file."""

    def read_until(self) -> float | None:
        """
        Return until when all that came has been read, in epoch seconds, where that is some time
        ago; None: until now.  The time of a file that a crash leaves must not be later.
        """

    def book(self, file: File) -> None:
        """
        Write the line of a finished file into the ledger, with the counters after it, or raise
        OSError.  Called while the temporary name still exists: whoever finds that name after a
        crash knows that the booking may be missing.
        """

    def fileno(self) -> int:
        """Return the descriptor of the ledger, which is synced before the temporary name goes."""

    def lost(self, posts: int, reason: str) -> None:
        """Hear that so many posts which were stored are gone; `reason` is a clause."""

    def pauseProducing(self) -> None:
        """Have nothing more brought; what comes all the same is kept."""

    def resumeProducing(self) -> None:
        """Have posts brought again."""

    def sync_begins(self) -> None:
        """Hear that a sync begins: what is stored by now will be safe when synced() is called."""

    def synced(self) -> None:
        """Hear that what was stored when the sync began is safe from a power cut."""

    def troubled(self, reason: str) -> None:
        """Hear that the disk has refused something, which is tried again; `reason` is a clause."""

    def recovered(self) -> None:
        """Hear that the disk has taken everything that it had refused."""
