"""
The command `tcserver`: the server's own commands, and all of Django's.

Knows the folder that they are about, and turns what is set up wrongly into one sentence.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError

from tcclient.runtime.outputs import checked_output
from tcserver.environment import DATA, SetupError, read
from tcserver.keys import make_keys

FOLDER = "site"
"""Where the data are unless --data or TCSERVER_DATA names another folder."""
MAKE_FOLDER = ("up", "sandbox")
"""The commands that make the folder and its secrets; all others need them."""
WITHOUT_SECRETS = ("check", "restore")
"""The commands that work on a folder whose secrets are not there yet, or cannot be used."""
HELP, OF_A_COMMAND = {"help", "version"}, {"--help", "-h", "--version"}
"""What is said first, or anywhere, by whoever only asks about commands: no folder is needed."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command.  Raises SystemExit with one sentence where the server cannot be set up."""
    with checked_output("tcserver", 1):
        _run(list(sys.argv[1:] if arguments is None else arguments))


def _run(given: list[str]) -> None:
    """Run the command that these arguments name.  Raises SystemExit."""
    try:
        rest, folder = _without_data(given)
        os.environ[DATA] = folder or os.environ.get(DATA) or FOLDER
        os.environ["DJANGO_SETTINGS_MODULE"] = "tcserver.settings"
        environment = read(os.environ)
        if HELP & {*rest[:1]} or OF_A_COMMAND & {*rest} or not rest:
            del os.environ[DATA]
        elif rest[0] in MAKE_FOLDER and environment.data is not None:
            make_keys(environment.data)
        elif rest[0] in WITHOUT_SECRETS:
            rest.append(f"--data={os.environ.pop(DATA)}")
        # The module of a command has a name without hyphens.
        command = [name.replace("-", "_") if name[0] != "-" else name for name in rest[:1]]
        execute_from_command_line(["tcserver", *command, *rest[1:]])
    except (SetupError, ImproperlyConfigured) as e:
        raise SystemExit(f"tcserver: {e}") from None
    except DatabaseError as e:
        reason = str(e).strip().partition("\n")[0]
        raise SystemExit(f"tcserver: The database cannot be used: {reason}.") from None


def _without_data(arguments: list[str]) -> tuple[list[str], str | None]:
    """Return the arguments without `--data DIR`, and DIR.  Raises SetupError."""
    rest, folder, left = [], None, iter(arguments)
    for argument in left:
        if argument == "--data":
            folder = next(left, "")
        elif argument.startswith("--data="):
            folder = argument.removeprefix("--data=")
        else:
            rest.append(argument)
            continue
        if not folder:
            raise SetupError("--data takes the folder that holds the server's data.")
    return rest, None if folder is None else str(Path(folder).absolute())
