"""
What signals for log files do before there are any: nothing, where the system would end the process.

Imports nothing of the client, so that it is there before the client is.
"""

import os
import signal


def ignore_early() -> None:
    """
    Ignore SIGUSR1, SIGUSR2, and SIGHUP where there is no terminal whose end it would tell.  To be
    called as soon as it is known what the process is to be.
    """
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    if not has_terminal():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def has_terminal() -> bool:
    """Return whether the process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
