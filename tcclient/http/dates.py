"""When an answer was made, as its head tells.  Pure."""

from datetime import UTC
from email.utils import parsedate_to_datetime

from twisted.web.http_headers import Headers


def date_of(headers: Headers) -> float | None:
    """Return the date in an answer's headers, in epoch seconds; None unless there is one."""
    dates = headers.getRawHeaders("Date", [])
    return epoch_of(dates[0]) if len(dates) == 1 else None


def epoch_of(text: str) -> float | None:
    """Return a date as headers write it in epoch seconds; None if it is none."""
    try:
        date = parsedate_to_datetime(text)
        # An old form names no zone, and means GMT all the same: RFC 9110, 5.6.7.
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
