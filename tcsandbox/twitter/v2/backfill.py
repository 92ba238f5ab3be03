"""What a stream is sent of the gap before it: Enterprise's `backfill_minutes`."""

from collections.abc import Mapping

from tcsandbox.twitter.v2 import problems
from tcsandbox.twitter.v2.app import App
from tcsandbox.twitter.v2.problems import Denied
from tcsandbox.twitter.v2.stream import V2Stream

MOST_MINUTES = 5


def read_minutes(params: Mapping[str, str], allowed: bool) -> int:
    """
    Return the minutes of backfill that `params` ask for, 0 for none.

    Raise Denied for a bad value, and for more than 0 where backfill is not allowed.
    """
    text = params.get("backfill_minutes")
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_MINUTES):
        message = f"The `backfill_minutes` query parameter value [{text}] is not between 0 and 5"
        raise Denied(problems.invalid_request(message, backfill_minutes=[text]))
    if not allowed and int(text):
        message = "The `backfill_minutes` query parameter is not available to your plan"
        raise Denied(problems.invalid_request(message, backfill_minutes=[text]))
    return int(text)


def fill(app: App, stream: V2Stream, rate: float, seconds: float) -> None:
    """
    Send what was sent last once more, and owe the posts of the last `seconds` of the gap.

    Those come at `rate` a second, but fill at most half of the backlog.  Nothing is sent when
    the app had no search stream before.
    """
    if app.ended is None:
        return
    again = list(app.recent)
    stream.send_posts([post for post, _ in again], [note for _, note in again])
    gap = min(stream.since - app.ended, seconds)
    stream.owe(min(int(gap * rate), stream.backlog // 2))
