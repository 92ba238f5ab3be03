"""
Files that stood in a folder before its account began: they are read through, and booked as found.

Knows how far that has come, from the ledger; the account itself is its owner's business.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from tcclient.ledger import entries
from tcclient.ledger.entries import Entry
from tcclient.ledger.ledgerfile import Ledger
from tcclient.runtime.failures import explain_os
from tcclient.storage.contents import contents
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.slots import Naming

log = Logger()


def found_before(folder: Path, naming: Naming, ledger: Ledger) -> list[str]:
    """What unbooked() finds where no account has begun in the ledger; nothing where one has."""
    if any("account" in line for line in ledger.newest_first()):
        return []
    return unbooked(folder, naming, ledger)


def unbooked(folder: Path, naming: Naming, ledger: Ledger) -> list[str]:
    """The names of the data files in `folder` that no line of the ledger has."""
    booked: set[object] = {line.get("name") for line in ledger.newest_first()}
    booked.add(ledger.path.name)
    return sorted(
        path.name
        for path in folder.iterdir()
        if naming.is_final(path.name) and path.is_file() and path.name not in booked
    )


def left_to_adopt(ledger: Path) -> list[str]:
    """
    What lines `adopting` name and no line `adopted` does; they stand before the first account.
    Raises OSError.
    """
    names: dict[str, None] = {}
    with ledger.open("rb") as file:
        for raw in file:
            line = _read(raw)
            if line.get("kind") == "adopting":
                names |= dict.fromkeys(line["names"])
            elif line.get("kind") == "adopted":
                names.pop(line["name"], None)
            elif "account" in line and not names:
                break
    return list(names)


class Adoption:
    """`note` writes a line into the ledger; `use` says who reads the files, which may take long."""

    def __init__(
        self, folder: Path, ledger: Path, use: DiskUse, note: Callable[[Entry], None]
    ) -> None:
        self._folder = folder
        self._ledger = ledger
        self._threads = use.threads
        self._ids = use.ids
        self._note = note
        self._stopped = False

    async def go_on(self) -> None:
        """With what an earlier process has left."""
        await self.run(await self._threads(partial(left_to_adopt, self._ledger)))

    async def run(self, names: Sequence[str]) -> None:
        """Read the files, one after the other; one that cannot be read is passed over."""
        for name in names:
            try:
                found = await self._threads(partial(contents, self._folder / name, self._ids))
            except OSError as e:
                log.warn("{name} cannot be read: {reason}.", name=name, reason=explain_os(e))
                continue
            if self._stopped:
                return
            self._note(
                entries.Adopted(
                    name=name, posts=found.posts, bytes=found.bytes, sha256=found.sha256
                )
            )
        if names:
            log.info(
                "{n} older files of {folder} are in the account.",
                n=len(names),
                folder=str(self._folder),
            )

    def stop(self) -> None:
        """Note nothing more; the next start goes on."""
        self._stopped = True


def _read(raw: bytes) -> dict[str, Any]:
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return line if isinstance(line, dict) else {}
