"""
How the captures below a base_dir stand, by what is on the disk: the facts that health is judged by.

Needs no running client, and writes nothing.  Reads each ledger from its end, and no more of it than
needed: neither a day's lines nor the newest of a kind are looked for from its beginning.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from tcaccount.folder import Folder, NoCapture, below, find
from tcaccount.holder import needs
from tcclient.health.facts import CaptureFacts, ClientFacts, ServerTrouble
from tcclient.health.liveliness import DAY, LEAST_OF_A_DAY, LIVELY
from tcclient.ledger import bookings, entries
from tcclient.ledger.entries import seconds
from tcclient.ledger.fold import resumed
from tcclient.ledger.gaps import Missing
from tcclient.ledger.history import JobHistory
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.reading import newest_first, newest_of_job
from tcclient.storage.folders import INDEX

_ABOUT_THE_STREAM = (b'"disconnected"', b'"not_connected"', b'"connected"', b'"capture_start"')

STUCK = 900.0
"""
Seconds without a sign of life after which a client that has the folder open is taken for stuck; the
sign comes every `fsync_interval`, which is 1 s by default.
"""


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
    if not (base_dir / INDEX).is_file():
        raise NoCapture(f"{str(base_dir)!r} is no base_dir of a client: there is no {INDEX} in it.")
    index = list(_this_run(_entries_backwards(base_dir / INDEX)))
    folders = [find(path) for path in below(base_dir)]
    disk = os.statvfs(base_dir)
    found = (_standing(folder, now, refusal(disk)) for folder in folders)
    standings = [one for one in found if one is not None]
    runs = any(folder.is_open for folder in folders)
    ends = [said.at for said in index if isinstance(said.entry, entries.ClientStop)]
    signs = ends or [one.sign for one in standings if one.sign is not None]
    process = next((needs(one.ledger) for one in folders if one.is_open), None)
    return ClientFacts(
        now=now,
        runs=runs,
        sign=max(signs, default=None),
        ended=bool(ends),
        captures=[_as_run(one) if runs else one.facts for one in standings],
        disk_free=disk.f_bavail * disk.f_frsize,
        disk_size=disk.f_blocks * disk.f_frsize,
        disk_daily=sum(one.daily for one in standings if one.daily is not None),
        memory=None if process is None else process.memory,
        cpu=None if process is None else process.cpu,
        server=_server(reversed(index)) if runs else None,
    )


def _as_run(standing: Standing) -> CaptureFacts:
    """Return the facts of a capture whose client runs, though perhaps not with this capture."""
    if standing.is_open:
        return standing.facts
    return attrs.evolve(standing.facts, not_run="no client has its folder open")


def refusal(disk: os.statvfs_result) -> str:
    """
    Return why a disk takes nothing, a clause; empty if it may.  A ledger on such a disk does not
    say so, as it cannot take the line either.
    """
    if disk.f_flag & os.ST_RDONLY:
        return "it can only be read"
    return "" if disk.f_bavail else "no space is left on it"


def _standing(folder: Folder, now: float, refused: str) -> Standing | None:
    """
    Return how a capture stands, on a disk that takes nothing if that has `refused`; None if it is
    not wanted, or nobody knows of which job it is.
    """
    newest = next((one for one in _entries_backwards(folder.ledger) if one.job is not None), None)
    if newest is None or newest.job is None:
        return None
    fold = resumed(newest_of_job(folder.ledger, newest.job), newest.job)
    history, counters = fold.jobs.get(newest.job), fold.counters.get(newest.job)
    if history is None or not _is_wanted(history):
        return None
    files = list(_files_since(folder.ledger, now - DAY))
    last_post = _last_post(folder, files)
    sign = _modified(folder.path / f".{folder.name}.alive")
    full = history.coverage.is_disk_full
    disk, disk_since = _disk(folder.ledger) if full else (refused, None)
    missing = _missing(history, sign, now, is_open=folder.is_open)
    facts = CaptureFacts(
        job=newest.job,
        name=folder.name,
        missing=missing,
        disk=disk,
        disk_since=disk_since,
        refused=_refused(folder.ledger),
        rate=_rate(files, _other_keywords(folder.ledger, last_post - LIVELY)),
        silent=now - max(last_post, _heard_since(history)) if last_post else 0.0,
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


def _missing(
    history: JobHistory, sign: float | None, now: float, *, is_open: bool
) -> Missing | None:
    """Return the gap that is open; where a client gives no sign of life, a gap of its own."""
    if history.missing is not None or not is_open or sign is None or now - sign < STUCK:
        return history.missing
    return Missing(sign, "stuck", "the client has the folder open and gives no sign of life")


def _heard_since(history: JobHistory) -> float:
    """Return the end of the last gap that was read, in epoch seconds; 0.0 if none was."""
    return max((gap.end for gap in history.closed), default=0.0)


def _last_post(folder: Folder, files: list[bookings.File]) -> float:
    """Return when the last post was written, in epoch seconds; 0.0 if that is not known."""
    booked = [seconds(one.last_arrival) for one in files if one.last_arrival is not None]
    names = {one.name for one in files}
    growing = [_modified(folder.path / name) or 0.0 for name in folder.found if name not in names]
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
