"""Since which start of the machine the process runs.  Knows Linux only."""

from pathlib import Path


def boot() -> str | None:
    """Return the boot id, which changes with each start of the machine; None if not on Linux."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
