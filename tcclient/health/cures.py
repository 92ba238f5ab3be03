"""
What the causes of gaps mean to people, and what to do about each.  Pure.

Knows the words of ledgers for causes; does not know how bad a gap is.
"""

from tcclient.ledger.gaps import Missing
from tcclient.runtime.backoff import FROM_BETWEEN

_BY_ITSELF = "The client connects again by itself; if that lasts, see to the network and to X."

_BETWEEN = (
    "Not X answers, but something in between: see to the proxy or the firewall, and to the section "
    "twitter of the settings."
)

_CURES = {
    "start": "The stream is being asked for; if that lasts, see the log of the client.",
    "disk": "Make room on the disk, or mend it: the client goes on by itself.",
    "duplicate": "Another client uses the same app, which has one connection: end that one.",
    "budget": "Wait for the next period, or raise twitter.budget.",
    "rules": "Correct the keywords on the website, or see who deletes the rules of the app.",
    "keywords": "The stream for the new keywords is being asked for.",
    "switched": "The stream for the new keywords is being asked for.",
    "corrupt": "The client connects again; if it lasts, something in between changes the data.",
    "failed": "This is a fault of the client: see its log, and report it.",
}

_BY_STATUS = {
    401: "Correct twitter_auth in the settings, and see --check.",
    403: "Correct twitter_auth in the settings, or the app's access at X, and see --check.",
    402: "Pay for X's API, or raise the limit there.",
    420: "End the other client that uses the same credentials; this one tries on by itself.",
    429: "End the other client that uses the same app; this one tries on by itself.",
}


def cure(cause: str, status: int | None = None, explanation: str | None = None) -> str:
    """
    Return what to do about a gap, by the status with which the last attempt was refused, and by
    what the ledger says of that.
    """
    if (explanation or "").startswith(FROM_BETWEEN):
        return _BETWEEN
    by_status = None if status is None else _BY_STATUS.get(status)
    return by_status or _CURES.get(cause, _BY_ITSELF)


def plainly(missing: Missing) -> str:
    """Return a clause that says why there is no stream."""
    why = missing.detail or missing.cause
    if missing.status is None:
        return why
    explained = f", {missing.explanation}" if missing.explanation else ""
    return f"{why}; the last attempt was refused ({missing.status}{explained})"
