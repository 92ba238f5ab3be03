"""Writes numbers and times for people.  Knows no ledger but the form of its times.  Pure."""

from datetime import UTC, datetime

from tcclient.ledger.entries import moment


def when(seconds: float) -> str:
    """Return epoch seconds as a time in UTC, to the second: `2026-11-23 16:10:00`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(seconds: float | None) -> str:
    """Return epoch seconds as a ledger writes them; an empty string for None."""
    return "" if seconds is None else moment(seconds)


def length(seconds: float) -> str:
    """Return a length of time in its two largest units, the second one rounded down: `2 d 3 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    rest = int(seconds)
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for unit, size in units:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def number(count: int, one: str = "", many: str = "") -> str:
    """
    Return a number with commas, and with the noun `one` if that is given.  `many` is its plural, by
    default `one` with an s.
    """
    if not one:
        return f"{count:,}"
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def percent(part: float, whole: float) -> str:
    """
    Return a part of a whole in percent, with three digits behind the point, rounded down: only all
    of it is `100 %`.
    """
    if part >= whole:
        return "100 %"
    return f"{int(part / whole * 100_000) / 1000:.3f} %"
