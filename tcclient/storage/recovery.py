"""
Finishes the temporary files that a crash left behind, and cuts off their incomplete last lines.

Knows the disk, and what is cut and finished.  Runs before anything is captured.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from shutil import copyfileobj

from msgspec import structs
from twisted.logger import Logger, LogLevel

from tcclient.ledger.bookings import Torn
from tcclient.ledger.ledgerfile import Ledger
from tcclient.ledger.locks import LedgerInUse
from tcclient.runtime.appending import sync_folder
from tcclient.runtime.backwards import unfinished
from tcclient.runtime.failures import explain_os
from tcclient.runtime.wallclock import Wall
from tcclient.storage.contents import BLOCK, Contents, begins_with, contents
from tcclient.storage.finalname import (
    Link,
    drop_temporary_name,
    give_final_name,
    is_reservation,
    same_file,
)
from tcclient.storage.lastbookings import LastBookings
from tcclient.storage.openfile import DOUBTFUL
from tcclient.storage.postids import PostIds, id_or_none
from tcclient.storage.slots import TORN, Naming

log = Logger()

_LEFT = "a crash had left"
_CHANGED = "somebody had put there or changed while no client had the folder,"
_ODD = " {odd} of them begin or end as no post does: see tcc-account --verify."
_SPARE = 1.0
"""Seconds within which a file's time may be that of the client's own end."""
_UNKNOWN = 0.0
"""Modification time of a file where nobody knows when its last byte came."""


def ledger_path(base_dir: Path, name: str) -> Path:
    """Return the path of the ledger of the captures in the folder `name`."""
    return base_dir / name / f"{name}.ledger.jsonl"


def recover_all(
    folders: Iterable[Path], naming: Naming, wall: Wall, ids: PostIds
) -> dict[str, float]:
    """
    Recover every one of the folders that has a temporary file, except those in use by another
    client.  `naming` is that of the settings; its name does not matter.  Return what recover()
    returned, by the folder's name, without None.  Never raises OSError: what cannot be recovered is
    logged, and stays as it is.
    """
    last_bytes = {}
    for folder in sorted(folders):
        named = structs.replace(naming, name=folder.name)
        try:
            if any(left_behind(folder, named)):
                with Ledger(ledger_path(folder.parent, folder.name), wall) as ledger:
                    last_byte = recover(folder, named, ledger, ids)
                    if last_byte is not None:
                        last_bytes[folder.name] = last_byte
        except LedgerInUse:
            pass  # it is being written, not left behind; opening it for a capture reports the owner
        except OSError as e:
            log.error(
                "Cannot recover {folder}: {reason}.", folder=str(folder), reason=explain_os(e)
            )
    return last_bytes


def recover(
    folder: Path, naming: Naming, ledger: Ledger, ids: PostIds, link: Link = os.link
) -> float | None:
    """
    Finish the temporary files in one folder: each gets a final name and is booked, and an
    incomplete last line goes into a `.torn` file beside it.  One that this process may not read or
    cut, as somebody else has put it there, is logged and left alone.  Raises OSError.

    Return until when all that came is known to be there, in epoch seconds: the latest time of a
    file that was not being written when the crash came.  None if there is none.
    """
    left = sorted(left_behind(folder, naming))
    if not left:
        return None
    books = LastBookings(ledger)  # at most the last one can have been cut short after its booking
    booked, last_bytes = books.last, []
    for tmp in left:
        if not _was_booked(tmp, naming, booked) and not books.is_stranger(tmp):
            changed = tmp.stat().st_ctime
            try:
                _forget_doubtful_time(tmp)
                if _is_copy(tmp, naming, ids):
                    continue
                _cut_torn_tail(tmp, naming, ledger)
            except PermissionError as e:
                log.warn(
                    "{name} cannot be finished, and is left alone: {reason}.",
                    name=tmp.name,
                    reason=explain_os(e),
                )
                continue
            last_bytes.append(_last_byte(tmp))
            found = contents(tmp, ids)
            books.take_back(tmp.name, found.posts)
            is_late = books.closed is not None and changed > books.closed + _SPARE
            _finish(tmp, found, naming, books, link, is_late=is_late)
    return max(filter(None, last_bytes), default=None)


def _forget_doubtful_time(tmp: Path) -> None:
    """
    Set the time of a file to _UNKNOWN where it is DOUBTFUL.  To be called before the file is read,
    which changes the access time that says so.
    """
    if tmp.stat().st_atime_ns == DOUBTFUL:
        os.utime(tmp, (_UNKNOWN, _UNKNOWN))


def _last_byte(tmp: Path) -> float | None:
    """
    Return until when all that came is in the file, in epoch seconds; None if nobody knows.  A time
    that a write has left is too late, and known by the other one that it sets: somebody may have
    read the file since, so that its access time does not call it doubtful.
    """
    status = tmp.stat()
    is_told = status.st_mtime not in (_UNKNOWN, status.st_ctime)
    return status.st_mtime if status.st_size and is_told else None


def left_behind(folder: Path, naming: Naming) -> Iterator[Path]:
    """Yield the temporary files in a folder."""
    with (
        suppress(FileNotFoundError, NotADirectoryError, PermissionError),
        os.scandir(folder) as all_,
    ):
        for one in all_:
            if naming.is_temporary(one.name) and (path := folder / one.name).is_file():
                yield path


def taken_names(tmp: Path, naming: Naming) -> Iterator[Path]:
    """Yield the final names of a temporary file that are taken, up to the first that is free."""
    return takewhile(os.path.lexists, map(tmp.with_name, naming.finals(tmp.name)))


def _was_booked(tmp: Path, naming: Naming, booked: object) -> bool:
    """
    Return whether the file has its final name, and that is `booked`, so that only the temporary
    name is left to remove; remove it then.
    """
    for path in taken_names(tmp, naming):
        if path.name == booked and (same_file(path, tmp) or is_reservation(path)):
            drop_temporary_name(tmp, path)
            sync_folder(tmp.parent)
            return True
    return False


def _is_copy(tmp: Path, naming: Naming, ids: PostIds) -> bool:
    """
    Return whether all of the file is the beginning of a finished one, as where a backup was put
    back that was made while this was written; remove it then.  The posts are known by their ids:
    without one, those of two files may look the same.
    """
    with tmp.open("rb") as file:
        if id_or_none(ids, file.readline(BLOCK)) is None:
            return False
    for path in taken_names(tmp, naming):
        if not same_file(path, tmp) and _has_all_of(path, tmp):
            log.warn("{tmp} is removed: {name} has all of it.", tmp=tmp.name, name=path.name)
            tmp.unlink()
            sync_folder(tmp.parent)
            return True
    return False


def _has_all_of(path: Path, tmp: Path) -> bool:
    """Return whether a file begins with all of another one; False where one cannot be read."""
    with suppress(OSError), path.open("rb") as file:
        return begins_with(file, tmp)
    return False


def _finish(
    tmp: Path, found: Contents, naming: Naming, books: LastBookings, link: Link, *, is_late: bool
) -> None:
    """
    Give a file of whole lines its final name, and book it; remove it if it is empty.  `is_late`:
    somebody has changed it since a client ended in order, which leaves none.
    """
    if found.bytes == 0:
        tmp.unlink()
        return
    last_arrival = _last_byte(tmp)

    def book(name: str) -> None:
        books.book(found.recovered(name, last_arrival))
        log.emit(
            LogLevel.warn if is_late or found.odd else LogLevel.info,
            f"Finished {{name}}, which {_CHANGED if is_late else _LEFT} with {{posts}} posts."
            f"{_ODD if found.odd else ''}",
            name=name,
            posts=found.posts,
            odd=found.odd,
        )

    give_final_name(tmp, naming.finals(tmp.name), book, link)
    sync_folder(tmp.parent)


def _cut_torn_tail(tmp: Path, naming: Naming, ledger: Ledger) -> None:
    """Move an incomplete last line of a file, if it has one, into a `.torn` file beside it."""
    with tmp.open("rb") as file:
        cut = unfinished(file.fileno())
        if not cut:
            return
    with tmp.open("r+b") as file:
        whole = os.fstat(file.fileno()).st_size - cut
        torn = _keep_torn(tmp, naming, whole)
        ledger.write(Torn(name=torn.name, bytes=cut))  # rather twice than never
        file.truncate(whole)
        # The crash came while the file was written, or the disk refused: its time says too much.
        os.utime(file.fileno(), (_UNKNOWN, _UNKNOWN))
        os.fsync(file.fileno())
    log.warn(
        "{name} ends within a post; its {n} bytes are kept in {torn}.",
        name=tmp.name,
        n=cut,
        torn=torn.name,
    )


def _keep_torn(tmp: Path, naming: Naming, whole: int) -> Path:
    """
    Write what stands behind so many bytes, which may be much, into a `.torn` file whose name is
    free, sync it, and return its path.
    """
    for name in naming.finals(tmp.name):
        torn = tmp.with_name(name + TORN)
        with tmp.open("rb") as file:
            file.seek(whole)
            # A file that has the beginning of it is from an attempt that was cut short.
            if torn.exists() and not begins_with(file, torn):
                continue
            file.seek(whole)
            with torn.open("wb") as kept:
                copyfileobj(file, kept)
                kept.flush()
                os.fsync(kept.fileno())
            return torn
    raise AssertionError("alternatives() has no end")
