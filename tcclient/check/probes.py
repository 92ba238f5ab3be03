"""
Asks this machine about its addresses, folders, certificates and log files.

Knows the operating system; does not know what an answer means, and leaves no file behind.
"""

import errno
import os
import re
import socket
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_PROBE = b"\n" * 4096  # a full disk can still make a file, but not write into it

# Where pyOpenSSL looks, because the OpenSSL of its wheels has no store of its own.
_CA_PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/certs",
)
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")  # how OpenSSL finds a certificate in a folder


def bind(address: str) -> None:
    """Bind a TCP socket to the literal `address`, and close it.  Raises OSError."""
    family, *_, bindable = socket.getaddrinfo(
        address, 0, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind(bindable)


def write_below(folder: Path) -> Path:
    """
    Write a file in a folder, or in the nearest one above in which it could be made.  Return which
    one that was.  Raises OSError.
    """
    place = next(one for one in (folder, *folder.parents) if os.path.lexists(one))
    if not place.is_dir() and place != folder:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place))
    if not place.is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(place))
    with tempfile.TemporaryFile(dir=place) as probe:  # it leaves no name behind
        probe.write(_PROBE)
        probe.flush()
    return place


def written_since(folder: Path, date: float) -> int:
    """Return the bytes of the files below a folder that were written since `date`."""
    found = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                file = Path(place, name).stat()
                found += file.st_size if file.st_mtime >= date else 0
    return found


def ca_defaults() -> tuple[str, ...]:
    """Return where TLS looks for CA certificates on this machine if no variable says where."""
    own = ssl.get_default_verify_paths()
    return (*_CA_PLACES, own.openssl_cafile, own.openssl_capath)


def holds_certificates(place: str) -> bool:
    """Return whether the file or folder has a certificate that OpenSSL would find."""
    path = Path(place)
    try:
        if path.is_dir():
            return any(_HASHED.fullmatch(file.name) for file in path.iterdir())
        return b"CERTIFICATE-----" in path.read_bytes()
    except OSError:
        return False


def unwritable_logs(section: Mapping[str, Any], folder: Path) -> Iterator[Path]:
    """
    Yield the log files that could not be written, or whose folders could not be made; their names
    are relative to `folder`.
    """
    found = section.get("handlers")
    for handler in found.values() if isinstance(found, dict) else ():
        if isinstance(handler, dict) and isinstance(handler.get("filename"), str):
            file = folder / handler["filename"]
            place = next(one for one in (file, *file.parents) if os.path.lexists(one))
            if place.is_dir() == (place == file) or not os.access(place, os.W_OK):
                yield file
