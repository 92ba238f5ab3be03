"""
The files of a folder that no line of its ledger accounts for, and those that are not there.

Knows which of them are as they should be, such as one that is being written; does not compare the
contents of files that are accounted for.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from tcaccount import posts
from tcaccount.comparison import Difference, Finding, Remark
from tcaccount.folder import Folder, Found
from tcaccount.posts import FileContents
from tcaccount.record import Booked, Record
from tcclient.ledger.wording import number
from tcclient.storage.postids import PostIds
from tcclient.storage.slots import TORN


class Strangers:
    """
    The strangers in one folder: files that no line accounts for.  `temporary` is how the names of
    files that are being written end.
    """

    def __init__(self, folder: Folder, record: Record, temporary: str, ids: PostIds) -> None:
        self._folder = folder
        self._record = record
        self._booked = {booked.entry.name: booked for booked in record.files}
        self._temporary = temporary
        self._ids = ids
        # By name; None where no file of the ledger is as long, so that it cannot be one of them.
        self._strangers: dict[str, FileContents | None] = {}

    def recognise(self, advance: Callable[[int], object]) -> None:
        """
        Find the strangers, and read those that may be a file of the ledger under another name;
        `advance` is called with how many bytes were read.  Raises OSError.
        """
        sizes = {booked.entry.bytes for booked in self._record.files}
        for found in self._found():
            contents = None
            if found.bytes in sizes:
                contents = posts.read(self._folder.path / found.name, self._ids, advance)
            self._strangers[found.name] = contents

    def missing(self, booked: Booked) -> Difference:
        """
        Return what to say of a file of the ledger that is not there.  If a stranger has the same
        content, the file was renamed, and the stranger is none any more.
        """
        name = booked.entry.name
        for stranger, contents in self._strangers.items():
            if _is_same(booked, contents) and self._is_gone_before(contents):
                del self._strangers[stranger]
                return Difference(f"{name} is called {stranger} now.")
        had = number(booked.entry.posts, "post")
        return Difference(f"{name}, which had {had}, is not there.")

    def findings(self) -> Iterator[Finding]:
        """Yield what no line of the ledger accounts for.  Call this after the last missing()."""
        for name, contents in self._strangers.items():
            yield Difference(self._of(name, contents))
        yield from self._to_adopt()
        yield from self._unfinished()
        yield from self._torn()

    def _found(self) -> Iterator[Found]:
        """Yield the files that a line should account for, and none does."""
        # A file that neither begins nor ends like those of the capture is somebody's notes.
        endings = tuple({Path(name).suffix for name in self._booked} - {""})
        alike = {n: file for n, file in self._folder.others.items() if n.endswith(endings)}
        for name, found in sorted({**self._folder.found, **alike}.items()):
            if name in self._booked or name in self._record.to_adopt:
                continue
            if name.endswith((self._temporary, TORN)):
                continue
            # A file that is just being finished has two names until it has been booked.
            if not (self._folder.is_open and (found.names > 1 or found.bytes == 0)):
                yield found

    def _is_gone_before(self, contents: FileContents | None) -> bool:
        """Return whether no file of the ledger that is there has these, which would be a copy."""
        return not any(
            _is_same(other, contents) and name in self._folder.found
            for name, other in self._booked.items()
        )

    def _of(self, stranger: str, contents: FileContents | None) -> str:
        for name, booked in self._booked.items():
            if _is_same(booked, contents):
                return f"{stranger} is a copy of {name}, and no line of the ledger has it."
        return f"No line of the ledger accounts for {stranger}."

    def _to_adopt(self) -> Iterator[Finding]:
        """Yield what there is to say of older files that no client has read yet."""
        for name in sorted(self._record.to_adopt):
            if name in self._folder.found:
                yield Remark(f"{name} is older than the ledger, and a client has not read it yet.")
            else:
                yield Difference(f"{name}, which is older than the ledger, is not there.")

    def _unfinished(self) -> Iterator[Finding]:
        """Yield which files are being written, or were when a client crashed."""
        for name, found in sorted(self._folder.found.items()):
            if not name.endswith(self._temporary):
                continue
            if name in self._record.foreign:
                yield Remark(f"{name} is somebody else's, and is left alone.")
            elif self._folder.is_open:
                yield Remark(f"{name} is being written ({number(found.bytes, 'byte')}).")
            else:
                yield Difference(
                    f"{name} was left by a crash: start the client, which finishes it."
                )

    def _torn(self) -> Iterator[Finding]:
        """Yield where the files with cut ends of posts differ from the ledger."""
        known = {torn.name: torn.bytes for torn in self._record.torn}
        here = {name: file for name, file in self._folder.found.items() if name.endswith(TORN)}
        for name in sorted(known.keys() | here.keys()):
            if name not in known:
                yield Difference(f"No line of the ledger accounts for {name}.")
            elif name not in here:
                yield Difference(f"{name}, the cut end of a post, is not there.")
            elif here[name].bytes != known[name]:
                size, had = number(here[name].bytes, "byte"), number(known[name])
                yield Difference(f"{name} has {size} and had {had}.")


def _is_same(booked: Booked, found: FileContents | None) -> bool:
    """Return whether this is the content of a file in the ledger, by its hash."""
    return found is not None and found.sha256 == booked.entry.sha256
