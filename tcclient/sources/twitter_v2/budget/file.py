"""
The file that says what was spent.

Knows how the file is read and replaced; nothing of what a budget allows.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from tcclient.runtime.appending import replace_file
from tcclient.runtime.fixedfiles import read_file
from tcclient.sources.twitter_v2.budget.budget import NOTHING_SPENT, SpendingRecord

_MAX_BYTES = 1 << 16  # a record has some 200; this keeps a foreign file from being read whole

Write = Callable[[Path, SpendingRecord], None]
"""Puts a record on disk, as write_record() does.  Raises OSError."""


class Illegible(Exception):
    """
    Raised for a file that does not say what was spent.  str() is a sentence without its full stop.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} cannot be read ({reason}): the budget counts as used up until the next "
            "period. To begin at 0, remove the file while the client is down"
        )


def record_path(base_dir: Path, key: str) -> Path:
    """Return the path of the file of one client of the server for which `key` stands."""
    return base_dir / f"tcc.budget.{key}.json"


def write_record(path: Path, record: SpendingRecord) -> None:
    """Replace the file, so that even a power cut leaves the old or the new.  Raises OSError."""
    replace_file(path, msgspec.json.encode(record))


def read_record(path: Path) -> SpendingRecord:
    """Return the record in the file, NOTHING_SPENT if there is no file.  Raises Illegible."""
    try:
        content = read_file(path, _MAX_BYTES + 1)
    except FileNotFoundError:
        return NOTHING_SPENT
    except OSError as e:
        raise Illegible(path, f"{e.strerror or e}") from e
    if len(content) > _MAX_BYTES:
        raise Illegible(path, "it is larger than any of ours")
    try:
        record = msgspec.json.decode(content, type=SpendingRecord)
        datetime.strptime(record.day, "%Y-%m-%d")
    except (msgspec.MsgspecError, ValueError, RecursionError) as e:
        raise Illegible(path, _newer(content) or f"it is none of ours ({e})") from e
    if not record.day.startswith(record.month):
        raise Illegible(path, "its day is in another month")
    return record


def _newer(content: bytes) -> str | None:
    """Return a clause if a newer client has written the file, otherwise None."""
    try:
        version = msgspec.json.decode(content)["version"]
    except (msgspec.MsgspecError, RecursionError, TypeError, KeyError):
        return None
    is_newer = type(version) is int and version > 1
    return f"a newer client has written it (version {version})" if is_newer else None
