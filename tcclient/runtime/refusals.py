"""What it means for the next attempt that the other side has refused one, and for the user."""

import attrs

from tcclient.runtime.backoff import Trouble


@attrs.frozen
class Refusal:
    """
    The meaning of an answer other than 200.

    `advice` says what to do, in a sentence; `explanation` what the other side said; `at_least` is
    the shortest wait in seconds that it asks for.
    """

    trouble: Trouble
    advice: str
    explanation: str = ""
    at_least: float = 0.0


class RefusalError(Exception):
    """
    Raised where something was refused that is needed before the stream can be asked for.  str() is
    a clause that says what, `refusal` what it means.
    """

    def __init__(self, reason: str, refusal: Refusal) -> None:
        super().__init__(reason)
        self.refusal = refusal
