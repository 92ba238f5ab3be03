"""
Hands events of twisted.logger to the standard library's loggers, as the section `logging` of the
settings has configured them.

Knows the failures of both; does not know what is logged, nor which handlers there are.
"""

import ast
import logging
import logging.config
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.logger import ILogObserver, LogEvent, formatEvent
from zope.interface import implementer

from tcclient.logs.levels import stdlib_level
from tcclient.logs.names import keep_old_names
from tcclient.logs.section import prepare, unopened
from tcclient.logs.sink import LoggingError, Sink
from tcclient.runtime.places import json_path, printable

__all__ = ["LoggingError", "StdlibObserver", "configure", "put_behind_sinks", "try_out"]

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
    _use(config)
    return warnings


def try_out(section: dict[str, Any], folder: Path) -> list[str]:
    """Do as configure() does, but make no folder and open no file."""
    config, warnings = prepare(section, folder)
    _use(unopened(config))
    return warnings


def _use(config: dict[str, Any]) -> None:
    """Configure logging by what prepare() has returned.  Raises LoggingError."""
    try:
        logging.config.dictConfig(config)
    except Exception as error:  # it runs whatever classes and factories the section names
        raise LoggingError(_sentence(error)) from None
    _silence_signing()
    keep_old_names(config)


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
    """

    def __call__(self, event: LogEvent) -> None:
        """Hand over one event; the standard library's logger may want none of its level."""
        level = stdlib_level(event)
        logger = logging.getLogger(event.get("log_namespace") or "twisted")
        if logger.isEnabledFor(level):
            _hand_over(event, logger, level)


def _hand_over(event: LogEvent, logger: logging.Logger, level: int) -> None:
    """Log an event's text and failure; nothing if it has neither."""
    text = formatEvent(event)
    failure = event.get("log_failure")
    if failure is not None:
        trace = (failure.type, failure.value, failure.getTracebackObject())
        logger.log(level, text or "Unhandled failure", exc_info=trace)
    elif text:
        logger.log(level, text)


def put_behind_sinks() -> list[Sink]:
    """
    Put a sink before each handler of the standard library's loggers, and before the stderr that
    gets the warnings of a logger without any.  Return the sinks.
    """
    sinks: dict[logging.Handler, Sink] = {}
    for logger in _loggers():
        for handler in logger.handlers:
            sinks.setdefault(handler, Sink(f"handler {handler.name!r}", handler))
        logger.handlers = [sinks[handler] for handler in logger.handlers]
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setLevel(logging.WARNING)
    logging.lastResort = last = Sink("stderr", stderr)
    return [*sinks.values(), last]


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(one for one in known if isinstance(one, logging.Logger))]
