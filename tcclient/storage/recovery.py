"""
Finishes the temporary files that a crash left behind, and cuts off their incomplete last lines.

Knows the disk and which files the ledger has booked.  Runs before anything is captured.
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
from msgspec import structs
from twisted.logger import Logger

from tcclient.ledger.bookings import CameBack, File, NotStored, Torn
from tcclient.ledger.fold import newest_counters
from tcclient.ledger.ledgerfile import Ledger, LedgerInUse
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.reading import newest_first, of_kind
from tcclient.runtime.appending import sync_folder
from tcclient.runtime.backwards import unfinished
from tcclient.runtime.failures import explain_os
from tcclient.runtime.wallclock import Wall
from tcclient.storage.contents import Contents, contents
from tcclient.storage.finalname import Link, give_final_name, is_reservation, same_file
from tcclient.storage.growing import DOUBTFUL
from tcclient.storage.postids import PostIds
from tcclient.storage.slots import Naming

log = Logger()

_TOLD = (b'"not_stored"', b'"came_back"')
"""What stands in the lines of a long ledger that say which posts of which file were not stored."""
_UNKNOWN = 0.0
"""Modification time of a file where nobody knows when its last byte came."""


def ledger_path(base_dir: Path, name: str) -> Path:
    """Return the path of the ledger of the captures in the folder `name`."""
    return base_dir / name / f"{name}.ledger.jsonl"


def recover_all(base_dir: Path, naming: Naming, wall: Wall, ids: PostIds) -> dict[str, float]:
    """
    Recover every folder below `base_dir` that has a temporary file, except those in use by another
    client.  `naming` is that of the settings; its name does not matter.  Return what recover()
    returned, by the folder's name, without None.  Never raises OSError: what cannot be recovered is
    logged, and stays as it is.
    """
    last_bytes = {}
    for folder in sorted(path for path in base_dir.glob("*") if path.is_dir()):
        named = structs.replace(naming, name=folder.name)
        try:
            if any(_left_behind(folder, named)):
                with Ledger(ledger_path(base_dir, folder.name), wall) as ledger:
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
    booked = _last_booking(ledger)  # at most this one can have been cut short after its booking
    last_bytes = []
    for tmp in sorted(_left_behind(folder, naming)):
        if not _was_booked(tmp, naming, booked):
            try:
                _forget_doubtful_time(tmp)
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
            _take_back(tmp.name, found.posts, ledger)
            _finish(tmp, found, naming, ledger, link)
    return max(filter(None, last_bytes), default=None)


def _forget_doubtful_time(tmp: Path) -> None:
    """
    Set the time of a file to _UNKNOWN where it is DOUBTFUL.  To be called before the file is read,
    which changes the access time that says so.
    """
    if tmp.stat().st_atime_ns == DOUBTFUL:
        os.utime(tmp, (_UNKNOWN, _UNKNOWN))


def _last_byte(tmp: Path) -> float | None:
    """Return when the file was written last, in epoch seconds; None if nobody knows."""
    status = tmp.stat()
    return status.st_mtime if status.st_size and status.st_mtime != _UNKNOWN else None


def _left_behind(folder: Path, naming: Naming) -> Iterator[Path]:
    """Yield the temporary files in a folder."""
    for path in folder.glob("*"):
        if naming.is_temporary(path.name) and path.is_file():
            yield path


def _was_booked(tmp: Path, naming: Naming, booked: object) -> bool:
    """
    Return whether the file has its final name, and that is `booked`, so that only the temporary
    name is left to remove; remove it then.
    """
    for name in naming.finals(tmp.name):
        path = tmp.with_name(name)
        if not os.path.lexists(path):
            return False
        if name != booked:
            continue
        if same_file(path, tmp):
            tmp.unlink()
        elif is_reservation(path):
            tmp.replace(path)
        else:
            continue
        sync_folder(tmp.parent)
        return True
    raise AssertionError("alternatives() has no end")


def _finish(tmp: Path, found: Contents, naming: Naming, ledger: Ledger, link: Link) -> None:
    """Give a file of whole lines its final name, and book it; remove it if it is empty."""
    if found.bytes == 0:
        tmp.unlink()
        return
    last_arrival = _last_byte(tmp)

    def book(name: str) -> None:
        _book(ledger, found.recovered(name, last_arrival))
        os.fdatasync(ledger.fileno())
        log.info(
            "Finished {name}, which a crash had left with {posts} posts.",
            name=name,
            posts=found.posts,
        )

    give_final_name(tmp, naming.finals(tmp.name), book, link)
    sync_folder(tmp.parent)


def _take_back(name: str, posts: int, ledger: Ledger) -> None:
    """
    Note which posts of a file with this temporary name are counted as not stored, as somebody else
    had replaced or changed it, and are there after all: they are about to be counted with it.
    """
    told: Counter[int | None] = Counter()
    for one in newest_first(ledger.path, *_TOLD):
        match one:
            case LedgerLine(entry=NotStored(posts=gone, counted=True, file=file), job=job):
                told[job] += gone if file == name else 0
            case LedgerLine(entry=CameBack(posts=back, file=file), job=job):
                told[job] -= back if file == name else 0
    for job, gone in told.items():
        back = min(gone, posts)
        if back > 0:
            posts -= back
            ledger.write(CameBack(file=name, posts=back), job)


def _last_booking(ledger: Ledger) -> str | None:
    """Return the name of the file that was booked last; None if none was."""
    for one in newest_first(ledger.path, *of_kind("file")):
        match one:
            case LedgerLine(entry=File(name=name)):
                return name
    return None


def _book(ledger: Ledger, file: File) -> None:
    """
    Write a line about a recovered file.  Its posts belong to the job that has the newest counters
    in this folder, if there is one.
    """
    for job, counters in newest_counters(newest_first(ledger.path)).items():
        counters = attrs.evolve(counters, posts=counters.posts + file.posts)
        ledger.write(structs.replace(file, counters=counters), job)
        return
    ledger.write(file)


def _cut_torn_tail(tmp: Path, naming: Naming, ledger: Ledger) -> None:
    """Move an incomplete last line of a file, if it has one, into a `.torn` file beside it."""
    with tmp.open("rb") as file:
        cut = unfinished(file.fileno())
        if not cut:
            return
        file.seek(-cut, os.SEEK_END)
        tail = file.read()
    with tmp.open("r+b") as file:
        torn = _keep_torn(tmp, naming, tail)
        ledger.write(Torn(name=torn.name, bytes=len(tail)))  # rather twice than never
        file.truncate(os.fstat(file.fileno()).st_size - len(tail))
        # The crash came while the file was written, or the disk refused: its time says too much.
        os.utime(file.fileno(), (_UNKNOWN, _UNKNOWN))
        os.fsync(file.fileno())
    log.warn(
        "{name} ends within a post; its {n} bytes are kept in {torn}.",
        name=tmp.name,
        n=len(tail),
        torn=torn.name,
    )


def _keep_torn(tmp: Path, naming: Naming, tail: bytes) -> Path:
    """Write `tail` into a `.torn` file whose name is free, sync it, and return its path."""
    for name in naming.finals(tmp.name):
        torn = tmp.with_name(name + ".torn")
        # A file that has the beginning of `tail` is from an attempt that was cut short.
        if not torn.exists() or tail.startswith(torn.read_bytes()):
            with torn.open("wb") as file:
                file.write(tail)
                file.flush()
                os.fsync(file.fileno())
            return torn
    raise AssertionError("alternatives() has no end")
