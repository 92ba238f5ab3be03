"""What a refusal by the other side means for the next attempt, and for the user.  Knows no API."""

from msgspec import Struct

from tcclient.runtime.backoff import Trouble

FROM_BETWEEN = "an answer of something in between"
"""How the ledger begins to explain a refusal that does not come from the other side."""


class Refusal(Struct, frozen=True):
    """
    The meaning of an answer other than 200.

    `advice` is a sentence that says what to do, `explanation` what the other side said, and
    `at_least` the shortest wait in seconds that it asks for.  `is_from_between` says that not the
    other side has answered, but a proxy or the like.
    """

    trouble: Trouble
    advice: str
    explanation: str = ""
    at_least: float = 0.0
    is_from_between: bool = False

    @property
    def noted(self) -> str | None:
        """The explanation as the ledger has it, which tells who has given it; None for none."""
        if self.is_from_between:
            return ": ".join(filter(None, (FROM_BETWEEN, self.explanation)))
        return self.explanation or None


class RefusalError(Exception):
    """
    Raised where something was refused that is needed before the stream can be asked for.  str() is
    a clause that says what was refused; `refusal` is what that means, and `status` that of the
    answer, None where there was none.
    """

    def __init__(self, reason: str, refusal: Refusal, status: int | None = None) -> None:
        super().__init__(reason)
        self.refusal = refusal
        self.status = status
