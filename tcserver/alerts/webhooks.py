"""
Webhooks as https://www.standardwebhooks.com has them: body, and headers that sign it.  Pure.

`webhook-id` is the same at each attempt; the signature is over it, the time and the body.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

import msgspec

from tcserver.alerts.deliveries import OutgoingMessage

PREFIX = "whsec_"


def key_of(secret: str, salt: str) -> bytes:
    """Return the key that a channel's webhooks are signed with, of the installation's secret."""
    return hmac.new(secret.encode(), f"webhook {salt}".encode(), hashlib.sha256).digest()


def written_key(key: bytes) -> str:
    """Return the key in the form in which libraries take it."""
    return PREFIX + base64.b64encode(key).decode()


def body_of(message: OutgoingMessage) -> bytes:
    """Return the body: the message's type, time and members, and its words for people."""
    return msgspec.json.encode({**message.data, "title": message.title, "text": message.text})


def signed(message: OutgoingMessage, body: bytes, key: bytes, now: datetime) -> Mapping[str, str]:
    """Return the headers of an attempt at a time."""
    number, seconds = str(message.number), str(int(now.timestamp()))
    what = b".".join((number.encode(), seconds.encode(), body))
    signature = base64.b64encode(hmac.new(key, what, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "webhook-id": number,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{signature}",
    }
