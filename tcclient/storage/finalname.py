"""
How a file gets its final name: never over another file, and booked while it still has both.

Knows names and links on the disk; not what is in the files, nor when one is finished.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.ENOTSUP}
"""What link() answers on file systems that have no hard links (vfat, some network shares)."""

Link = Callable[[Path, Path], None]
"""Gives a file a second name, as os.link() does."""


def give_final_name(
    tmp: Path,
    names: Iterator[str],
    book: Callable[[str], None],
    link: Link = os.link,
) -> None:
    """take_final_name() and drop_temporary_name() in one."""
    drop_temporary_name(tmp, take_final_name(tmp, names, book, link))


def take_final_name(
    tmp: Path,
    names: Iterator[str],
    book: Callable[[str], None],
    link: Link = os.link,
) -> Path:
    """
    Give `tmp` the first of `names` that is free beside it, and return that; a file that exists is
    never touched.  `book` is called with the name.  Raises OSError.

    To survive a power cut, the file must have been synced before, the booking must be synced
    before the temporary name is dropped, and the folder after that.

    Finds its own traces, so that it can be called again after it was cut short anywhere but
    between `book` and the end; recovery knows about that.
    """
    for name in names:
        final = tmp.with_name(name)
        try:
            link(tmp, final)
        except FileExistsError:
            if not same_file(final, tmp):
                continue
        except OSError as e:
            if e.errno not in _NO_LINKS:
                raise
            if not _reserve(final):
                continue
        book(name)
        return final
    raise AssertionError("names have no end")


def drop_temporary_name(tmp: Path, final: Path) -> None:
    """`final`, which has been taken and booked, is the file's only name.  Raises OSError."""
    with suppress(FileNotFoundError):  # somebody has dropped it, or removed the folder
        if same_file(tmp, final):
            tmp.unlink()
        else:  # it is only reserved
            tmp.replace(final)


def _reserve(final: Path) -> bool:
    """Take a name where there are no hard links."""
    try:
        os.close(os.open(final, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    except FileExistsError:
        return is_reservation(final)
    return True


def is_reservation(final: Path) -> bool:
    """Whether a finished name is only taken: no finished file is empty."""
    status = final.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_size == 0


def same_file(one: Path, other: Path) -> bool:
    """Whether two names are one file; a symbolic link is itself, wherever it leads."""
    return os.path.samestat(one.lstat(), other.lstat())
