"""
The command `tcc-health BASE_DIR`: one line for cron, Icinga, systemd and people.

Knows the command line and the forms of the answer; does not know what is well, which
`tcclient.health` does.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from tcaccount.folder import NoCapture
from tcaccount.parser import Parser
from tcaccount.standing import facts_below
from tcclient import __version__
from tcclient.control.healthreport import report
from tcclient.health.facts import ClientFacts
from tcclient.health.health import Health, Level
from tcclient.health.judgement import judge
from tcclient.ledger.wording import number
from tcclient.runtime.failures import explain_os

UNKNOWN = 3
"""The exit status, as monitoring plugins have it, where nothing can be found out."""


def make_parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="tcc-health",
        description="How the client with this base_dir is: ok, degraded or down, and why.",
        epilog="Needs no running client and only reads. Exit status: 0, 1, 2; 3 if unknown.",
    )
    parser.wrong = UNKNOWN
    parser.add_argument("base_dir", type=Path, help="output.base_dir of the client")
    parser.add_argument("--json", action="store_true", help="all that is known, for programs")
    parser.add_argument("--version", action="version", version=f"tcc {__version__}")
    return parser


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """
    Run the command with these arguments, by default those of the process.  Raises SystemExit: 0 if
    all is well, 1 if something is wrong or will be, 2 if posts that are wanted do not come, 3 if
    that cannot be found out.
    """
    options = make_parser().parse_args(arguments)
    try:
        facts = facts_below(options.base_dir, time.time())
    except NoCapture as e:
        _unknown(str(e))
    except OSError as e:
        _unknown(f"This cannot be found out: {explain_os(e)}.")
    health = judge(facts)
    print(as_json(health, facts) if options.json else as_line(health, facts))
    raise SystemExit(health.level.severity)


def as_line(health: Health, facts: ClientFacts) -> str:
    """Return a line in the form of monitoring plugins: status, reasons with cures, and figures."""
    if health.findings:
        told = health.words
    elif facts.captures:
        told = f"Posts of {number(len(facts.captures), 'capture')} come and are stored."
    else:
        told = "Nothing is to be captured."
    covered = sum(1 for one in facts.captures if facts.runs and one.missing is None)
    figures = f"captures={len(facts.captures)} streaming={covered} disk_free={facts.disk_free}B"
    return f"TCC {_WORDS[health.level]} - {told.replace('|', '/')} | {figures}"


_WORDS = {Level.OK: "OK", Level.DEGRADED: "WARNING", Level.DOWN: "CRITICAL"}
"""The words of monitoring plugins."""


def as_json(health: Health, facts: ClientFacts) -> str:
    """Return all that is known, in the form of tcclient/health.schema.json."""
    return msgspec.json.encode(report(facts, health)).decode()


def _unknown(sentence: str) -> NoReturn:
    """Print what cannot be found out, and exit with the status for it."""
    print(f"TCC UNKNOWN - {sentence}")
    sys.exit(UNKNOWN)
