"""What machine this is."""

from pathlib import Path


def boot() -> str | None:
    """What names the time that this machine has been up; None on other systems than Linux."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
