"""What all commands of the benchmarks can be told."""

import argparse
from pathlib import Path


def absolute(text: str) -> Path:
    return Path(text).absolute()


def parser(description: str | None, json_name: str) -> argparse.ArgumentParser:
    """With `--folder` and `--json`, whose default is in the current folder."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--folder", type=absolute, help="for what consumers write: on a real disk")
    made.add_argument("--json", type=absolute, default=absolute(json_name), help="for all figures")
    return made
