"""What the log says of the capture server: each change once, nothing of the repetitions."""

from twisted.logger import Logger

log = Logger()


class ServerLog:
    """Remembers, for each thing that is done with the server, whether it fails and why."""

    def __init__(self) -> None:
        self._failing: dict[str, str] = {}

    def failed(self, doing: str, reason: str) -> None:
        """`doing` is a noun such as `reading the jobs`; `reason` a clause."""
        if self._failing.get(doing) != reason:
            log.warn(
                "The capture server fails at {doing}: {reason}. What runs goes on.",
                doing=doing,
                reason=reason,
            )
        self._failing[doing] = reason

    def succeeded(self, doing: str) -> None:
        """What failed may have been mended."""
        if self._failing.pop(doing, None) is not None:
            log.info("The capture server succeeds again at {doing}.", doing=doing)
