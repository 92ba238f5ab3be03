"""Parses command lines; says what is wrong with one in one sentence."""

import argparse
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser whose message about a wrong command line stands alone, without the usage."""

    wrong = 2
    """The exit status for a wrong command line."""

    def error(self, message: str) -> NoReturn:
        """Print the message, and exit."""
        self.exit(self.wrong, f"{self.prog}: {message}\n")
