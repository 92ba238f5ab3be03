"""
How posts are to be written, and who keeps the account of it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import attrs

from tcclient.runtime.threads import Threads, in_place
from tcclient.storage.growing import Finished
from tcclient.storage.postids import AnyPostIds, PostIds
from tcclient.storage.room import free_bytes

NO_IDS = AnyPostIds(())


@attrs.frozen
class DiskUse:
    """
    How files are written; seconds and bytes.  As it stands each read is written at once, whatever
    room there is, and everything waits for a sync.
    """

    flush_interval: float = 0.0
    """The longest that a post waits to be written while more come; 0: it does not."""
    fsync_interval: float = 1.0
    """The longest that what is written can be lost by a power cut."""
    min_free_bytes: int = 0
    """With less room on the disk nothing is written."""
    threads: Threads = in_place
    """What syncs, which may take long."""
    free: Callable[[Path], int] = free_bytes
    """How many bytes there is room for on the disk of a folder."""
    ids: PostIds = NO_IDS
    """How the ids of posts are found; as it stands none is."""


class FileOwner(Protocol):
    """Who keeps the account of the files, and can pause what brings their posts."""

    def stored(self, posts: int) -> None:
        """So many more posts are in the file."""

    def read_until(self) -> float | None:
        """
        Until when all that came has been taken, in epoch seconds, where that is some time ago: what
        a crash leaves is to say no more.  None: until now.
        """

    def book(self, file: Finished) -> None:
        """
        Write a finished file into the account, or raise OSError.  Called while the temporary name
        still exists: who finds that after a crash knows that the booking may be missing.
        """

    def fileno(self) -> int:
        """The descriptor of the account, which is synced before the temporary name goes."""

    def lost(self, posts: int, reason: str) -> None:
        """So many posts that were stored are gone."""

    def pauseProducing(self) -> None:
        """Have nothing more brought; what comes all the same is kept."""

    def resumeProducing(self) -> None:
        """Have posts brought again."""

    def sync_begins(self) -> None:
        """What has been stored by now will be safe from a power cut at synced()."""

    def synced(self) -> None:
        """What had been stored when the sync began is safe."""

    def troubled(self, reason: str) -> None:
        """The disk has refused something, which is tried until it does not."""

    def recovered(self) -> None:
        """The disk has taken everything that it had refused."""
