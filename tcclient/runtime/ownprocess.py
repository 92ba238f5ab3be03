"""What the client's own process is asked and told, by those who do not know how it was started."""

from collections.abc import Callable

from msgspec import Struct


class OwnProcess(Struct, frozen=True):
    """
    `log_missing` returns how many lines of the log are missing; `tell_status` tells a supervisor in
    a line how the client is.  By default there is neither.
    """

    log_missing: Callable[[], int] = lambda: 0
    tell_status: Callable[[str], None] = lambda status: None


ALONE = OwnProcess()
"""A process that has neither."""
