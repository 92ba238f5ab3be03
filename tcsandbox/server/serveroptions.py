"""The command line of the stand-in: says in one sentence what cannot be.  Starts nothing."""

import argparse
import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tcsandbox.arguments import SentenceParser
from tcsandbox.server import fields
from tcsandbox.server.rows import RESEARCHER_ID, RESEARCHER_TOKEN, STARTING, TOKEN


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """
    Return the options; `job` and `client` are lists of pairs.

    Anything wrong ends the process with status 2 and one sentence.
    """
    parser = SentenceParser(
        prog="python -m tcsandbox.server",
        description="A stand-in for the capture server, with its jobs in memory.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--port", type=_port, required=True, help="0 for any free one")
    add("--interface", type=_address, default="127.0.0.1")
    add("--token", type=_token, default=TOKEN, help="the client's, 40 hex digits")
    add("--worker-id", type=_worker, default=1, help="the client's user id")
    many: dict[str, Any] = {"action": "append", "default": []}
    add("--client", type=_client, **many, metavar="ID:TOKEN", help="another one; may be repeated")
    add("--job", type=_job, **many, metavar="NAME:KEYWORDS", help="the client's; may be repeated")
    add("--keep", type=Path, metavar="FILE", help="keep the jobs there")
    add("--status", type=_status, default=STARTING, help="of the jobs, 0 to 5")
    options = parser.parse_args(arguments)
    names = [name for name, _keywords in options.job]
    for name in names:
        if names.count(name) > 1:
            parser.error(f"argument --job: two jobs cannot both be called {name!r}.")
    return options


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}.")
    return int(text)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IP address.") from None


def _token(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{40}", text) or text == RESEARCHER_TOKEN:
        raise argparse.ArgumentTypeError(
            f"a token is 40 hexadecimal digits, not the researcher's: {text!r}."
        )
    return text


def _worker(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) in (0, RESEARCHER_ID):
        raise argparse.ArgumentTypeError(
            f"a user id is a number above 0, not the researcher's {RESEARCHER_ID}: {text!r}."
        )
    return int(text)


def _client(text: str) -> tuple[int, str]:
    number, _colon, token = text.partition(":")
    return _worker(number), _token(token)


def _status(text: str) -> int:
    try:
        return fields.status(text)
    except fields.Invalid:
        raise argparse.ArgumentTypeError(f"a status is one of 0 to 5, not {text!r}.") from None


def _job(text: str) -> tuple[str, str | None]:
    name, colon, keywords = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} lacks the colon of NAME:KEYWORDS.")
    try:
        return fields.job_name(name), keywords.strip() or None
    except fields.Invalid as e:
        sentence = " ".join(e.messages)
        raise argparse.ArgumentTypeError(f"{name!r} cannot name a job: {sentence}") from None
