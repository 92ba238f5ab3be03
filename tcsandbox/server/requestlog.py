"""
What the capture server was asked, for whoever wants to know afterwards.

Knows how much is kept; knows nothing of the answers but their status.
"""

from collections import deque
from typing import Final

import attrs

from tcsandbox.server.negotiation import ApiRequest

KEPT_REQUESTS: Final = 10_000
KEPT_BODY: Final = 4096


@attrs.define
class Seen:
    """
    One request, and the status of its answer.

    `time` is epoch seconds, `path` has the query, `body` is cut at 4,096 characters.  `status`
    stays None while there is no answer, for ever where the connection was closed.
    """

    time: float
    method: str
    path: str
    body: str
    content_length: bool
    user_agent: str | None
    fault: str | None = None
    status: int | None = None


class RequestLog:
    """The last 10,000 requests, the oldest first."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque(maxlen=KEPT_REQUESTS)

    def add(self, time: float, request: ApiRequest) -> Seen:
        """Append a request that came at `time`; return it for its status to be filled in."""
        seen = Seen(
            time=time,
            method=request.method,
            path=request.target,
            body=request.body[:KEPT_BODY].decode("utf-8", "replace"),
            content_length="content-length" in request.headers,
            user_agent=request.headers.get("user-agent"),
        )
        self._seen.append(seen)
        return seen

    def all(self) -> list[Seen]:
        """Return a copy of the list."""
        return list(self._seen)
