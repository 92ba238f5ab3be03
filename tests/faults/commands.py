"""The command lines and the settings of the three processes, as a scenario wants them."""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from tcsandbox.server import TOKEN
from tcsandbox.twitter import SANDBOX_CREDENTIALS
from tests.e2e.processes import python, twistd

JOB = "storm"
KEYWORDS = "storm, green tea"
OTHER, OTHER_TOKEN = 3, "0123456789" * 4
"""Number and token of a second client, where there is one."""
SCALE = 0.02
"""Twitter's timers run so fast: it keeps a stream alive each 0.6 s."""
RULE_DELAY = 0.5
ARGUMENTS = ("-n", "--pidfile=", "tcc", "--config", "settings.json")
"""Of the client's twistd."""
CLIENT = twistd(*ARGUMENTS)


@attrs.frozen
class Terms:
    """What sort of world it is; `stall_timeout` and `min_free_bytes` are the client's."""

    api: str = "1.1"
    rate: float = 200.0
    stall_timeout: float = 2.0
    min_free_bytes: int = 0
    options: tuple[str, ...] = ()
    """Of the simulated Twitter's command line."""
    other: str = ""
    """The name of a second capture, of the same keywords, if there is one."""
    budget: int | None = None
    """How many posts may be bought in a month; None: nobody counts them."""
    is_slow: bool = False
    """Whether the road is, so that nobody knows when what was sent has come."""
    prepare: Callable[[Any], Awaitable[None]] | None = None
    """Called with the world when all but the client is there."""


def twitter(terms: Terms, port: int) -> list[str]:
    """The simulated Twitter's, which says where it listens."""
    return python(
        "-m", "tcsandbox.twitter", f"--port={port}", f"--rate={terms.rate:g}", "--seed=1",
        f"--scale={SCALE}", f"--rule-delay={RULE_DELAY / SCALE:g}", "--journal=journal",
        *terms.options,
    )  # fmt: skip


def server(terms: Terms, port: int) -> list[str]:
    """The stand-in server's, which says where it listens."""
    names = [JOB, terms.other] if terms.other else [JOB]
    jobs = [f"--job={name}:{KEYWORDS}" for name in names]
    other = f"--client={OTHER}:{OTHER_TOKEN}"
    return python("-m", "tcsandbox.server", f"--port={port}", *jobs, other, "--keep=jobs")


def settings(terms: Terms, twitter: str, server: str) -> dict[str, Any]:
    """The client's, with the addresses of both ends."""
    return {
        "server": {
            "base_url": f"{server}api/",
            "client_id": 1,
            "auth_token": TOKEN,
            "ping_interval": 0.2,
            "update_interval": 0.5,
        },
        "twitter_auth": attrs.asdict(SANDBOX_CREDENTIALS),
        "twitter": {
            "api": terms.api,
            "stream_url": f"{twitter}1.1/",
            "api_url": twitter,
            "rule_delay": RULE_DELAY,
            "stall_timeout": terms.stall_timeout,
            **({} if terms.budget is None else {"budget": {"posts_per_month": terms.budget}}),
        },
        "output": {
            "base_dir": "data",
            "minute_interval": 1,
            "min_free_bytes": terms.min_free_bytes,
        },
    }
