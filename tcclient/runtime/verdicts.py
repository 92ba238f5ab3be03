"""What a check of `--check` has found.  Knows no check."""

import enum

from msgspec import Struct


class Outcome(enum.StrEnum):
    """How a check ended; only FAIL makes `--check` fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


class Verdict(Struct, frozen=True):
    """The result of one check; `text` is a clause or two that say what to do, if anything."""

    outcome: Outcome
    text: str


def ok(text: str) -> Verdict:
    """Return that all is well."""
    return Verdict(Outcome.OK, text)


def warn(text: str) -> Verdict:
    """Return that the client may run, but probably not as it is meant to."""
    return Verdict(Outcome.WARN, text)


def fail(text: str) -> Verdict:
    """Return that the client cannot run."""
    return Verdict(Outcome.FAIL, text)
