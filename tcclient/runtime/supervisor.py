"""
Tells the supervisor of this process, systemd or another that speaks sd_notify(3), how it is.

Knows the protocol, whose datagrams are so few that a library would be more; what is told is given.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from twisted.application.service import Service
from twisted.internet.task import LoopingCall

from tcclient.runtime.failures import one_line

_LONGEST = 1000
"""Characters of a status, of which `systemctl status` shows one line."""


class Supervisor(Service):
    """
    Tells that the process is ready once the reactor turns, then and when a `status` is given how it
    is, that it turns for as long as it does, and that it ends.  Does nothing where `environ` names
    nobody who would hear it.
    """

    def __init__(self, environ: Mapping[str, str], reactor: Any) -> None:
        self._reactor = reactor
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._watchdog = _watchdog(environ)
        self._turning = LoopingCall(self._tell, "WATCHDOG=1")
        self._turning.clock = reactor

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        self._reactor.callWhenRunning(self._begin)
        self._reactor.addSystemEventTrigger("before", "shutdown", self._tell, "STOPPING=1")

    def stopService(self) -> None:
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        if self._turning.running:
            self._turning.stop()
        self._socket.close()

    def status(self, text: str) -> None:
        """Tell how the process is, in one line."""
        self._tell(f"STATUS={one_line(text)[:_LONGEST]}")

    def _begin(self) -> None:
        self._tell("READY=1")
        if self._watchdog:
            # Twice as often as is wanted, as the protocol recommends.
            self._turning.start(self._watchdog / 2)

    def _tell(self, assignment: str) -> None:
        """Send one assignment; whoever does not hear it is not waited for."""
        if self._address:
            with suppress(OSError):
                self._socket.sendto(assignment.encode(), self._address)


def _address(name: str) -> str:
    """Return the address of a socket: "@" stands for the NUL of an abstract one."""
    return f"\0{name[1:]}" if name.startswith("@") else name


def _watchdog(environ: Mapping[str, str]) -> float:
    """Return within how many seconds this process has to be heard of; 0 if nobody waits for it."""
    microseconds = environ.get("WATCHDOG_USEC", "")
    is_ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(microseconds) / 1e6 if is_ours and microseconds.isdecimal() else 0.0
