"""What concerns the client of all that twistd is told.  Imports nothing of the client."""

from msgspec import Struct


class TwistdOptions(Struct, frozen=True, kw_only=True):
    """
    The file of its log, the `prefix` of its lines in syslog, None where they do not go there,
    whether it is a daemon, and its pid file.
    """

    logfile: str | None = None
    prefix: str | None = None
    is_daemon: bool = False
    pidfile: str | None = None
