"""What a refusal by the other side means for the next attempt, and for the user.  Knows no API."""

from msgspec import Struct

from tcclient.runtime.backoff import Trouble


class Refusal(Struct, frozen=True):
    """
    The meaning of an answer other than 200.

    `advice` is a sentence that says what to do, `explanation` what the other side said, and
    `at_least` the shortest wait in seconds that it asks for.
    """

    trouble: Trouble
    advice: str
    explanation: str = ""
    at_least: float = 0.0


class RefusalError(Exception):
    """
    Raised where something was refused that is needed before the stream can be asked for.  str() is
    a clause that says what was refused; `refusal` is what that means.
    """

    def __init__(self, reason: str, refusal: Refusal) -> None:
        super().__init__(reason)
        self.refusal = refusal
