"""
Marks until when all that came is safe on the disk, for the process that starts after a crash.

The mark is the modification time of an empty file.  Knows how it is set and read; does not know
what has been heard or synced.
"""

import os
from contextlib import suppress
from pathlib import Path


class AliveMark:
    """
    A mark that never says more than is true: all that came until its time (epoch seconds) is in
    files, and they have been synced.  No method raises OSError: without a mark the next process
    only takes more for missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> float:
        """Return the time of the mark in epoch seconds; 0.0 if there is none."""
        try:
            return self._path.stat().st_mtime
        except OSError:
            return 0.0

    def set(self, until: float) -> None:
        """Set the mark to a time, in epoch seconds."""
        with suppress(OSError):
            if not self._path.exists():
                self._path.touch()
            os.utime(self._path, (until, until))

    def remove(self) -> None:
        """Remove the mark: the ledger itself now says until when all is safe."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
