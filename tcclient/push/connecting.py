"""
How the sockets of the real-time channel are made: to which host, with which TLS and which head.

Knows the token; the address that streams leave from is not for them, as it is not for REST.  What
speaks WebSocket is found by name for the first of them: not every server has a channel.
"""

import random
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.web.client import URI

from tcclient.http.clients import Endpoints
from tcclient.push.channel import PushChannel
from tcclient.push.owner import OneSocket, SocketOwner
from tcclient.runtime.byname import load_by_name
from tcclient.runtime.secrets import Secret


def make_channel(reactor: Any, url: str, token: Secret, agent: str) -> PushChannel:
    """Return the channel to a ws or wss `url`; `agent` is the User-Agent."""

    async def connected(owner: SocketOwner) -> OneSocket:
        speak = load_by_name("tcclient.push.socket:PushSocket")
        # For each its own: with its TLS a certificate that was renewed is looked at.
        endpoint = Endpoints(reactor, None).for_sockets(URI.fromBytes(_for_tcp(url)))
        headers = {"Authorization": f"Token {token.reveal()}", "User-Agent": agent}
        socket = Factory.forProtocol(lambda: speak(url, headers, owner, reactor))
        return cast(OneSocket, await endpoint.connect(socket))

    def connect(owner: SocketOwner) -> Deferred[OneSocket]:
        return Deferred.fromCoroutine(connected(owner))

    return PushChannel(connect, reactor, random.random)


def _for_tcp(url: str) -> bytes:
    """Return the address in the scheme by which endpoints are found."""
    return url.replace("ws", "http", 1).encode("ascii")
