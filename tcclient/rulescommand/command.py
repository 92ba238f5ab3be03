"""
The command line of `tcc-rules`, and what it does.

Knows what goes to which output, and that nothing is deleted unasked; does not know whose a rule is.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from tcclient.config.settings import Settings, SettingsError, load
from tcclient.rulescommand.selection import NoSuchRule, chosen, table
from tcclient.runtime.backoff import RefusalError
from tcclient.runtime.failures import explain_os
from tcclient.runtime.outputs import checked_output
from tcclient.runtime.parser import Parser
from tcclient.runtime.plaintext import visible
from tcclient.runtime.reacting import react
from tcclient.sources.keptrules import GROUPS, OWN, KeptRule, KeptRules

DONE, SOME_STAY, CANNOT = 0, 1, 2
"""Exit statuses."""

MakeRules = Callable[[Settings, Any], KeptRules | None]
"""From settings and reactor to the rules of the app; None where the API keeps none."""


def make_rules_parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="tcc-rules",
        description="Show the rules of the app at X, and delete those that are named.",
        epilog="WHICH is one of " + "; ".join(f"{name} ({who})" for name, who in GROUPS.items())
        + "; or the id or the tag of a rule, or the beginning of tags and a *.",
    )  # fmt: skip
    acts = parser.add_subparsers(dest="act", required=True, metavar="list|delete")
    for name, number, text in (
        ("list", "*", "show rules; all where none is named"),
        ("delete", "+", "show which rules would be deleted, or with --yes delete them"),
    ):
        act = acts.add_parser(name, help=text, description=text, epilog=parser.epilog)
        act.add_argument("--config", "-c", type=Path, required=True, metavar="FILE")
        act.add_argument("which", nargs=number, metavar="WHICH")
        if name == "delete":
            act.add_argument("--yes", action="store_true", help="delete them")
    return parser


def run(arguments: Sequence[str], make_rules: MakeRules, environ: Mapping[str, str]) -> NoReturn:
    """
    Run the command.  Raises SystemExit: 0; 1 if a rule stays that was to be deleted; 2, with a
    sentence, if X, the settings or the command line leave nothing to be done.
    """
    with checked_output("tcc-rules", CANNOT):
        options = make_rules_parser().parse_args(arguments)
        raise SystemExit(react(partial(_main, options, make_rules, environ), interrupted=CANNOT))


async def _main(
    options: argparse.Namespace, make_rules: MakeRules, environ: Mapping[str, str], reactor: Any
) -> int:
    """Do what the options ask for, and return the exit status; say why if it cannot be done."""
    try:
        store = make_rules(load(options.config, environ), reactor)
        if store is None:
            raise NoSuchRule(f"{options.config}: the API of twitter.api keeps no rules.")
        return await act(store, options, print)
    except (SettingsError, NoSuchRule) as e:
        _complain(str(e))
    except RefusalError as e:
        said = f" ({e.refusal.explanation})" if e.refusal.explanation else ""
        advice = f". {e.refusal.advice}" if e.refusal.advice else "."
        who = "Something in between" if e.refusal.is_from_between else "X"
        _complain(f"{who}: {e}{said}{advice}")
    except OSError as e:
        _complain(f"This cannot be done: {explain_os(e)}.")
    return CANNOT


async def act(store: KeptRules, options: argparse.Namespace, say: Callable[[str], object]) -> int:
    """
    Show or delete rules, and return the exit status.  Raises NoSuchRule, RefusalError and OSError.
    """
    rules = chosen(await store.rules(), options.which)
    for line in table(rules):
        say(line)
    if options.act == "list" or not rules:
        return DONE
    if any(rule.group == OWN for rule in rules):
        say("A client that runs adds its own rules again, within 15 minutes.")
    if not options.yes:
        say("Nothing is deleted without --yes.")
        return DONE
    return await _delete(store, rules, say)


async def _delete(store: KeptRules, rules: Sequence[KeptRule], say: Callable[[str], object]) -> int:
    """Delete the rules, and see whether they are gone: X may say so, and keep some."""
    ids = [rule.id for rule in rules]
    await store.delete(ids)
    left = {rule.id for rule in await store.rules()} & set(ids)
    say(f"Deleted: {len(ids) - len(left)}.")
    if not left:
        return DONE
    _complain(f"X still has {', '.join(sorted(left))}: try again.")
    return SOME_STAY


def _complain(sentence: str) -> None:
    print(visible(f"tcc-rules: {sentence}"), file=sys.stderr)
