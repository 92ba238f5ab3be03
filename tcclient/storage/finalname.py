"""
How a file gets its final name: never over another file, and booked while it still has both names.

Knows names and links on the disk; does not know what is in a file, nor when one is finished.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
"""
Errors of link() where a file cannot have a second name: on vfat, some network shares, and where a
folder is made up of several file systems.
"""

Link = Callable[[Path, Path], None]
"""Gives a file a second name, as os.link() does."""


def give_final_name(
    tmp: Path, names: Iterator[str], book: Callable[[str], None], link: Link = os.link
) -> None:
    """Take a final name, have it booked, and drop the temporary one.  Raises OSError."""
    final = take_final_name(tmp, names, link)
    book(final.name)
    drop_temporary_name(tmp, final)


def take_final_name(tmp: Path, names: Iterator[str], link: Link = os.link) -> Path:
    """
    Give the file `tmp` the first of `names` that is free in its folder, and return the new path,
    which is to be booked then.  A file that exists is never touched.  Raises OSError.

    To survive a power cut, the file must have been synced before, the booking must be synced
    before the temporary name is dropped, and the folder after that.

    Recognizes what an earlier call has left, so it can be called again as long as the name is not
    booked; recovery takes care of a crash after that.
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
        return final
    raise AssertionError("names have no end")


def drop_temporary_name(tmp: Path, final: Path) -> None:
    """Make `final`, which has been taken and booked, the file's only name.  Raises OSError."""
    with suppress(FileNotFoundError):  # somebody has dropped it, or removed the folder
        if same_file(tmp, final):
            tmp.unlink()
        else:  # `final` is an empty file that only reserves the name
            tmp.replace(final)


def _reserve(final: Path) -> bool:
    """
    Reserve a name by an empty file, where there are no hard links.  Return whether it is ours now,
    or was reserved by an earlier call.
    """
    try:
        os.close(os.open(final, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    except FileExistsError:
        return is_reservation(final)
    return True


def is_reservation(final: Path) -> bool:
    """Return whether a final name is only reserved: no finished file is empty."""
    status = final.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_size == 0


def same_file(one: Path, other: Path) -> bool:
    """Return whether two names are one file; a symbolic link is not the file it leads to."""
    return os.path.samestat(one.lstat(), other.lstat())
