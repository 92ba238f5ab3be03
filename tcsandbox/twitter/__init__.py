"""A simulator of Twitter's streams, v1.1 and X API v2, on loopback."""

from tcsandbox.twitter.common.journal import Journal
from tcsandbox.twitter.common.oauth import SANDBOX_CREDENTIALS, Credentials
from tcsandbox.twitter.simulator import Simulator, SimulatorSettings
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.v2.token import SANDBOX_BEARER_TOKEN

__all__ = [
    "SANDBOX_BEARER_TOKEN",
    "SANDBOX_CREDENTIALS",
    "Credentials",
    "Journal",
    "Plan",
    "Simulator",
    "SimulatorSettings",
]
