"""What a check has found.  Knows no check."""

import enum

import attrs


class Outcome(enum.StrEnum):
    """How a check ended; only FAIL makes the whole fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@attrs.frozen
class Verdict:
    """One check's result; `text` is a clause or two that name what to do."""

    outcome: Outcome
    text: str


def ok(text: str) -> Verdict:
    """Nothing to do."""
    return Verdict(Outcome.OK, text)


def warn(text: str) -> Verdict:
    """It may run, and probably not as it is meant to."""
    return Verdict(Outcome.WARN, text)


def fail(text: str) -> Verdict:
    """It cannot run."""
    return Verdict(Outcome.FAIL, text)
