"""
Files of a log that others rotate: moved away, cut off, or on a disk that is full.

Knows the standard library's FileHandler and its subclasses; does not know what is written.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from logging.handlers import MemoryHandler, RotatingFileHandler
from pathlib import Path

from tcclient.runtime.appending import leads_to
from tcclient.runtime.backwards import unfinished


def chain(handler: logging.Handler | None) -> Iterator[logging.Handler]:
    """Yield a handler, and the one that it keeps lines back for, if it is such a one."""
    while handler is not None:
        yield handler
        handler = handler.target if isinstance(handler, MemoryHandler) else None


def have_appended(handler: logging.Handler) -> None:
    """Have each write go to the end of the file, wherever that is: another program may cut it."""
    if isinstance(handler, logging.FileHandler):
        handler.mode = handler.mode.replace("w", "a").replace("x", "a")
        if handler.stream is not None:
            with suppress(OSError, ValueError):  # a subclass may have no file of the system's
                fd = handler.stream.fileno()
                fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)


def follow(handler: logging.Handler) -> None:
    """Let go of the file, if it is one and has no longer the name: the next line makes another."""
    if isinstance(handler, logging.FileHandler) and handler.stream is not None:
        with suppress(OSError, ValueError):  # it cannot be known, or somebody has closed the file
            if not leads_to(Path(handler.baseFilename), handler.stream.fileno()):
                let_go(handler)


def let_go(handler: logging.Handler) -> None:
    """Close the file, if it is one: the next line opens, or makes, the one of that name."""
    if isinstance(handler, logging.FileHandler):
        stream, handler.stream = handler.stream, None
        if stream is not None:
            with suppress(OSError, ValueError):  # what it could not write is lost
                stream.close()


def rotate(handler: logging.Handler) -> None:
    """Begin another file, if nobody else has done so: the one that there is gets the name `.1`."""
    follow(handler)
    if isinstance(handler, RotatingFileHandler) and handler.stream is not None:
        handler.doRollover()
    else:
        let_go(handler)


def take_back(handler: logging.Handler) -> None:
    """Let go of a file that took no more, and take away the half of a line that it ends with."""
    let_go(handler)
    if isinstance(handler, logging.FileHandler) and handler.terminator == "\n":
        with suppress(OSError), Path(handler.baseFilename).open("rb+") as file:
            fd = file.fileno()
            os.ftruncate(fd, os.fstat(fd).st_size - unfinished(fd))
