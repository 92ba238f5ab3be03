"""
The command `tcc-health BASE_DIR`: one line for cron, Icinga, systemd and people.

Knows the command line and the forms of the answer; does not know what is well, which
`tcclient.health` does.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from tcaccount.folder import NoCapture
from tcaccount.standing import facts_below
from tcclient import __version__
from tcclient.control.healthreport import report
from tcclient.health.facts import ClientFacts
from tcclient.health.health import Health, as_line
from tcclient.health.judgement import judge
from tcclient.runtime.failures import explain_os
from tcclient.runtime.outputs import checked_output
from tcclient.runtime.parser import Parser
from tcclient.runtime.plaintext import visible

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
    with checked_output("tcc-health", UNKNOWN):
        raise SystemExit(_say_health(make_parser().parse_args(arguments)))


def _say_health(options: argparse.Namespace) -> int:
    """Print how the client is.  Return the exit status."""
    try:
        facts = facts_below(options.base_dir, time.time())
    except NoCapture as e:
        return _unknown(str(e))
    except OSError as e:
        return _unknown(f"This cannot be found out: {explain_os(e)}.")
    health = judge(facts)
    print(as_json(health, facts) if options.json else visible(as_line(health, facts)))
    return health.level.severity


def as_json(health: Health, facts: ClientFacts) -> str:
    """Return all that is known, in the form of tcclient/health.schema.json."""
    return msgspec.json.encode(report(facts, health)).decode()


def _unknown(sentence: str) -> int:
    """Print what cannot be found out.  Return the exit status for it."""
    print(visible(f"TCC UNKNOWN - {sentence}"))
    return UNKNOWN
