"""What the commands of both ends do with arguments that they cannot use."""

import argparse
from typing import NoReturn


class SentenceParser(argparse.ArgumentParser):
    """An argument parser that says in one sentence what is wrong."""

    def error(self, message: str) -> NoReturn:
        """Print `message` instead of a page of usage, and exit with status 2."""
        self.exit(2, f"{self.prog}: {message}\n")
