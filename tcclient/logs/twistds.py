"""
The log as twistd writes it, to where its own options say.

Knows these options and the form of the lines; does not know how they are written.
"""

import logging
import sys
from logging.handlers import RotatingFileHandler, SysLogHandler

from twisted.logger import (
    ILogObserver,
    LogEvent,
    eventAsText,
    formatEventAsClassicLogText,
)
from zope.interface import implementer

from tcclient.logs.levels import stdlib_level
from tcclient.logs.sink import LoggingError, Sink
from tcclient.runtime.failures import explain_os
from tcclient.runtime.twistdoptions import TwistdOptions

SYSLOG = "/dev/log"
"""Where syslog listens, on Linux."""

_ROTATED_AT = 1_000_000
"""Bytes of twistd's own file, as twistd has it."""

_KEPT = 1000
"""Files of that size, one GB, that are kept."""


@implementer(ILogObserver)
class TwistdObserver:
    """Hands the text of each event to a sink, with the date if it is `dated`."""

    def __init__(self, sink: Sink, *, dated: bool = True) -> None:
        self.sink = sink
        self._dated = dated

    def __call__(self, event: LogEvent) -> None:
        """Hand over one event."""
        text = formatEventAsClassicLogText(event) if self._dated else _undated(event)
        if text:
            level = stdlib_level(event)
            self.sink.handle(
                logging.makeLogRecord(
                    {
                        "msg": text.rstrip("\n"),
                        "levelno": level,
                        "levelname": logging.getLevelName(level),
                    }
                )
            )


def _undated(event: LogEvent) -> str:
    return eventAsText(event, includeTimestamp=False)


def twistds(options: TwistdOptions, *, alone: bool) -> TwistdObserver | None:
    """
    Return the observer that writes as these options say; None where they ask for none, and the log
    is not `alone` twistd's.  Raises LoggingError.
    """
    if options.prefix is not None:
        return TwistdObserver(Sink("syslog", _syslog(options.prefix)), dated=False)
    name = options.logfile or (
        "twistd.log" if alone and options.is_daemon else "-" if alone else ""
    )
    if not name:
        return None
    if name != "-":
        return TwistdObserver(Sink(name, _file(name)))
    if options.is_daemon:
        raise LoggingError("--logfile must be a file for a daemon, found -")
    return TwistdObserver(Sink("stdout", logging.StreamHandler(sys.stdout)))


def _file(name: str) -> logging.Handler:
    try:
        return RotatingFileHandler(
            name, maxBytes=_ROTATED_AT, backupCount=_KEPT, errors="backslashreplace"
        )
    except OSError as e:
        raise LoggingError(
            f"--logfile must be a file that can be written, found {explain_os(e)}"
        ) from None


def _syslog(prefix: str) -> logging.Handler:
    handler = SysLogHandler(SYSLOG)
    handler.ident = prefix
    handler.setFormatter(logging.Formatter("[%(process)d]: %(message)s"))
    return handler
