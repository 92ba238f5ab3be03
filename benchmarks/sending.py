"""
Puts a body on a socket, flat out or at a rate.

Knows sockets and time; nothing of HTTP.
"""

import os
import ssl
import time
from array import array
from socket import socket

from benchmarks.bodies import Body, Recording

AT_ONCE = 1 << 20
"""Bytes in one call on a plain socket."""
AT_ONCE_TLS = 1 << 16
"""Bytes in one call on TLS, which makes four full records of them."""


KEEP_ALIVE = b"2\r\n\r\n\r\n"
"""A chunk of its own, as X sends it."""
KEEP_ALIVE_INTERVAL = 20.0
"""Seconds between two of them, as X has it."""


def idle(peer: socket, seconds: float) -> None:
    """Send keep-alives for so many seconds; plain bodies only, which have no state."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        peer.sendall(KEEP_ALIVE)
        time.sleep(min(KEEP_ALIVE_INTERVAL, left))


def flat_out(recording: Recording, peer: socket) -> None:
    size = recording.size
    if isinstance(peer, ssl.SSLSocket):
        for start in range(0, size, AT_ONCE_TLS):
            peer.sendall(recording.content[start : start + AT_ONCE_TLS])
    else:
        sent = 0
        while sent < size:
            sent += os.sendfile(peer.fileno(), recording.fd, sent, min(AT_ONCE, size - sent))


def paced(body: Body, peer: socket, rate: float) -> "array[float]":
    """
    Send each piece by itself, when its last post is due at `rate` posts a second; pieces that are
    due already follow at once.  Returns when each post was sent, by the monotonic clock.
    """
    sent_at = array("d")
    began = time.monotonic()
    for content, complete in body.pieces():
        wait = began + complete / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        now = time.monotonic()
        peer.sendall(content)
        sent_at.extend([now] * (complete - len(sent_at)))
    return sent_at
