"""Which machine this is.  Knows Linux only; never gives the machine's id itself away."""

import hmac
from collections.abc import Iterable
from pathlib import Path

_PLACES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_PURPOSE = b"tcc installation"


def machine(places: Iterable[Path] = _PLACES) -> str | None:
    """
    Return 32 hexadecimal digits that are the same as long as this machine is, and from which its id
    cannot be found out; None where it has no id, as in many containers.
    """
    for place in places:
        try:
            found = place.read_bytes().strip()
        except OSError:
            continue
        if found and found != b"uninitialized":
            return hmac.digest(found, _PURPOSE, "sha256").hex()[:32]
    return None
