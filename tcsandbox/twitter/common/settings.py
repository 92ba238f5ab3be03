"""What sort of Twitter the simulator plays, as far as both APIs care.  Data only."""

import attrs

from tcsandbox.twitter.common.oauth import SANDBOX_CREDENTIALS, Credentials


@attrs.define
class StreamSettings:
    """
    How the simulator behaves on both APIs.

    `rate` is in posts a second on each stream, 0 for none; `scale` multiplies all of Twitter's
    timers; `gzip` allows compressed bodies; a slow reader is cut off once it is owed `backlog`
    posts; `accounts` are those whose keys are accepted.
    """

    rate: float = 0.0
    scale: float = 1.0
    gzip: bool = True
    backlog: int = 10_000
    accounts: tuple[Credentials, ...] = (SANDBOX_CREDENTIALS,)
