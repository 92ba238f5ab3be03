"""
Asks the system's resolver for the addresses of a host, which may take half a minute.  Knows no
threads: call it in one.
"""

import socket


def addresses_of(host: str) -> tuple[str, ...]:
    """Return every address of `host`, IPv4 and IPv6; none if there is no such name."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return ()
    return tuple(str(entry[4][0]) for entry in found)
