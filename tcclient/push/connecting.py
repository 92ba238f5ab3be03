"""
How the sockets of the real-time channel are made: to which host, with which TLS and which head.

Knows the token; the address that streams leave from is not for them, as it is not for REST.
"""

import random
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.web.client import URI

from tcclient.http.clients import Endpoints
from tcclient.push.channel import PushChannel
from tcclient.push.owner import SocketOwner
from tcclient.push.socket import PushSocket
from tcclient.runtime.secrets import Secret


def make_channel(reactor: Any, url: str, token: Secret, agent: str) -> PushChannel:
    """Return the channel to a ws or wss `url`; `agent` is the User-Agent."""

    def connect(owner: SocketOwner) -> Deferred[PushSocket]:
        # For each its own: with its TLS a certificate that was renewed is looked at.
        endpoint = Endpoints(reactor, None).for_sockets(URI.fromBytes(_for_tcp(url)))
        headers = {"Authorization": f"Token {token.reveal()}", "User-Agent": agent}
        socket = Factory.forProtocol(lambda: PushSocket(url, headers, owner, reactor))
        return cast(Deferred[PushSocket], endpoint.connect(socket))

    return PushChannel(connect, reactor, random.random)


def _for_tcp(url: str) -> bytes:
    """Return the address in the scheme by which endpoints are found."""
    return url.replace("ws", "http", 1).encode("ascii")
