"""
Until when all that came is safe, for whoever comes after a crash: the time of an empty file.

Knows how a mark is set and read; what was heard and what has been synced is its owner's business.
"""

import os
from contextlib import suppress
from pathlib import Path


class AliveMark:
    """
    A mark that never says more than is true: what came until then (epoch seconds) is in files, and
    they have been synced.  No method raises: without a mark the account only says less.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = 0.0
        self._being_synced = 0.0

    def read(self) -> float:
        """What the mark says; 0.0 where there is none."""
        try:
            return self._path.stat().st_mtime
        except OSError:
            return 0.0

    def written(self, until: float, *, synced: bool) -> None:
        """All that came until then is in files; `synced` says whether they have been synced."""
        self._written = until
        if synced:
            self._set(until)

    def sync_begins(self) -> None:
        """What is in files by now will be safe at synced()."""
        self._being_synced = self._written

    def synced(self) -> None:
        """What was in files when the sync began is safe."""
        if self._being_synced:
            self._set(self._being_synced)

    def remove(self) -> None:
        """The account says itself until when all is safe."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _set(self, until: float) -> None:
        with suppress(OSError):
            if not self._path.exists():
                self._path.touch()
            os.utime(self._path, (until, until))
