"""
Makes a picture of an account: which curve, marks and words it has.

Knows ledgers and, for a fine picture, the files of posts; does not know how a picture is drawn.
"""

from collections.abc import Iterator
from itertools import pairwise

from tcaccount import posts
from tcaccount.folder import Folder
from tcaccount.plot import CannotDraw, Picture
from tcaccount.progress import Advance
from tcaccount.rates import Curve, Minutes, curve, stretches, untimed
from tcaccount.reading import Reading
from tcaccount.record import Record
from tcaccount.subject import Subject, coverage
from tcclient.ledger.intervals import Interval, merged, without
from tcclient.ledger.wording import number, when


def rough(subject: Subject) -> Picture:
    """Return the picture that the ledger alone gives.  Raises CannotDraw."""
    wanted = _wanted(subject)
    heard = without(wanted, [(gap.begin, gap.end) for gap in subject.record.gaps()])
    drawn = curve(stretches(subject.record.files), _period(wanted), heard)
    posts_without = untimed(subject.record.files)
    left_out = [f"{number(posts_without, 'post')} in files without a time"] if posts_without else []
    return _picture(subject, wanted, drawn, left_out)


def fine(subject: Subject, folder: Folder, reading: Reading, advance: Advance) -> Picture:
    """
    Return the picture by when each post was made, for which all files are read; `advance` is called
    with the size of each block.  Raises CannotDraw, and OSError.
    """
    wanted = _wanted(subject)
    minutes = Minutes(reading.ids)
    for booked in subject.record.files:
        posts.read(folder.inside(booked.entry.name), reading.ids, advance, minutes.take)
    period = _period(wanted)
    return _picture(subject, wanted, curve(minutes.stretches(), period), _left_out(minutes, period))


def _picture(
    subject: Subject, wanted: list[Interval], drawn: Curve, left_out: list[str]
) -> Picture:
    record, period = subject.record, _period(wanted)
    without_these = f"\n(without {' and '.join(left_out)})" if left_out else ""
    title = (
        f"{subject.name}, {when(period[0])} to {when(period[1])} UTC\n"
        f"Coverage {coverage(subject.shares())}{without_these}"
    )
    return Picture(
        title=title.encode(errors="backslashreplace").decode(),  # half a surrogate has no glyph
        period=period,
        curve=drawn,
        gaps=record.gaps(),
        unwanted=without([period], wanted),
        rekeyed=list(_rekeyed(record)),
    )


def _rekeyed(record: Record) -> Iterator[float]:
    """Yield when other keywords than before came into force, for each job."""
    for history in record.jobs.values():
        in_force = [one for one in history.wordings if one.begin is not None]
        for before, after in pairwise(in_force):
            if after.begin is not None and after.text != before.text:
                yield after.begin


def _wanted(subject: Subject) -> list[Interval]:
    """Return when posts were wanted.  Raises CannotDraw if they never were."""
    wanted = merged(subject.record.wanted(subject.index, subject.name))
    if not wanted:
        raise CannotDraw("No line of the ledger says that the capture was started.")
    return wanted


def _period(wanted: list[Interval]) -> Interval:
    return wanted[0][0], wanted[-1][1]


def _left_out(minutes: Minutes, period: Interval) -> list[str]:
    """Return for the title which posts are in the files and not in the picture."""
    parts = []
    outside = minutes.outside(period)
    if outside:
        parts.append(f"{number(outside, 'post')} made outside of this time")
    if minutes.undated:
        parts.append(f"{number(minutes.undated, 'post')} without a time")
    return parts
