"""
A client in a mount namespace of its own: with a small disk, or another /etc/hosts.

Knows the commands that make one; as root, or in a user namespace where the system grants that.
"""

import os
import subprocess
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SkipTest

ALONE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
ENTER = ["nsenter", "--mount"] if os.geteuid() == 0 else [
    "nsenter", "--user", "--preserve-credentials", "--mount"
]  # fmt: skip


def needed() -> None:
    """Raises SkipTest where no mounts of one's own may be made."""
    if not _possible():
        raise SkipTest("did not run: nothing may be mounted here, not even in private")


@cache
def _possible() -> bool:
    try:
        command = [*ALONE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
    except OSError:
        return False


def with_mounts(*mounts: str) -> list[str]:
    """What stands before a command that is to see these mounts, which mount(8) makes."""
    script = " && ".join([*(f"mount {mount}" for mount in mounts), 'exec "$@"'])
    return [*ALONE, "sh", "-c", script, "sh"]


def beside(pid: int, folder: Path) -> list[str]:
    """What stands before a command that is to see the mounts of that process, in that folder."""
    return [*ENTER, f"--target={pid}", "sh", "-c", 'cd "$0" && exec "$@"', str(folder)]


def seen_by(pid: int, path: Path) -> Path:
    """What that process has at `path`."""
    return Path(f"/proc/{pid}/root{path}")
