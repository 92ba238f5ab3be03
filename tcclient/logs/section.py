"""
Makes the section `logging` of the settings ready for logging.config.dictConfig.

Knows what is in the sections of old settings files, and what dictConfig accepts without a word
although it cannot work.  Opens and configures nothing.
"""

import copy
import logging
import logging.handlers
import pkgutil
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tcclient.logs.names import with_old_filters
from tcclient.logs.sink import LoggingError
from tcclient.runtime.places import json_path, kind, shown

_COLOURED = "coloredlogs.ColoredStreamHandler"
_KEPT_OF_COLOURED = {"level", "formatter", "filters", "stream"}
_FILES = (
    logging.FileHandler,
    logging.handlers.WatchedFileHandler,
    logging.handlers.RotatingFileHandler,
    logging.handlers.TimedRotatingFileHandler,
)
_FLAGS = {
    **dict.fromkeys(("yes", "true", "on", "1"), True),
    **dict.fromkeys(("no", "false", "off", "0"), False),
}
_CONVERTED = r"[a-z]+://"  # dictConfig replaces these values itself: ext://, cfg://


def prepare(section: dict[str, Any], folder: Path) -> tuple[dict[str, Any], list[str]]:
    """
    Return a copy of the section for dictConfig, and warnings about what was replaced in it.  The
    file names of handlers in it are absolute; relative ones begin at `folder`.  Raises
    LoggingError.
    """
    config = copy.deepcopy(section)
    warnings: list[str] = []
    _parts(config, "formatters")
    if "filters" in config:
        config["filters"] = with_old_filters(_parts(config, "filters"))
    for name, handler in _parts(config, "handlers").items():
        where = json_path(("logging", "handlers", name))
        warnings += _replace_coloured(where, handler)
        _check_class(where, handler)
        _check_stream(where, handler)
        _anchor(where, handler, folder)
        _escape(handler)
    for name, logger in _parts(config, "loggers").items():
        _read_propagate(json_path(("logging", "loggers", name)), logger)
    root = config.get("root", {})
    if not isinstance(root, dict):
        raise LoggingError(f"$.logging.root must be an object, found {kind(root)}")
    return config, warnings


def unopened(config: dict[str, Any]) -> dict[str, Any]:
    """
    Return what prepare() has returned with handlers that open no file before they write.  Those of
    classes that may know no `delay` only keep what is no concern of theirs.
    """
    handlers = {name: _unopened(handler) for name, handler in config.get("handlers", {}).items()}
    return {**config, "handlers": handlers}


def _unopened(handler: dict[str, Any]) -> dict[str, Any]:
    if "filename" not in handler:
        return handler
    if str(handler.get("()", handler.get("class"))).startswith("logging."):
        return {**handler, "delay": True}
    kept = {key: handler[key] for key in ("level", "formatter", "filters") if key in handler}
    return kept | {"class": "logging.NullHandler"}


def _parts(config: Mapping[str, Any], group: str) -> dict[str, dict[str, Any]]:
    """Return the parts of a group, such as `handlers`, by name.  Raises LoggingError."""
    parts = config.get(group, {})
    if not isinstance(parts, dict):
        raise LoggingError(f"$.logging.{group} must be an object, found {kind(parts)}")
    for name, part in parts.items():
        if not isinstance(part, dict):
            where = json_path(("logging", group, name))
            raise LoggingError(f"{where} must be an object, found {kind(part)}")
    return parts


def _replace_coloured(where: str, handler: dict[str, Any]) -> list[str]:
    """Replace coloredlogs' old class, and return a warning of that; [] if it is not there."""
    key = "()" if "()" in handler else "class"
    if handler.get(key) != _COLOURED:
        return []
    dropped = sorted(handler.keys() - _KEPT_OF_COLOURED - {key})
    for name in (*dropped, key):
        del handler[name]
    handler["class"] = "logging.StreamHandler"
    ignored = f"; not used: {', '.join(dropped)}" if dropped else ""
    return [f"{where}: {_COLOURED} is replaced by a plain logging.StreamHandler{ignored}."]


def _check_class(where: str, handler: Mapping[str, Any]) -> None:
    """Raise LoggingError if `class` is no handler; a handler made by a factory needs none."""
    if "()" in handler:
        return
    name = handler.get("class")
    if not isinstance(name, str):
        found = kind(name) if "class" in handler else "nothing"
        raise LoggingError(f"{where}.class must name a logging handler's class, found {found}")
    try:
        found_class = pkgutil.resolve_name(name)
    except Exception as error:  # importing somebody's module may raise anything
        raise LoggingError(
            f"{where}.class must name a logging handler's class that can be imported, "
            f"found {shown(name)} ({type(error).__name__})"
        ) from None
    if not (isinstance(found_class, type) and issubclass(found_class, logging.Handler)):
        raise LoggingError(
            f"{where}.class must name a logging handler's class, found {shown(name)}"
        )


def _check_stream(where: str, handler: Mapping[str, Any]) -> None:
    """Raise LoggingError for a stream like "stdout", which dictConfig takes and cannot use."""
    stream = handler.get("stream")
    if isinstance(stream, str) and not re.match(_CONVERTED, stream):
        raise LoggingError(
            f'{where}.stream must be "ext://sys.stdout" or "ext://sys.stderr", '
            f"found {shown(stream)}"
        )


def _anchor(where: str, handler: dict[str, Any], folder: Path) -> None:
    """Make the handler's file name absolute, if it has one.  Raises LoggingError."""
    if "filename" not in handler:
        return
    name = handler["filename"]
    if not isinstance(name, str) or not name or "\0" in name:
        found = shown(name) if isinstance(name, str) else kind(name)
        raise LoggingError(f"{where}.filename must be the name of a file, found {found}")
    if not re.match(_CONVERTED, name):
        handler["filename"] = str(folder / name)


def _escape(handler: dict[str, Any]) -> None:
    """Have a file of the standard library take each text, if the section does not say otherwise."""
    found = pkgutil.resolve_name(handler["class"]) if "()" not in handler else None
    # Classes of others may not know the parameter.
    if found in _FILES:
        handler.setdefault("errors", "backslashreplace")


def _read_propagate(where: str, logger: dict[str, Any]) -> None:
    """Make `propagate` a bool, as "no" would count as true.  Raises LoggingError."""
    value = logger.get("propagate")
    if value is None or isinstance(value, bool):
        return
    text = str(value).strip().lower() if isinstance(value, str | int) else ""
    if text not in _FLAGS:
        raise LoggingError(f"{where}.propagate must be true or false, found {shown(value)}")
    logger["propagate"] = _FLAGS[text]
