"""A simulator of Twitter's streams, on loopback."""

from tcclient.sandbox.twitter.journal import Journal
from tcclient.sandbox.twitter.oauth import SANDBOX_CREDENTIALS, Credentials
from tcclient.sandbox.twitter.simulator import Character, Simulator
from tcclient.sandbox.twitter.v2.plan import Plan
from tcclient.sandbox.twitter.v2.token import SANDBOX_BEARER_TOKEN

__all__ = [
    "SANDBOX_BEARER_TOKEN",
    "SANDBOX_CREDENTIALS",
    "Character",
    "Credentials",
    "Journal",
    "Plan",
    "Simulator",
]
