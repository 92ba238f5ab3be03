"""
Asks this machine about its addresses, folders, certificates and log files.

Knows the operating system; does not know what an answer means, and leaves no file behind.
"""

import os
import re
import socket
import ssl
import tempfile
from collections.abc import Iterator, Mapping
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


def write_below(folder: Path) -> bool:
    """Write a file in a folder.  Return whether the folder had to be made.  Raises OSError."""
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as probe:  # it leaves no name behind
        probe.write(_PROBE)
        probe.flush()
    return made


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
    """Yield the log files that could not be written; their names are relative to `folder`."""
    for handler in _handlers(section).values():
        if _is_file_handler(handler):
            file = folder / handler["filename"]
            place = file if file.exists() else file.parent
            if file.is_dir() or not os.access(place, os.W_OK):
                yield file


def unopened(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return the section `logging` with handlers that do not open files before they write."""
    late = {
        name: {**handler, "delay": True}
        for name, handler in _handlers(section).items()
        if _is_file_handler(handler)
    }
    return {**section, "handlers": {**section["handlers"], **late}} if late else {**section}


def _handlers(section: Mapping[str, Any]) -> Mapping[str, Any]:
    found = section.get("handlers")
    return found if isinstance(found, dict) else {}


def _is_file_handler(handler: Any) -> bool:
    """Return whether this is a file handler of the standard library, which all take `delay`."""
    return (
        isinstance(handler, dict)
        and str(handler.get("class")).startswith("logging.")
        and isinstance(handler.get("filename"), str)
    )
