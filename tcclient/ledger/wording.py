"""Numbers and times in words, for people.  Pure."""

from datetime import UTC, datetime

from tcclient.ledger.entries import moment


def when(seconds: float) -> str:
    """Epoch seconds to the second, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(seconds: float | None) -> str:
    """As the ledger has it; empty where nothing is known."""
    return "" if seconds is None else moment(seconds)


def length(seconds: float) -> str:
    """The two largest units of a length of time, the last one rounded down."""
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
    """With commas, and with its noun where that is given; `many` is one + s."""
    if not one:
        return f"{count:,}"
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def percent(part: float, whole: float) -> str:
    """Three digits behind the point, rounded down: only all of it is 100 %."""
    if part >= whole:
        return "100 %"
    return f"{int(part / whole * 100_000) / 1000:.3f} %"
