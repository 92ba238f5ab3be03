"""Runs the reactor for one thing.  Does not know for what."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from twisted.internet import task

from tcclient.runtime.outputs import OutputFailed

_Outcome = TypeVar("_Outcome")


def react(main: Callable[[Any], Coroutine[Any, Any, _Outcome]], interrupted: _Outcome) -> _Outcome:
    """
    Return what `main` returns, which is given the reactor; `interrupted` after Ctrl-C.  Raises
    OutputFailed as `main` does.  To be called once in a process.
    """
    outcome = interrupted
    failed: OutputFailed | None = None

    async def keep(reactor: Any) -> None:
        nonlocal outcome, failed
        try:
            outcome = await main(reactor)
        except OutputFailed as e:
            failed = e

    with suppress(SystemExit):  # react's own status is 0 after Ctrl-C
        task.react(keep)
    if failed is not None:
        raise failed
    return outcome
