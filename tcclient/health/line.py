"""How a client is, in the line that `tcc-health` prints and a supervisor is told.  Pure."""

from tcclient.health.facts import ClientFacts
from tcclient.health.health import Health, Level
from tcclient.ledger.wording import number

_WORDS = {Level.OK: "OK", Level.DEGRADED: "WARNING", Level.DOWN: "CRITICAL"}
"""The words of monitoring plugins."""


def as_line(health: Health, facts: ClientFacts) -> str:
    """Return a line in the form of monitoring plugins: status, reasons with cures, and figures."""
    if health.findings:
        told = health.words
    elif facts.captures:
        told = f"Posts of {number(len(facts.captures), 'capture')} come and are stored."
    else:
        told = "Nothing is to be captured."
    covered = sum(1 for one in facts.captures if facts.runs and one.missing is None)
    free = "U" if facts.disk_free is None else f"{facts.disk_free}B"  # U: it is not known
    figures = f"captures={len(facts.captures)} streaming={covered} disk_free={free}"
    return f"TCC {_WORDS[health.level]} - {told.replace('|', '/')} | {figures}"
