"""
How the captures below a base_dir stand, by what is on the disk: the facts that health is judged by.

A client that runs shows them every few seconds, and they are taken from it.  Otherwise they are
found in ledgers, of which no more is read than needed, from the end.  Writes nothing.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from heapq import nlargest
from pathlib import Path

import attrs
from msgspec import structs

from tcaccount.folder import Folder, NoCapture, below, unlisted
from tcclient.health.facts import CaptureFacts, ClientFacts, ServerTrouble
from tcclient.health.judgement import LATE
from tcclient.health.liveliness import DAY, LEAST_OF_A_DAY, LIVELY
from tcclient.ledger import bookings, entries
from tcclient.ledger.entries import seconds
from tcclient.ledger.history import JobHistory
from tcclient.ledger.known import stands
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.reading import newest_first
from tcclient.ledger.segments import ENDING, ledgers
from tcclient.runtime.needs import needs
from tcclient.storage.healthmark import LastFacts, last_facts
from tcclient.storage.index import INDEX

_ABOUT_THE_STREAM = (b'"disconnected"', b'"not_connected"', b'"connected"', b'"capture_start"')

MOST_GROWING = 10
"""Files in which the last post is looked for: those that are being written have the last names."""


@attrs.frozen
class Standing:
    """
    A capture that is wanted, and whether a client has its folder open.  It takes `daily` bytes a
    day, None where that is not known.
    """

    facts: CaptureFacts
    is_open: bool
    sign: float | None
    daily: float | None


def facts_below(base_dir: Path, now: float) -> ClientFacts:
    """
    Return what the disk tells of a client at the time `now`, in epoch seconds.  Raises NoCapture if
    this is no base_dir, and OSError.
    """
    if not (base_dir.is_dir() and base_dir / INDEX in ledgers(base_dir)):
        raise NoCapture(f"{str(base_dir)!r} is no base_dir of a client: there is no {INDEX} in it.")
    last = last_facts(base_dir)
    if last is not None and last.is_held and last.facts is not None and now - last.at <= LATE:
        return _as_told(last.facts, base_dir, now)
    return _as_found(last, base_dir, now)


def _as_told(told: ClientFacts, base_dir: Path, now: float) -> ClientFacts:
    """Return what the client knows now, with the captures of others beside it."""
    names = {one.name for one in told.captures}
    beside = (path for path in below(base_dir) if path.name not in names)
    others = (folder for path in beside if (folder := unlisted(path)).is_open)
    found = filter(None, (_standing(folder, now, "") for folder in others))
    return structs.replace(told, captures=[*told.captures, *(one.facts for one in found)])


def _as_found(last: LastFacts | None, base_dir: Path, now: float) -> ClientFacts:
    """Return what ledgers and files tell, where none that runs does.  Raises OSError."""
    index = list(_this_run(_entries_backwards(base_dir / INDEX)))
    folders = [unlisted(path) for path in below(base_dir)]
    disk = os.statvfs(base_dir)
    found = (_standing(folder, now, refusal(disk)) for folder in folders)
    standings = [one for one in found if one is not None]
    is_held = last is not None and last.is_held
    runs = is_held or any(folder.is_open for folder in folders)
    ends = [said.at for said in index if isinstance(said.entry, entries.ClientStop)]
    signs = ends or [*(one.sign for one in standings if one.sign), *([last.at] if last else [])]
    process = next((needs(one.ledger) for one in folders if one.is_open), None)
    begun = last.at if last is not None and is_held else None
    captures = [_as_run(one, begun) if runs else one.facts for one in standings]
    daily = [one.daily for one in standings if one.daily is not None]
    captures += () if ends or runs else _lost(last, standings)
    return ClientFacts(
        now=now,
        runs=runs,
        sign=max(signs, default=None),
        ended=bool(ends) and not is_held,
        silent_since=begun if begun is not None and now - begun > LATE else None,
        captures=captures,
        disk_free=disk.f_bavail * disk.f_frsize,
        disk_size=disk.f_blocks * disk.f_frsize,
        disk_daily=sum(daily) if daily else None,
        memory=None if process is None else process.memory,
        cpu=None if process is None else process.cpu,
        server=_server(reversed(index)) if runs else None,
    )


def _as_run(standing: Standing, begun: float | None) -> CaptureFacts:
    """Return the facts of a capture whose client runs, though perhaps not with it; it has begun."""
    why = "" if standing.is_open else "no client has its folder open"
    return structs.replace(standing.facts, not_run=why, not_run_since=begun if why else None)


def _lost(last: LastFacts | None, standings: list[Standing]) -> Iterator[CaptureFacts]:
    """Yield the captures that a client had when it died, and of which no ledger tells."""
    known = {one.facts.job for one in standings}
    if last is not None and last.facts is not None:
        yield from (one for one in last.facts.captures if one.job not in known)


def refusal(disk: os.statvfs_result) -> str:
    """
    Return why a disk takes nothing, a clause; empty if it may.  A ledger on such a disk does not
    say so, as it cannot take the line either.
    """
    if disk.f_flag & os.ST_RDONLY:
        return os.strerror(errno.EROFS)
    return "" if disk.f_bavail else os.strerror(errno.ENOSPC)


def _standing(folder: Folder, now: float, refused: str) -> Standing | None:
    """
    Return how a capture stands, on a disk that takes nothing if that has `refused`; None if it is
    not wanted, or nobody knows of which job it is.
    """
    newest = next((one for one in _entries_backwards(folder.ledger) if one.job is not None), None)
    if newest is None or newest.job is None:
        return None
    fold = stands(folder.ledger, newest.job)
    history, counters = fold.jobs.get(newest.job), fold.counters.get(newest.job)
    if history is None or not _is_wanted(history):
        return None
    files = list(_files_since(folder.ledger, now - DAY))
    last_post = _last_post(folder, files)
    sign = _modified(folder.path / f".{folder.name}.alive")
    full = history.coverage.is_disk_full
    disk, disk_since = _disk(folder.ledger) if full else (refused, None)
    missing = history.missing
    heard_since = max((gap.end for gap in history.closed), default=0.0)
    facts = CaptureFacts(
        job=newest.job,
        name=folder.name,
        missing=missing,
        disk=disk,
        disk_since=disk_since,
        refused=_refused(folder.ledger),
        lively=_rate(files, _other_keywords(folder.ledger, last_post - LIVELY)),
        silent=now - max(last_post, heard_since) if last_post else 0.0,
        total=None if counters is None else counters.base + counters.posts,
        lag=now - sign if sign and folder.is_open and missing is None else None,
        next_attempt=_next_attempt(folder.ledger) if missing and folder.is_open else None,
    )
    return Standing(facts, folder.is_open, sign, _daily(files, now))


def _is_wanted(history: JobHistory) -> bool:
    """Return whether the capture is to run, by the newest lines of its ledger."""
    missing = history.missing
    if missing is not None:
        return missing.ceased is None
    return history.coverage.safe is not None


def _last_post(folder: Folder, files: list[bookings.File]) -> float:
    """Return when the last post was written, in epoch seconds; 0.0 if that is not known."""
    booked = [seconds(one.last_arrival) for one in files if one.last_arrival is not None]
    names = {one.name for one in files}
    with os.scandir(folder.path) as listing:
        found = (one.name for one in listing if one.name.startswith(folder.name))
        others = (name for name in found if name not in names and not name.endswith(ENDING))
        newest = nlargest(MOST_GROWING, others)
    growing = [_modified(folder.path / name) or 0.0 for name in newest]
    return max(booked + growing, default=0.0)


def _rate(files: list[bookings.File], since: float) -> float:
    """
    Return how many posts came in a second while the newest files were written, of those that were
    begun since then, in epoch seconds.
    """
    arrivals = [
        (seconds(one.first_arrival), seconds(one.last_arrival), one.posts)
        for one in files
        if one.first_arrival is not None
        and one.last_arrival is not None
        and seconds(one.first_arrival) >= since
    ]
    if not arrivals:
        return 0.0
    last = max(end for _, end, _ in arrivals)
    recent = [one for one in arrivals if one[0] > last - LIVELY]
    lasted = last - min((begin for begin, _, _ in recent), default=last)
    return sum(posts for *_, posts in recent) / lasted if lasted > 0 else 0.0


def _daily(files: list[bookings.File], now: float) -> float | None:
    """Return how many bytes a day brings, by the files of the last one; None if that is unknown."""
    begins = [seconds(one.first_arrival) for one in files if one.first_arrival is not None]
    lasted = min(DAY, now - min(begins, default=now))
    if lasted < LEAST_OF_A_DAY:
        return None
    return sum(one.bytes for one in files) * DAY / lasted


def _other_keywords(ledger: Path, since: float) -> float:
    """Return when the keywords were changed last, in epoch seconds; `since` if not since then."""
    for one in _entries_backwards(ledger, b'"keywords"'):
        if one.at < since:
            break
        if isinstance(one.entry, entries.Keywords) and one.entry.before not in (
            None,
            one.entry.after,
        ):
            return one.at
    return since


def _next_attempt(ledger: Path) -> float | None:
    """Return when the stream is asked for again, in epoch seconds; None if that is not known."""
    for one in _entries_backwards(ledger, *_ABOUT_THE_STREAM):
        match one.entry:
            case entries.Disconnected(wait=float(wait)) | entries.NotConnected(wait=float(wait)):
                return one.at + wait
            case entries.CaptureStart() | entries.Connected():
                return None
    return None


def _files_since(ledger: Path, since: float) -> Iterator[bookings.File]:
    """Yield the files that were finished since then, the newest first."""
    for one in _entries_backwards(ledger, b'"file"'):
        if one.at < since:
            return
        if isinstance(one.entry, bookings.File):
            yield one.entry


def _refused(ledger: Path) -> int:
    """Return how many terms of the newest keyword text are left out."""
    terms: set[str] = set()
    for one in _entries_backwards(ledger, b'"keywords"', b'"terms_refused"'):
        if isinstance(one.entry, entries.Keywords | entries.TermsRefused):
            terms |= {refused.term for refused in one.entry.refused}
        if isinstance(one.entry, entries.Keywords):
            break
    return len(terms)


def _disk(ledger: Path) -> tuple[str, float | None]:
    """Return why the disk takes no posts, and since when in epoch seconds, if that is known."""
    for one in _entries_backwards(ledger, b'"disk_trouble"'):
        if isinstance(one.entry, bookings.DiskTrouble):
            return one.entry.reason, one.at
    return "the ledger does not say why", None


def _server(index: Iterable[LedgerLine]) -> ServerTrouble | None:
    """Return at what the capture server has failed longest; the lines come oldest first."""
    failing: dict[str, ServerTrouble] = {}
    for said in index:
        match said.entry:
            case entries.ServerFails(doing=doing, reason=reason):
                since = failing[doing].since if doing in failing else said.at
                failing[doing] = ServerTrouble(doing, reason, since)
            case entries.ServerAnswers(doing=doing):
                failing.pop(doing, None)
    return min(failing.values(), key=lambda one: one.since, default=None)


def _this_run(newest_first: Iterable[LedgerLine]) -> Iterator[LedgerLine]:
    """Yield the lines of the newest run of the client, the newest first."""
    for said in newest_first:
        yield said
        if isinstance(said.entry, entries.ClientStart):
            return


def _entries_backwards(ledger: Path, *words: bytes) -> Iterator[LedgerLine]:
    """Yield the lines that can be read, the newest first; only those with one of `words`."""
    return (one for one in newest_first(ledger, *words) if isinstance(one, LedgerLine))


def _modified(path: Path) -> float | None:
    """Return when a file was modified, in epoch seconds; None if there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return None
