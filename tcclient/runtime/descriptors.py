"""How many files and sockets this process may have open.  Knows Unix only."""

import resource
from contextlib import suppress


def raise_limit() -> None:
    """
    Have as many descriptors as this process may give itself.  The usual limit of 1,024 is that of
    programs that use select(); each capture needs two at least, and four while a file is finished.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # where the system has a lower limit than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
