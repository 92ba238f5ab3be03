"""
A capture's folder: which files it has, where its ledger is, and whether a client has it open.

Knows the disk; writes nothing.
"""

import errno
import os
from pathlib import Path

import attrs

from tcclient.ledger.locks import is_in_use
from tcclient.ledger.segments import files as ledger_files
from tcclient.ledger.segments import ledgers
from tcclient.storage.index import INDEX

_LEDGER = ".ledger.jsonl"


class NoCapture(Exception):
    """Raised where a folder cannot be read as that of a capture.  str() is a sentence."""


@attrs.frozen
class Found:
    """A file of the folder.  `names` is how many names, or hard links, its content has."""

    name: str
    bytes: int
    names: int


@attrs.frozen
class Folder:
    """
    The folder of the capture `name`, and what was in it when it was listed.

    `is_open` says whether a client captures into it.  `found` are the files whose names begin with
    that of the capture, `others` the rest, both by name; hidden files and the ledger are in
    neither.
    """

    path: Path
    name: str
    is_open: bool
    found: dict[str, Found] = attrs.field(factory=dict)
    others: dict[str, Found] = attrs.field(factory=dict)

    @property
    def ledger(self) -> Path:
        """The ledger of the capture."""
        return self.path / f"{self.name}{_LEDGER}"

    @property
    def index(self) -> Path:
        """The ledger of what belongs to no capture, which may not exist."""
        return self.path.parent / INDEX

    def inside(self, name: str) -> Path:
        """
        Return the path of a file that a line of the ledger names.  Raises FileNotFoundError if
        there is no such file, or the name leads out of this folder.
        """
        path = self.path / name
        if Path(name).name != name or not path.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return path


def find(path: Path) -> Folder:
    """
    Return the folder of the capture at `path`.  Raises NoCapture.  Call this before its ledger is
    read, which then accounts for each file that was finished when the folder was listed.
    """
    folder = unlisted(path)
    try:
        with os.scandir(folder.path) as listing:
            own = {file.name for file in ledger_files(folder.ledger)}
            files = [_found(entry) for entry in listing if _is_visible(entry, own)]
    except OSError as e:
        raise _unreadable(path, e) from e
    found = {file.name: file for file in files if file.name.startswith(folder.name)}
    others = {file.name: file for file in files if file.name not in found}
    return attrs.evolve(folder, found=found, others=others)


def unlisted(path: Path) -> Folder:
    """Return the folder as find() does, without its files, of which there may be many."""
    try:
        path = path.resolve(strict=True)
        name = _name(path)
        ledger = path / f"{name}{_LEDGER}"
        return Folder(path, name, ledger.exists() and is_in_use(ledger))
    except OSError as e:
        raise _unreadable(path, e) from e


def _unreadable(path: Path, error: OSError) -> NoCapture:
    return NoCapture(f"{str(path)!r} cannot be read: {error.strerror or error}.")


def below(base_dir: Path) -> list[Path]:
    """
    Return the folders of the captures of a client, by name; none if this is no base_dir.  Raises
    OSError.
    """
    if not base_dir.is_dir():
        return []
    with os.scandir(base_dir) as listing:
        folders = sorted(base_dir / child.name for child in listing if child.is_dir())
    return [one for one in folders if one / f"{one.name}{_LEDGER}" in ledgers(one)]


def _name(path: Path) -> str:
    """
    Return the name of the capture, which is that of the ledger: the folder may have been renamed.
    Raises NoCapture, and OSError.
    """
    if not path.is_dir():
        raise NoCapture(f"{str(path)!r} is not a folder.")
    several = below(path)
    if several:
        raise NoCapture(
            f"{str(path)!r} is the folder of several captures; name one of them, such as "
            f"{str(several[0])!r}."
        )
    names = [ledger.name.removesuffix(_LEDGER) for ledger in ledgers(path)]
    if path.name in names:
        return path.name
    if len(names) != 1:
        found = "no ledger" if not names else "more than one ledger"
        raise NoCapture(f"{str(path)!r} is not the folder of a capture: there is {found} in it.")
    return names[0]


def _is_visible(entry: "os.DirEntry[str]", ledger: set[str]) -> bool:
    """Return whether this is a file, and neither hidden nor one of the `ledger`."""
    return entry.name not in ledger and entry.name[0] != "." and entry.is_file()


def _found(entry: "os.DirEntry[str]") -> Found:
    """Return what the folder tells of a file.  Raises OSError."""
    status = entry.stat()
    return Found(entry.name, status.st_size, status.st_nlink)
