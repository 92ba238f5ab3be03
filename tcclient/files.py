"""
The file that posts are appended to, and how it gets its final name.

Knows the disk; what is in the lines, and who hears of a finished file, is its owner's business.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import attrs
from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from tcclient.failures import explain_os
from tcclient.ledger import append
from tcclient.slots import Naming, Slot

log = Logger()

RETRY = 5.0
"""Seconds until a file that could not be finished is tried again."""

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.ENOTSUP}
"""What link() answers on file systems that have no hard links (vfat, some network shares)."""


@attrs.frozen
class Finished:
    """A file that has its final name: the name, its lines and bytes."""

    name: str
    posts: int
    bytes: int


Book = Callable[[Finished], None]
"""
Writes a finished file into the account.  Called while the temporary name still exists, so that
whoever finds that name after a crash knows that the booking may be missing.
"""

Link = Callable[[Path, Path], None]
"""Gives a file a second name, as os.link() does."""


@attrs.define
class _Open:
    fd: int
    path: Path
    slot: Slot
    posts: int = 0
    bytes: int = 0


class RotatingFile(Service):
    """
    One file per slot, opened by the first post and finished by the clock.

    `stopService` finishes the open file, as finish() does.
    """

    def __init__(self, folder: Path, naming: Naming, clock: IReactorTime, book: Book) -> None:
        self._folder = folder
        self._naming = naming
        self._clock = clock
        self._book = book
        self._open: _Open | None = None
        self._timer: IDelayedCall | None = None

    @property
    def unfinished(self) -> int:
        """The posts in the file that has no final name yet."""
        return self._open.posts if self._open else 0

    def write(self, block: bytes, posts: int) -> None:
        """
        Append `block`, which holds that many posts, each ended by a newline.  When this returns
        the bytes are in the file; when it raises OSError none of them is.
        """
        now = self._clock.seconds()
        if self._open is not None and not self._open.slot.holds(now):
            self.finish()
        file = self._open or self._begin(now)
        append(file.fd, block)
        file.posts += posts
        file.bytes += len(block)

    def stopService(self) -> None:
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        self.finish()

    def finish(self) -> None:
        """
        Give the open file its final name.  Raises OSError; then it stays open and this can be
        called again.
        """
        file = self._open
        if file is None:
            return
        if file.bytes:
            self._give_name(file)
        else:  # not even its first block could be written
            file.path.unlink(missing_ok=True)
        self._open = None
        self._cancel_timer()
        os.close(file.fd)

    def _give_name(self, file: _Open) -> None:
        os.fsync(file.fd)
        try:
            give_final_name(
                file.path,
                self._naming.alternatives(self._naming.final(file.slot)),
                lambda final: self._book(Finished(final, file.posts, file.bytes)),
            )
        except FileNotFoundError:
            if file.path.exists():
                raise
            # It cannot be finished any more, and must not keep the next one from being opened.
            log.error(
                "{path} was removed while it was written; {posts} posts went with it.",
                path=str(file.path),
                posts=file.posts,
            )

    def _begin(self, now: float) -> _Open:
        slot = self._naming.slot(now)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / self._naming.temporary(slot)
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        self._open = _Open(fd, path, slot)
        self._timer = self._clock.callLater(max(0.0, slot.end - now), self._slot_over)
        return self._open

    def _slot_over(self) -> None:
        self._timer = None
        try:
            self.finish()
        except OSError as e:
            log.error(
                "Cannot finish a file; next try in {s:g} s: {reason}.",
                s=RETRY,
                reason=explain_os(e),
            )
            self._timer = self._clock.callLater(RETRY, self._slot_over)

    def clock_stepped(self) -> None:
        """The clock has been set: the slot of the open file ends when it shows that it does."""
        if self._open is None:
            return
        self._cancel_timer()
        slot, now = self._open.slot, self._clock.seconds()
        if slot.holds(now):
            self._timer = self._clock.callLater(slot.end - now, self._slot_over)
        else:
            self._slot_over()

    def _cancel_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None


def give_final_name(
    tmp: Path,
    names: Iterator[str],
    book: Callable[[str], None],
    link: Link = os.link,
) -> None:
    """
    Rename `tmp` to the first of `names` that is free beside it; a file that exists is never
    touched.  `book` is called with the name while both exist.  Raises OSError.

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
            tmp.replace(final)
            break
        book(name)
        tmp.unlink()
        break
    sync_folder(tmp.parent)


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


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the file system can do that."""
    with suppress(OSError):  # some shares cannot sync a folder, and all is done but this
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
