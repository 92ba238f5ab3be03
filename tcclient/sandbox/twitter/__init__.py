"""A simulator of Twitter's streams, on loopback."""

from tcclient.sandbox.twitter.journal import Journal
from tcclient.sandbox.twitter.oauth import SANDBOX_CREDENTIALS, Credentials
from tcclient.sandbox.twitter.simulator import Character, Simulator

__all__ = ["SANDBOX_CREDENTIALS", "Character", "Credentials", "Journal", "Simulator"]
