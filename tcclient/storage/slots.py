"""
Which file a post belongs to, and what files and folders are called.

Knows calendars and names; opens nothing.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct

from tcclient.runtime.wallclock import Date

LONGEST_NAME = 255
"""Most bytes of a file name on the common file systems."""

LONGEST_STAMP = 64
"""Most bytes of a slot's stamp; the settings refuse a filename_timefmt that gives more."""

TORN = ".torn"
"""The end of the name of a file with the cut end of a post, which a crash left."""

_ROOM_FOR_SUFFIXES = 24
"""Bytes kept free for what is added to some names: `_0000`, `.torn`, `.ledger.jsonl`."""


class Slot(Struct, frozen=True):
    """
    A stretch of time whose posts go into one file: from `begin` until just before `end`, in epoch
    seconds.  `stamp` is `begin` as file names have it.
    """

    begin: float
    end: float
    stamp: str

    def holds(self, now: Date) -> bool:
        """Return whether the time `now` (epoch seconds) is within the slot."""
        return self.begin <= now < self.end


class Naming(Struct, frozen=True):
    """
    How the files of one capture are called: `name` is that of its folder, the other members are
    settings of `output`.
    """

    name: str
    extension: str = ".json"
    temporary_extension: str = ".tmp"
    minute_interval: int = 10
    filename_timefmt: str = "%Y%m%d_%H%M"
    utc: bool = False

    def slot(self, now: Date) -> Slot:
        """
        Return the slot that the time `now` (epoch seconds) is in, by local time or UTC.

        Slots are counted within the hour: an interval of 7 minutes gives 00, 07 .. 56.
        """
        # Slots begin at whole seconds; datetime would round a time just before one up to it.
        second = math.floor(now)
        moment = datetime.fromtimestamp(second, UTC)
        moment = moment if self.utc else moment.astimezone()
        first = moment.minute - moment.minute % self.minute_interval
        begin = float(second - (moment.minute - first) * 60 - moment.second)
        minutes = min(self.minute_interval, 60 - first)
        start = moment.replace(minute=first, second=0)
        return Slot(begin, begin + minutes * 60, start.strftime(self.filename_timefmt))

    def final(self, slot: Slot) -> str:
        """Return the first choice for the name of the finished file of a slot."""
        return f"{self.name}{slot.stamp}{self.extension}"

    def temporary(self, final: str) -> str:
        """Return the name that a file has while posts are appended to it."""
        return final + self.temporary_extension

    def finals(self, temporary: str) -> Iterator[str]:
        """Yield the final names, without end, for a file that has this temporary name."""
        return self.alternatives(temporary.removesuffix(self.temporary_extension))

    def is_temporary(self, file_name: str) -> bool:
        """Return whether a file of that name is one of this capture's that was not finished."""
        return file_name.startswith(self.name) and file_name.endswith(
            self.extension + self.temporary_extension
        )

    def is_final(self, file_name: str) -> bool:
        """Return whether a file of that name is one of this capture's that was finished."""
        return file_name.startswith(self.name) and file_name.endswith(self.extension)

    def is_torn(self, file_name: str) -> bool:
        """Return whether a file of that name has the cut end of one of this capture's."""
        return file_name.startswith(self.name) and file_name.endswith(self.extension + TORN)

    def alternatives(self, final: str) -> Iterator[str]:
        """Yield `final`, then the same with _00, _01 .. before the extension, without end."""
        yield final
        stem = final.removesuffix(self.extension)
        number = 0
        while True:
            yield f"{stem}_{number:02d}{self.extension}"
            number += 1


def folder_name(name: str, room: int) -> str:
    """
    Return the name of the folder of a job called `name`, which is `name` itself.

    Raises ValueError, with a clause that follows the name in a sentence, if it is not one plain
    path component, or so long that it does not leave `room` bytes for stamp and extensions.
    """
    if not name.strip():
        raise ValueError("it is empty")
    if name.startswith("."):
        raise ValueError("it begins with a dot")
    if "/" in name or any(ord(character) < 32 or character == "\x7f" for character in name):
        raise ValueError("it contains a slash or a control character")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise ValueError("it contains half a character (a lone surrogate)") from None
    longest = LONGEST_NAME - room - _ROOM_FOR_SUFFIXES
    if size > longest:
        raise ValueError(f"it has {size} bytes, more than the {longest} that fit a file name")
    return name
