"""
Who gets a stream and who is refused, and an account of everybody who asked.

Knows the accounts and Twitter's refusals; time is a parameter and answers are written elsewhere.
"""

from collections import deque

import attrs

from tcsandbox.twitter.answers import REASONS
from tcsandbox.twitter.asking import StreamRequest
from tcsandbox.twitter.broadcast import StreamTerms
from tcsandbox.twitter.calm import CalmPolicy
from tcsandbox.twitter.filters import ConnectRefused
from tcsandbox.twitter.oauth import Credentials, Unauthorized, verify

REMEMBERED = 10_000  # connects


@attrs.define
class Attempt:
    """A connect; `status` is 0 as long as there is no answer."""

    number: int
    time: float
    endpoint: str
    source: str
    track: str
    locations: str
    status: int = 0


@attrs.define
class Door:
    """Lets `accounts` in; `calm` is the rule for 420, if there is one."""

    accounts: tuple[Credentials, ...]
    calm: CalmPolicy | None = None
    attempts: deque[Attempt] = attrs.Factory(lambda: deque(maxlen=REMEMBERED))
    _count: int = 0

    def note(self, asked: StreamRequest, now: float) -> Attempt:
        """A new Attempt, to be given its status."""
        track, locations = asked.params.get("track", ""), asked.params.get("locations", "")
        return self.number(asked.endpoint, asked.host, now, track, locations)

    def number(
        self, endpoint: str, source: str, now: float, track: str = "", locations: str = ""
    ) -> Attempt:
        """The next Attempt, of any API."""
        self._count += 1
        attempt = Attempt(self._count, now, endpoint, source, track, locations)
        self.attempts.append(attempt)
        return attempt

    def admit(self, asked: StreamRequest, attempt: Attempt) -> StreamTerms:
        """The terms of the stream asked for; raises ConnectRefused."""
        if self.calm is not None and self.calm.refuses(attempt.time):
            raise ConnectRefused(420, REASONS[420])
        try:
            account = verify(asked.signed, self.accounts, attempt.time)
        except Unauthorized as e:
            raise ConnectRefused(401, f"Unauthorized. {e}") from e
        return StreamTerms(
            number=attempt.number,
            endpoint=asked.endpoint,
            peer=asked.peer,
            account=account.access_token,
            wanted=asked.wanted(),
            delimited=asked.params.get("delimited") == "length",
            stall_warnings=asked.params.get("stall_warnings") == "true",
        )
