"""
What a crash left behind: temporary files, which are finished, and torn tails, which are cut off.

Knows the disk and the ledger's bookings; it is called before anything is captured.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.files import Finished, give_final_name, sync_folder
from tcclient.ledger import Ledger, LedgerInUse
from tcclient.slots import Naming
from tcclient.tally import Account

log = Logger()

_BLOCK = 1 << 20


def ledger_path(base_dir: Path, name: str) -> Path:
    """Where the account of the captures in the folder `name` stands."""
    return base_dir / name / f"{name}.ledger.jsonl"


def recover_all(base_dir: Path, naming: Naming, clock: IReactorTime) -> None:
    """
    Recover every folder below `base_dir` that holds a temporary file, but those in use by another
    client.  `naming` is that of the settings; its name does not matter.  Never raises OSError: what
    cannot be recovered is logged and stays as it is.
    """
    for folder in sorted(path.parent for path in _temporary_files(base_dir, naming)):
        named = attrs.evolve(naming, name=folder.name)
        try:
            with Ledger(ledger_path(base_dir, folder.name), clock) as ledger:
                recover(folder, named, ledger)
        except LedgerInUse:
            log.info("{folder} is in use by another client.", folder=str(folder))
        except OSError as e:
            log.error("Cannot recover {folder}: {error}", folder=str(folder), error=e)


def recover(folder: Path, naming: Naming, ledger: Ledger) -> None:
    """
    Finish what was left in one folder: whole lines get a final name and are booked, an incomplete
    last line goes into a `.torn` file beside it.  Raises OSError.
    """
    for tmp in sorted(folder.glob("*")):
        if naming.is_temporary(tmp.name) and tmp.is_file():
            _recover_file(tmp, naming, ledger)


def _temporary_files(base_dir: Path, naming: Naming) -> Iterator[Path]:
    ending = naming.extension + naming.temporary_extension
    if not base_dir.is_dir():
        return
    seen = set()
    for path in base_dir.glob("*/*"):
        if path.name.endswith(ending) and path.parent not in seen:
            seen.add(path.parent)
            yield path


def _recover_file(tmp: Path, naming: Naming, ledger: Ledger) -> None:
    final = tmp.name.removesuffix(naming.temporary_extension)
    booked = _last_booking(ledger)
    for name in naming.alternatives(final):
        path = tmp.with_name(name)
        if not path.exists():
            break
        finished_already = path.samefile(tmp)
        reserved = path.stat().st_size == 0 and not finished_already
        if booked.get("name") == name and (finished_already or reserved):
            # The crash came after the booking: only the temporary name is left to remove.
            tmp.replace(path) if reserved else tmp.unlink()
            sync_folder(tmp.parent)
            return
    _cut_torn_tail(tmp, naming, ledger)
    posts, size = _count(tmp)
    if size == 0:
        tmp.unlink()
        return
    give_final_name(
        tmp,
        naming.alternatives(final),
        lambda name: _book(ledger, Finished(name, posts, size)),
    )
    log.info("Finished {name}, which a crash had left with {posts} posts.", name=final, posts=posts)


def _last_booking(ledger: Ledger) -> dict[str, Any]:
    return next((line for line in ledger.newest_first() if line.get("kind") == "file"), {})


def _book(ledger: Ledger, file: Finished) -> None:
    """The posts belong to the job that was accounted for last in this folder, if there is one."""
    last = next((line for line in ledger.newest_first() if "account" in line), None)
    fields = {**attrs.asdict(file), "recovered": True}
    if last is None:
        ledger.write("file", **fields)
        return
    account = Account(**last["account"])
    account = attrs.evolve(account, posts=account.posts + file.posts)
    ledger.write_account("file", last["job"], account, **fields)


def _cut_torn_tail(tmp: Path, naming: Naming, ledger: Ledger) -> None:
    with tmp.open("r+b") as file:
        whole = _end_of_last_line(file.fileno())
        tail = os.pread(file.fileno(), os.fstat(file.fileno()).st_size - whole, whole)
        if not tail:
            return
        torn = _keep_torn(tmp, naming, tail)
        file.truncate(whole)
        os.fsync(file.fileno())
    ledger.write("torn", name=torn.name, bytes=len(tail))
    log.warn(
        "{name} ends within a post; its {n} bytes are kept in {torn}.",
        name=tmp.name,
        n=len(tail),
        torn=torn.name,
    )


def _keep_torn(tmp: Path, naming: Naming, tail: bytes) -> Path:
    stem = tmp.name.removesuffix(naming.temporary_extension)
    for name in naming.alternatives(stem):
        torn = tmp.with_name(name + ".torn")
        try:
            with torn.open("xb") as file:
                file.write(tail)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            continue
        return torn
    raise AssertionError("alternatives() has no end")


def _end_of_last_line(fd: int) -> int:
    """The offset behind the last newline; 0 where there is none."""
    position = os.fstat(fd).st_size
    while position > 0:
        step = min(_BLOCK, position)
        position -= step
        found = os.pread(fd, step, position).rfind(b"\n")
        if found >= 0:
            return position + found + 1
    return 0


def _count(path: Path) -> tuple[int, int]:
    """(lines that are not blank, bytes): the original client left blank lines between posts."""
    posts = 0
    with path.open("rb") as file:
        for line in file:
            posts += not line.isspace()
    return posts, path.stat().st_size
