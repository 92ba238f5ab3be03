"""
From where a request comes, also behind proxies.  Pure.

Knows the form of X-Forwarded-For; knows no request.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST_HOPS = 16
"""Proxies that a request may have come through; what is named before them is not looked at."""
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+")


def whence(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """
    Return the address that a request comes from: `peer`, or where that is one of the trusted
    `proxies`, the last one in the header X-Forwarded-For that is none of them.

    Only what a trusted proxy has added is believed: anybody can send the rest.
    """
    nearest = parsed(peer)
    if nearest is None:
        return peer
    for hop in reversed(forwarded.rsplit(",", MOST_HOPS)[-MOST_HOPS:]):
        if not any(nearest in network for network in proxies):
            break
        further = parsed(hop)
        if further is None:
            break
        nearest = further
    return str(nearest)


def neighbourhood(address: str) -> str:
    """Return what is counted as one place: an IPv4 address, or the /64 of an IPv6 one."""
    found = parsed(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(found), 64), strict=False))
    return str(found or "")


def parsed(text: str) -> Address | None:
    """Return an address, IPv4 where it is written as IPv6, without port and zone; or None."""
    text = text.strip()
    port = _WITH_PORT.fullmatch(text)
    if port is not None:
        text = port[1] or port[2] or ""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
