"""
A capture's folder: which files it has, where its ledger is, and whether a client has it open.

Knows the disk; writes nothing.
"""

import errno
import fcntl
import os
from pathlib import Path

import attrs

from tcclient.storage.folders import INDEX

_LEDGER = ".ledger.jsonl"
TORN = ".torn"


class NoCapture(Exception):
    """The folder cannot be read as that of a capture; str() is a sentence."""


@attrs.frozen
class Found:
    """A file of the folder.  `names` is how many names its content has on this disk."""

    name: str
    bytes: int
    names: int


@attrs.frozen
class Folder:
    """
    The folder of the capture `name`, and what was in it when it was listed.

    `is_open`: a client captures into it.  `found` are the files that are called like the capture,
    `others` the rest; hidden ones are not among them.
    """

    path: Path
    name: str
    is_open: bool
    found: dict[str, Found]
    others: dict[str, Found] = attrs.field(factory=dict)

    @property
    def ledger(self) -> Path:
        return self.path / f"{self.name}{_LEDGER}"

    @property
    def index(self) -> Path:
        """The ledger of what belongs to no capture; it need not be there."""
        return self.path.parent / INDEX

    def inside(self, name: str) -> Path:
        """
        A file that a line of the ledger names.  Raises FileNotFoundError for what is no name of a
        file in this folder.
        """
        path = self.path / name
        if Path(name).name != name or not path.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return path


def find(path: Path) -> Folder:
    """
    The capture at `path`.  To be called before its ledger is read: what is finished in between is
    in the ledger then.  Raises NoCapture.
    """
    try:
        path = path.resolve(strict=True)
        name = _name(path)
        is_open = _is_locked(path / f"{name}{_LEDGER}")
        with os.scandir(path) as listing:
            files = [_found(entry) for entry in listing if _is_visible(entry, name)]
    except OSError as e:
        raise NoCapture(f"{str(path)!r} cannot be read: {e.strerror or e}.") from e
    found = {file.name: file for file in files if file.name.startswith(name)}
    others = {file.name: file for file in files if file.name not in found}
    return Folder(path, name, is_open, found, others)


def _name(path: Path) -> str:
    """By the ledger that is in the folder, which may have been renamed."""
    if not path.is_dir():
        raise NoCapture(f"{str(path)!r} is not a folder.")
    below = [child.name for child in path.iterdir() if (child / f"{child.name}{_LEDGER}").is_file()]
    if below:
        raise NoCapture(
            f"{str(path)!r} is the folder of several captures; name one of them, such as "
            f"{str(path / min(below))!r}."
        )
    names = [file.name.removesuffix(_LEDGER) for file in path.glob(f"*{_LEDGER}")]
    if path.name in names:
        return path.name
    if len(names) != 1:
        found = "no ledger" if not names else "more than one ledger"
        raise NoCapture(f"{str(path)!r} is not the folder of a capture: there is {found} in it.")
    return names[0]


def _is_visible(entry: "os.DirEntry[str]", name: str) -> bool:
    """Whether it is a file, and neither hidden nor the ledger."""
    return entry.name != f"{name}{_LEDGER}" and entry.name[0] != "." and entry.is_file()


def _found(entry: "os.DirEntry[str]") -> Found:
    status = entry.stat()
    return Found(entry.name, status.st_size, status.st_nlink)


def _is_locked(ledger: Path) -> bool:
    """Asked by taking a lock that others may share, and letting it go at once.  A file system
    without locks says no."""
    fd = os.open(ledger, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as e:
        return e.errno in (errno.EAGAIN, errno.EACCES)
    finally:
        os.close(fd)
    return False
