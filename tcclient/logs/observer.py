"""
Hands events of twisted.logger to the standard library's loggers, as the section `logging` of the
settings has configured them.

Knows the levels and failures of both; does not know what is logged, nor which handlers there are.
"""

import ast
import logging
import logging.config
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    LogPublisher,
    eventAsText,
    formatEvent,
    textFileLogObserver,
)
from twisted.python.logfile import LogFile
from zope.interface import implementer

from tcclient.logs.names import keep_old_names
from tcclient.logs.section import LoggingError, prepare
from tcclient.runtime.places import json_path, printable

__all__ = ["LoggingError", "StdlibObserver", "configure", "observer"]

_LEVELS = {
    LogLevel.debug: logging.DEBUG,
    LogLevel.info: logging.INFO,
    LogLevel.warn: logging.WARNING,
    LogLevel.error: logging.ERROR,
    LogLevel.critical: logging.CRITICAL,
}
_FACTORY_NOISE = ("Starting factory {factory!r}", "Stopping factory {factory!r}")
_SIGNING = "oauthlib"
_UNABLE = re.compile(r"Unable to configure (formatter|filter|handler|logger) (['\"].*)", re.DOTALL)


def configure(section: dict[str, Any], folder: Path) -> list[str]:
    """
    Configure the standard library's logging by `section`, which is not changed.  Return sentences
    to be logged as warnings.  Raises LoggingError.

    Relative file names begin at `folder`, where the settings file is; the folders of log files are
    made.  Call it before twistd redirects stdout, or a handler that writes there feeds itself.
    """
    config, warnings = prepare(section, folder)
    for name, handler in config.get("handlers", {}).items():
        file = Path(handler.get("filename", ""))
        if file.is_absolute():
            _make_folder(json_path(("logging", "handlers", name)), file.parent)
    try:
        logging.config.dictConfig(config)
    except Exception as error:  # it runs whatever classes and factories the section names
        raise LoggingError(_sentence(error)) from None
    _silence_signing()
    keep_old_names(config)
    return warnings


def _silence_signing() -> None:
    """Disable the loggers of oauthlib, which at debug log all that is signed, key and token too."""
    for name in (_SIGNING, *logging.root.manager.loggerDict):
        if name == _SIGNING or name.startswith(f"{_SIGNING}."):
            logging.getLogger(name).disabled = True


def _make_folder(where: str, folder: Path) -> None:
    """Make the folder of a log file; `where` is the handler.  Raises LoggingError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LoggingError(
            f"{where}.filename must be in a folder that can be made, found {_os_reason(error)}"
        ) from None


def _sentence(error: BaseException) -> str:
    """Return a sentence for what dictConfig raised: which part, and the innermost reason."""
    place = _UNABLE.match(str(error))
    if place:
        where = json_path(("logging", f"{place[1]}s", ast.literal_eval(place[2])))
    else:
        where = "$.logging.root" if "root logger" in str(error) else "$.logging"
    chain = list(_causes(error))
    reason = chain[-1]
    if isinstance(reason, KeyError) and len(chain) > 1:  # a KeyError says no more than a name
        reason = chain[-2]
    if isinstance(reason, OSError) and reason.filename:
        return f"{where}.filename must be a file that can be written, found {_os_reason(reason)}"
    return f"{where} cannot be used: {' '.join(str(reason).split()) or type(reason).__name__}"


def _os_reason(error: OSError) -> str:
    return f"{printable(error.filename)}: {error.strerror}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, its cause, the cause of that, and so on."""
    while error is not None:
        yield error
        error = error.__cause__


@implementer(ILogObserver)
class StdlibObserver:
    """
    Hands each event to the standard library's logger that is called like the event's namespace.

    A handler that fails prints its traceback to sys.stderr, which twistd turns into log events.  So
    an event that comes from the same thread while one is being handled goes to the process's own
    stderr, and to no handler.
    """

    def __init__(self) -> None:
        self._thread = threading.local()

    def __call__(self, event: LogEvent) -> None:
        """Hand over one event."""
        if getattr(self._thread, "busy", False):
            _print_aside(event)
            return
        level = _level(event)
        logger = logging.getLogger(event.get("log_namespace") or "twisted")
        if not logger.isEnabledFor(level):
            return
        self._thread.busy = True
        try:
            _hand_over(event, logger, level)
        finally:
            self._thread.busy = False


def _hand_over(event: LogEvent, logger: logging.Logger, level: int) -> None:
    """Log an event's text and failure; nothing if it has neither."""
    text = formatEvent(event)
    failure = event.get("log_failure")
    if failure is not None:
        trace = (failure.type, failure.value, failure.getTracebackObject())
        logger.log(level, text or "Unhandled failure", exc_info=trace)
    elif text:
        logger.log(level, text)


def _level(event: LogEvent) -> int:
    """
    Return the standard library's number for the event's level.  What Twisted logs about the factory
    of each connection, a start and a stop for every request, is debug here instead of info.
    """
    level = _LEVELS.get(event.get("log_level", LogLevel.info), logging.INFO)
    if (
        level == logging.INFO
        and event.get("log_format") in _FACTORY_NOISE
        and str(event.get("log_namespace")).startswith("twisted.web.client.")
    ):
        return logging.DEBUG
    return level


def _print_aside(event: LogEvent) -> None:
    """Print an event to the process's own stderr, if it can be printed there."""
    if sys.__stderr__ is not None:
        with suppress(OSError, ValueError):  # closed, full or of a poor encoding: it is dropped
            print(eventAsText(event), file=sys.__stderr__, flush=True)


def observer(logfile: str | None, reactor: IReactorFromThreads) -> ILogObserver:
    """
    Return the application's observer for settings that have a section `logging`.

    `logfile` is the value of twistd's own option; if there is one, events go there as well, in
    twistd's text format.  "-" is stdout.  A file is rotated at its usual size and, as by twistd
    itself, by SIGUSR1, through the reactor so that no line is cut.  Raises LoggingError if the file
    cannot be opened.
    """
    if not logfile:
        return StdlibObserver()
    if logfile == "-":
        return LogPublisher(StdlibObserver(), textFileLogObserver(sys.stdout))
    try:
        file = LogFile.fromFullPath(logfile)
    except OSError as error:
        raise LoggingError(
            f"--logfile must be a file that can be written, found {_os_reason(error)}"
        ) from None
    if not signal.getsignal(signal.SIGUSR1):
        signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(file.rotate))
    return LogPublisher(StdlibObserver(), textFileLogObserver(file))
