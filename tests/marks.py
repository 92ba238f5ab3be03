"""
Marks on the tests that need more than a moment of this process: `trial tests.quick` runs the rest.

A mark is put where it is true of all that is below: on a test method or a class by `needs()`, on a
module or a package by its attribute `NEEDED`.  Knows nothing of how tests are found or run.
"""

import sys
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, TypeVar
from unittest import TestCase

Marked = TypeVar("Marked", bound=Callable[..., Any])


class Need(Enum):
    """What a test may need."""

    PROCESSES = "starts processes"
    SECONDS = "waits for half a second of real time, or longer"


def needs(need: Need) -> Callable[[Marked], Marked]:
    """Return a decorator that marks a test method, or a class of tests and its subclasses."""

    def mark(marked: Marked) -> Marked:
        marked.NEEDED = need  # type: ignore[attr-defined]
        return marked

    return mark


def need_of(test: TestCase) -> Need | None:
    """Return the mark of a test: that of its method, class, module or nearest package, or None."""
    for place in _places(test):
        need: Need | None = getattr(place, "NEEDED", None)
        if need is not None:
            return need
    return None


def _places(test: TestCase) -> Iterator[object]:
    """Yield the test's method, its class, its module, and the packages from the inmost."""
    case = type(test)
    yield getattr(case, test.id().rpartition(".")[2], None)
    yield case
    name = case.__module__
    while name:
        yield sys.modules[name]
        name = name.rpartition(".")[0]
