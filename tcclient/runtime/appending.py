"""
Appends to files and replaces them: wholly or not at all.  Knows descriptors and paths; does not
know what is written.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

_MOST_BLOCKS = 1024
"""Blocks that one writev() takes: IOV_MAX of Linux."""


class End:
    """The end of a file that nobody else writes to.  `truncate` cuts it like os.ftruncate()."""

    def __init__(self, fd: int, truncate: Callable[[int, int], None] = os.ftruncate) -> None:
        self._fd = fd
        self._truncate = truncate
        self._before: os.stat_result | None = None  # how the file was before a part of blocks

    def append(self, blocks: Sequence[bytes]) -> None:
        """
        Write all blocks, or raise OSError and leave the file as it was.  That includes its time,
        which says after a crash when the last byte came that is in it.  If the disk takes a part
        and refuses to have it cut off, that is done before the next blocks are written.
        """
        self.take_back()
        before = os.fstat(self._fd)
        try:
            _write(self._fd, blocks)
        except OSError:
            self._before = before
            with suppress(OSError):  # the next append() tries again, and `raise` tells of this one
                self.take_back()
            raise

    @property
    def whole(self) -> int:
        """Bytes of the file, without a part of refused blocks that could not be cut off."""
        return os.fstat(self._fd).st_size if self._before is None else self._before.st_size

    @property
    def has_part(self) -> bool:
        """Whether a part of refused blocks is in the file, which could not be cut off."""
        return self._before is not None

    def take_back(self) -> None:
        """Cut off the part of refused blocks that is in the file, if any.  Raises OSError."""
        if self._before is not None:
            self._truncate(self._fd, self._before.st_size)
            os.utime(self._fd, ns=(self._before.st_atime_ns, self._before.st_mtime_ns))
            self._before = None


def _write(fd: int, blocks: Sequence[bytes]) -> None:
    if len(blocks) > _MOST_BLOCKS:
        blocks = [b"".join(blocks)]
    written = os.writev(fd, blocks)
    rest = memoryview(b"" if written == sum(map(len, blocks)) else b"".join(blocks)[written:])
    while rest:
        rest = rest[os.write(fd, rest) :]


def leads_to(path: Path, fd: int) -> bool:
    """
    Return whether `path` is still the open file: somebody may have removed or moved it, or its
    folder.  Raises OSError if that cannot be known now.
    """
    try:
        return os.path.samestat(path.stat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, if the file system can do that."""
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _sync(fd)
        finally:
            os.close(fd)


def _sync(folder: int) -> None:
    with suppress(OSError):  # some network shares cannot sync a folder; the files themselves are
        os.fsync(folder)


def replace_file(path: Path, content: bytes) -> None:
    """
    Replace a file, so that even a power cut leaves the old or the new.  A folder that is moved
    meanwhile has it all the same, and one that is removed is made again.  Raises OSError.
    """
    try:
        _replace_in_folder(path, content)
    except FileNotFoundError:
        _replace_in_folder(path, content)


def _replace_in_folder(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        new = path.name + ".new"
        with open(new, "wb", opener=partial(os.open, mode=0o666, dir_fd=folder)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        _sync(folder)
    finally:
        os.close(folder)
