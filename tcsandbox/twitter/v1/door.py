"""
Which v1.1 clients get a stream and which are refused.

Knows the accounts and Twitter's refusals; time is a parameter and answers are written elsewhere.
"""

import attrs

from tcsandbox.twitter.common.answers import REASONS
from tcsandbox.twitter.common.oauth import Credentials, Unauthorized, verify
from tcsandbox.twitter.v1.asking import StreamRequest
from tcsandbox.twitter.v1.calm import CalmPolicy
from tcsandbox.twitter.v1.filters import ConnectRefused
from tcsandbox.twitter.v1.stream import StreamTerms


@attrs.define
class Door:
    """Lets `accounts` in; `calm` is the rule for 420, if there is one."""

    accounts: tuple[Credentials, ...]
    calm: CalmPolicy | None = None

    def admit(self, asked: StreamRequest, now: float) -> StreamTerms:
        """Return the terms of the stream asked for at `now`; raise ConnectRefused."""
        if self.calm is not None and self.calm.refuses(now):
            raise ConnectRefused(420, REASONS[420])
        try:
            account = verify(asked.signed, self.accounts, now)
        except Unauthorized as e:
            raise ConnectRefused(401, f"Unauthorized. {e}") from e
        return StreamTerms(
            account=account.access_token,
            wanted=asked.wanted(),
            delimited=asked.params.get("delimited") == "length",
            stall_warnings=asked.params.get("stall_warnings") == "true",
        )
