"""
Which machine this is, and since which of its starts the process runs.  Knows Linux only; never
gives the machine's id itself away.
"""

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


def boot() -> str | None:
    """Return the boot id, which changes with each start of the machine; None if not on Linux."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
