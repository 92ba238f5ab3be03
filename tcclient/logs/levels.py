"""The level that the standard library's logging has for an event of twisted.logger.  Pure."""

import logging

from twisted.logger import LogEvent, LogLevel

_LEVELS = {
    LogLevel.debug: logging.DEBUG,
    LogLevel.info: logging.INFO,
    LogLevel.warn: logging.WARNING,
    LogLevel.error: logging.ERROR,
    LogLevel.critical: logging.CRITICAL,
}
_FACTORY_NOISE = ("Starting factory {factory!r}", "Stopping factory {factory!r}")


def stdlib_level(event: LogEvent) -> int:
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
