"""
Which network addresses the settings may have, and which a host has.  Knows no key of the settings.
"""

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from tcclient.runtime.secrets import Unfit, secret

_URL_TEXT = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")  # RFC 3986, 2
_NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_LABELS = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")


def web_address(text: str) -> str:
    """
    Return an http or https URL with exactly one slash at its end.  Raises Unfit for anything else,
    and for a URL with a user, a query or a fragment.
    """
    return _url(text, "http", "https")


def channel_address(text: str) -> str:
    """Return a ws or wss URL as web_address() does.  Raises Unfit."""
    return _url(text, "ws", "wss")


def beside(base_url: str) -> str:
    """Return where the real-time channel of a capture server is, by the address of its REST."""
    scheme, rest = base_url.split(":", 1)
    return (
        f"{scheme.replace('http', 'ws')}:{rest.removesuffix('/').removesuffix('/api')}/ws/client/"
    )


def _url(text: str, *schemes: str) -> str:
    """Return a URL with one of two schemes and exactly one slash at its end.  Raises Unfit."""
    if not _URL_TEXT.fullmatch(text):
        raise Unfit("nothing" if not text else "a character that no web address has")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise Unfit("an address with a malformed host") from None
    if parts.scheme not in schemes:
        raise Unfit(f"an address that does not begin with {schemes[0]}:// or {schemes[1]}://")
    if "@" in parts.netloc:
        raise Unfit("a user name or a password in it")
    if "?" in text or "#" in text:
        raise Unfit("a query or a fragment in it")
    _check_netloc(parts.netloc)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"


def _check_netloc(netloc: str) -> None:
    """Raise Unfit unless this is a host that can be named, with or without a port."""
    match = _NETLOC.fullmatch(netloc)
    if match is None:
        raise Unfit("an address with a malformed host" if netloc else "an address without a host")
    host, port = match.groups()
    if port is not None and not 1 <= int(port) <= 65535:
        raise Unfit("a port outside 1 to 65535 in it")
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            raise Unfit("an address with a malformed host") from None
    elif len(host) > 253 or not _LABELS.fullmatch(host):
        raise Unfit("an address with a malformed host")


def address(text: str) -> str:
    """Return an IPv4 or IPv6 address in its usual form.  Raises Unfit for anything else."""
    try:
        return str(ipaddress.ip_address(secret(text).reveal()))
    except ValueError:
        raise Unfit("something else") from None


def addresses_of(host: str) -> tuple[str, ...]:
    """
    Return every address of `host`, IPv4 and IPv6; none if there is no such name.  The system's
    resolver may take half a minute: call this in a thread.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return ()
    return tuple(str(entry[4][0]) for entry in found)
