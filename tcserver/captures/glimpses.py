"""
The newest posts of a capture, for whoever looks at them: its client is asked for them as long as
somebody does, and they are kept for a moment, in no database.

Knows captures and for how long; does not know what a post says.
"""

from collections.abc import Sequence

import msgspec

from tcclient.control.reports import LOOKING, Glimpse, Glimpses
from tcserver.captures.models import CaptureRecord
from tcserver.hints import hint, of_look
from tcserver.shortmemory import MEMORY

KEPT = 150.0
"""Seconds for which posts are kept: a client shows them anew each minute."""
AGAIN = 20.0
"""Seconds after which a client with a socket is told again that somebody looks on."""


def look(capture: CaptureRecord) -> tuple[Glimpse, ...] | None:
    """
    Note that somebody looks at the posts of a capture.  Return the newest that its client has shown
    lately, the newest first; None where it has shown none yet.
    """
    MEMORY.remember(_look(capture.pk), b"1", LOOKING)
    if capture.client_id is not None and MEMORY.is_first(f"told.{capture.pk}", AGAIN):
        hint(of_look(capture.client_id, capture.pk))
    found = MEMORY.recall(_posts(capture.pk))
    if found is None:
        return None
    return tuple(reversed(msgspec.json.decode(found, type=Glimpses).posts))


def looked_at(captures: Sequence[int]) -> list[int]:
    """Return those of these captures whose posts somebody looks at."""
    found = MEMORY.recall_some([_look(one) for one in captures])
    return [one for one in captures if _look(one) in found]


def keep(client: int, told: Glimpses) -> bool:
    """
    Keep the newest posts of a capture if somebody looks at them.  Return whether the capture is the
    client's now.
    """
    own = CaptureRecord.objects.filter(client=client, archived_at=None, deleted_at=None)
    if not own.filter(pk=told.job).exists():
        return False
    if MEMORY.recall(_look(told.job)) is not None:
        plain = Glimpses(told.job, told.posts)
        MEMORY.remember(_posts(told.job), msgspec.json.encode(plain), KEPT)
    return True


def _look(capture: int) -> str:
    return f"look.{capture}"


def _posts(capture: int) -> str:
    return f"posts.{capture}"
