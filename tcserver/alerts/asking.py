"""
One HTTP request to an address that somebody has given: bounded in time and size, without redirects,
and to no address inside of this network unless that is allowed.

The name is looked up once, and what was looked at is what is connected to.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit

import attrs

from tcserver.addresses import Address, Network, parsed
from tcserver.alerts.deliveries import DeliveryFailed
from tcserver.alerts.wording import plain

PATIENCE = 10.0
"""Seconds for all of a request, but for looking up the name."""
MOST_OF_AN_ANSWER = 1000
"""Bytes of it that are read: what it says of a failure."""
EMBEDDING = tuple(
    ipaddress.ip_network(one)
    for one in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
"""Public IPv6 networks whose addresses stand for IPv4 ones, which may be inside."""
GONE = 410
EVERYWHERE: tuple[Network, ...] = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
"""What is allowed to whoever runs the server."""


@attrs.frozen
class WebAddress:
    """The parts of an address that a request is made of."""

    host: str
    port: int
    is_secure: bool
    target: str

    @classmethod
    def of(cls, url: str) -> "WebAddress":
        """Return the parts of an address that is_web_address() has found right."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.hostname or "", parts.port or (443 if secure else 80), secure, target)


def ask(
    url: str,
    method: str,
    headers: Mapping[str, str],
    body: bytes | None,
    allowed: Sequence[Network],
    patience: float = PATIENCE,
) -> None:
    """Make a request, which is well with a status of 2xx.  Raises DeliveryFailed."""
    address = WebAddress.of(url)
    try:
        connection = _connect(address, allowed, patience)
        with closing(connection), _within(patience, connection):
            if isinstance(connection.sock, ssl.SSLSocket):
                connection.sock.do_handshake()
            connection.request(method, address.target, body, {"user-agent": "tcserver", **headers})
            answer = connection.getresponse()
            told = answer.read(MOST_OF_AN_ANSWER) if answer.status >= 300 else b""
    except (OSError, UnicodeError, http.client.HTTPException) as e:
        said = (isinstance(e, OSError) and e.strerror) or str(e)
        why = "it took too long" if isinstance(e, TimeoutError) else plain(said, 200)
        raise DeliveryFailed(f"no answer: {why or type(e).__name__}") from e
    if not 200 <= answer.status < 300:
        words = plain(told.decode("utf-8", "replace"), 200)
        raise DeliveryFailed(
            f"status {answer.status}{': ' if words else ''}{words}", is_gone=answer.status == GONE
        )


def is_inside(address: Address) -> bool:
    """Return whether an address is none of the public network."""
    return (
        not address.is_global
        or address.is_multicast
        or any(address in network for network in EMBEDDING)
    )


def _connect(
    address: WebAddress, allowed: Sequence[Network], patience: float
) -> http.client.HTTPConnection:
    """Return a connection to the first address of the host that may be asked."""
    sock = socket.create_connection((_found(address, allowed), address.port), patience)
    connection = http.client.HTTPConnection(address.host, address.port, timeout=patience)
    if address.is_secure:
        connection.default_port = http.client.HTTPS_PORT
        sock = ssl.create_default_context().wrap_socket(
            sock, server_hostname=address.host, do_handshake_on_connect=False
        )
    connection.sock = sock
    return connection


def _found(address: WebAddress, allowed: Sequence[Network]) -> str:
    """Return an address of the host.  Raises DeliveryFailed where none may be asked."""
    rows = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    found = [one for row in rows if (one := parsed(str(row[4][0]))) is not None]
    for one in found:
        if not is_inside(one) or any(one in network for network in allowed):
            return str(one)
    raise DeliveryFailed(
        f"{address.host} is inside of this network, and ALERT_ALLOWED_NETWORKS does not have it"
    )


@contextmanager
def _within(patience: float, connection: http.client.HTTPConnection) -> Iterator[None]:
    """Cut the connection off after so many seconds, whatever it waits for: TimeoutError then."""
    cut = threading.Event()

    def cut_off() -> None:
        cut.set()
        with suppress(OSError):
            # Not TLS's own way to end, which takes the connection from under who reads from it.
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    timer = threading.Timer(patience, cut_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException) as e:
        if cut.is_set():
            raise TimeoutError from e
        raise
    finally:
        timer.cancel()
