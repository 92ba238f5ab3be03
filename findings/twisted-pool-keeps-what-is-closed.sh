#!/usr/bin/env bash
# Twisted's pool of connections keeps some that the server says it closes (Twisted 26.10).
#
# HTTPConnectionPool lets go of a connection whose answer says `Connection: close`, but only in those
# letters and by itself: after `Close`, after `keep-alive, close`, and after an answer of HTTP/1.0
# that tells its length and says nothing of the connection, the next request goes by the same one.
# Where the server does as it said, a POST that meets the end of the connection is not repeated.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check Twisted==26.10.0 2>/dev/null
cat > "$work/seen.py" <<'PY'
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import react
from twisted.web.client import Agent, HTTPConnectionPool, readBody

HEADS = {
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n": 2,
    b"HTTP/1.1 200 OK\r\nConnection: Close\r\n": 1,
    b"HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\n": 1,
    b"HTTP/1.0 200 OK\r\n": 1,
}


class Says(Protocol):
    """A server that says it closes, and leaves that to the client."""

    def connectionMade(self):
        self.factory.connections += 1

    def dataReceived(self, data):
        self.transport.write(self.factory.head + b"Content-Length: 2\r\n\r\n{}")


async def connections_for_two(head):
    """How many connections two requests take, one after the other."""
    factory = Factory.forProtocol(Says)
    factory.noisy, factory.connections, factory.head = False, 0, head
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    pool = HTTPConnectionPool(reactor)
    agent = Agent(reactor, pool=pool)
    for _ in range(2):
        response = await agent.request(b"GET", b"http://127.0.0.1:%d/" % port.getHost().port)
        await readBody(response)
    await pool.closeCachedConnections()
    await port.stopListening()
    return factory.connections


async def main(_):
    for head, expected in HEADS.items():
        seen = await connections_for_two(head)
        print(head, "-> connections for two requests:", seen)
        assert seen == expected


react(main)
PY
"$work/env/bin/python" -W ignore::DeprecationWarning "$work/seen.py"
