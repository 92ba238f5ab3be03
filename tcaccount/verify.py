"""
Verifies a folder by its ledger, and says each difference in a sentence.

Knows what has to agree; leaves single files to `comparison` and unknown ones to `strangers`.  Reads
every file once, and writes nothing but the temporary files of `twice`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs

from tcaccount import posts
from tcaccount.chain import broken_links
from tcaccount.comparison import Difference, Finding, Remark, compare
from tcaccount.folder import Folder
from tcaccount.index import Index
from tcaccount.numbers import Numbers
from tcaccount.places import Places
from tcaccount.reading import Reading
from tcaccount.record import Booked, Record
from tcaccount.strangers import Strangers
from tcaccount.twice import Identities
from tcclient.ledger.bookings import LedgerBegin
from tcclient.ledger.lines import LedgerLine, UnreadableLine
from tcclient.ledger.reading import lines
from tcclient.ledger.wording import number

MOST_LINES = 20
"""How many lines of a ledger are named that cannot be read."""


@attrs.define
class Verification:
    """
    The verification of one folder.  `temporary` is how the names of files that are being written
    end.  `advance` is called with the size of each block that is read.  `files` and `posts` are how
    many have been read so far.
    """

    folder: Folder
    index: Index
    temporary: str
    reading: Reading
    advance: Callable[[int], object]
    files: int = 0
    posts: int = 0

    def run(self) -> Iterator[Finding]:
        """Yield all that is found, when it is found.  Raises OSError."""
        record = Record(reports=self.reading.reports())
        yield from self._ledger(record)
        strangers = Strangers(self.folder, record, self.temporary, self.reading.ids)
        strangers.recognise(self.advance)
        with Identities() as identities:
            for number_of, booked in enumerate(record.files):
                yield from self._file(number_of, booked, strangers, identities)
            yield from _twice(record, identities)
        yield from _not_hashed(record)
        yield from strangers.findings()
        yield from map(Remark, _unreadable(self.index.unreadable, self.folder.index))
        yield from map(Remark, broken_links(self.folder.index))

    def _ledger(self, record: Record) -> Iterator[Finding]:
        """Read the ledger into `record`, and yield what is wrong within it."""
        places = Places(self.folder.ledger)
        numbers = Numbers(record, self._may_come, places.of)
        for line in lines(self.folder.ledger, self.reading.vocabulary):
            if isinstance(line, LedgerLine):
                yield from map(Difference, numbers.check(line))
                if isinstance(line.entry, LedgerBegin) and not places.is_first(line.number):
                    yield Difference(f"{places.of(line.number)} begins a ledger amid a file.")
            record.take(line)
        yield from map(Difference, _unreadable(record.unreadable, self.folder.ledger))
        yield from map(Difference, broken_links(self.folder.ledger))
        if record.cut is not None and not self.folder.is_open:
            yield Difference(
                f"The last line of the ledger was cut after {number(record.cut.bytes, 'byte')}: "
                "start the client, which mends it."
            )
        names = Counter(booked.entry.name for booked in record.files)
        for name, times in names.items():
            if times > 1:
                yield Difference(f"The ledger accounts for {name} {number(times)} times.")

    def _may_come(self, job: int) -> bool:
        """Return whether the counters of a job can have come from another folder."""
        return not self.index.known or bool(self.index.elsewhere(job, self.folder.name))

    def _file(
        self, place: int, booked: Booked, strangers: Strangers, identities: Identities
    ) -> Iterator[Finding]:
        """Read a file, the `place`-th of the ledger, and yield how it differs from its line."""
        name = booked.entry.name
        try:
            found = posts.read(
                self.folder.inside(name),
                self.reading.ids,
                self.advance,
                lambda post: identities.take(post, place),
            )
        except FileNotFoundError:
            yield strangers.missing(booked)
            return
        self.files += 1
        self.posts += found.posts
        yield from compare(booked, found)


def _unreadable(found: Sequence[UnreadableLine], ledger: Path) -> Iterator[str]:
    """Yield which lines of a ledger cannot be read.  Raises OSError."""
    places = Places(ledger)
    for line in found[:MOST_LINES]:
        yield f"{places.of(line.number)} {line.why}."
    more = len(found) - MOST_LINES
    if more > 0:
        yield f"{number(more, 'more line')} of {ledger.name} cannot be read."


def _not_hashed(record: Record) -> Iterator[Finding]:
    """Yield how many files have no hash in the ledger, as in those of early versions."""
    without = sum(booked.entry.sha256 is None for booked in record.files)
    if without:
        yield Remark(
            f"The ledger has no SHA-256 of {number(without, 'file')}: only posts and bytes were "
            "compared."
        )


def _twice(record: Record, identities: Identities) -> Iterator[Finding]:
    """Yield which files have posts more than once, or in common."""
    for pair in identities.twice():
        both = [record.files[place] for place in (pair.first, pair.second)]
        names = [booked.entry.name for booked in both]
        such = "" if pair.lowest is None else f", such as {pair.lowest}"
        posts = number(pair.ids, "post")
        if pair.first == pair.second:
            text = f"{names[0]} has {posts} twice{such}."
        elif names[0] == names[1]:
            continue  # one file for which the ledger has two lines, which has been said
        else:
            text = f"{names[0]} and {names[1]} both have {posts}{such}."
        is_known = record.keeps_again or all(booked.is_adopted for booked in both)
        yield Remark(text) if is_known else Difference(text)
