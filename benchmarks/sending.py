"""
Puts a recording on a socket, flat out or at a rate.

Knows sockets and time; nothing of HTTP.
"""

import os
import ssl
import time
from array import array
from socket import socket

from benchmarks.recording import Recording

AT_ONCE = 1 << 20
"""Bytes in one call on a plain socket."""
AT_ONCE_TLS = 1 << 16
"""Bytes in one call on TLS, which makes four full records of them."""


def flat_out(recording: Recording, peer: socket, posts: int) -> int:
    """Send that many posts, or a few more where a piece has several; returns how many."""
    pieces = recording.pieces_of(posts)
    end = recording.ends[pieces - 1]
    if isinstance(peer, ssl.SSLSocket):
        for start in range(0, end, AT_ONCE_TLS):
            peer.sendall(recording.content[start : min(end, start + AT_ONCE_TLS)])
    else:
        sent = 0
        while sent < end:
            sent += os.sendfile(peer.fileno(), recording.fd, sent, min(AT_ONCE, end - sent))
    return recording.complete[pieces - 1]


def paced(recording: Recording, peer: socket, posts: int, rate: float) -> "array[float]":
    """
    Send each piece by itself, when its last post is due at `rate` posts a second; posts that are
    due already follow at once.  Returns when each post was sent, by the monotonic clock.
    """
    sent_at = array("d")
    began = time.monotonic()
    for start, end, complete in recording.spans(recording.pieces_of(posts)):
        wait = began + complete / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        now = time.monotonic()
        peer.sendall(recording.content[start:end])
        sent_at.extend([now] * (complete - len(sent_at)))
    return sent_at
