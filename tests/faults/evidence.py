"""
What a run has left: the simulator's journal, the client's folder and ledger.

Knows their formats; judges nothing.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from tcclient.ledger.segments import files
from tcsandbox.twitter.common.ids import SNOWFLAKE_EPOCH_MS
from tests.faults.accounting import Span

TAIL = 1 << 16
"""Bytes in which a post ends; the simulator's largest have less than 20 kB."""


@attrs.define
class Sent:
    """
    The journal: from when X had made each post, by its rules then, until that was handed on; and
    when there was a stream.
    """

    posts: dict[int, Span] = attrs.field(factory=dict)
    opened: list[float] = attrs.field(factory=list)
    streams: list[Span] = attrs.field(factory=list)


def read_journal(path: Path, killed: Sequence[float], end: float) -> Sent:
    """
    The journal of simulators of which some were killed at these times: their streams ended then,
    the others' at `end` at the latest.
    """
    sent = Sent()
    open_: dict[int, float] = {}
    deaths = [*sorted(killed), end]
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            at, _, post = line.split(maxsplit=3)[:3]
            sent.posts[int(post)] = _sent(int(post), float(at), is_again=int(post) in sent.posts)
            continue
        remark = json.loads(line[1:])
        at = remark["time"]
        while at > deaths[0] and len(deaths) > 1:
            sent.streams += _ended(open_, deaths.pop(0))
        if remark.get("stream") == "opened":
            sent.opened.append(at)
            open_[remark["connection"]] = at
        elif remark.get("stream") == "closed" and remark["connection"] in open_:
            sent.streams.append(Span(open_.pop(remark["connection"]), at))
    sent.streams += _ended(open_, deaths[0])
    return sent


def _sent(post: int, at: float, *, is_again: bool) -> Span:
    """When a post was sent that was handed on `at`: one that is new had been made before."""
    return Span(at if is_again else min(sent_at(post), at), at)


def _ended(open_: dict[int, float], at: float) -> list[Span]:
    spans = [Span(begin, at) for begin in open_.values()]
    open_.clear()
    return spans


def read_posts(files: Iterable[Path]) -> tuple[list[int], int]:
    """The ids of the posts in finished files, and the number of lines that are none."""
    ids = []
    torn = 0
    for path in files:
        with path.open("rb") as lines:
            for line in lines:
                try:
                    if not line.endswith(b"}\n"):
                        raise ValueError(line[-80:])
                    ids.append(post_id(line))
                except (ValueError, LookupError):
                    torn += 1
    return ids, torn


def post_id(line: bytes) -> int:
    """Of a post of either API; raises ValueError or LookupError where the line is none."""
    post = json.loads(line)
    return int(post["data"]["id"] if "data" in post else post["id"])


def sent_at(post: int) -> float:
    """When a post with this id was made."""
    return ((post >> 22) + SNOWFLAKE_EPOCH_MS) / 1000


def newest_post(folder: Path) -> int:
    """The id of the last whole post in the folder, 0 where there is none."""
    return max((_last_post(path) for path in data_files(folder)), default=0)


def data_files(folder: Path) -> list[Path]:
    """The current file and the last finished one."""
    temporary = [path for path in folder.glob("*.tmp") if path.is_file()]
    return temporary + sorted(folder.glob("*.json"), key=_age)[-1:]


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _last_post(path: Path) -> int:
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            lines = file.read().split(b"\n")[:-1]
    except FileNotFoundError:  # it has just got its final name
        return 0
    for line in reversed(lines):
        try:
            return post_id(line)
        except (ValueError, LookupError):
            continue
    return 0


@attrs.frozen
class Account:
    """What the ledger says: the posts counted, and the gaps."""

    counted: int
    gaps: list[Span]


def read_ledger(path: Path, ahead: float) -> Account:
    """
    By a clock that is so many seconds ahead.  Raises ValueError for a line that is not JSON.
    """
    counted = 0
    gaps = []
    for line in ledger_lines(path):
        account = line.get("account")
        if account is not None:
            counted = account["base"] + account["posts"]
        if line["kind"] == "gap":
            gaps.append(Span(_unix(line["begin"]) - ahead, _unix(line["end"]) - ahead))
    return Account(counted, gaps)


def sent_again(journal: Path) -> int:
    """How many posts were sent again so far."""
    posts = [line.split()[2] for line in journal.read_text().splitlines() if line[0] != "#"]
    return len(posts) - len(set(posts))


def ledger_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Of all its files, oldest first; raises ValueError for one that is not JSON."""
    for file in files(path):
        with file.open() as lines:
            yield from map(json.loads, lines)


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
