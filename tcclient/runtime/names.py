"""What the system's resolver says of a host's name.  It may take half a minute: ask in a thread."""

import socket


def addresses_of(host: str) -> tuple[str, ...]:
    """Return every address of `host`, of both families; none where there is no such name."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return ()
    return tuple(str(entry[4][0]) for entry in found)
