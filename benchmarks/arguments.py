"""What all commands of the benchmarks can be told."""

import argparse
import math
from pathlib import Path


def absolute(text: str) -> Path:
    return Path(text).absolute()


def folder(text: str) -> Path:
    """One that is there."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return absolute(text)


def build(text: str) -> Path:
    """A clone of another build that can be started."""
    if not (Path(text) / ".venv" / "bin" / "twistd").exists():
        raise argparse.ArgumentTypeError(f"there is no build installed in {text}/.venv")
    return absolute(text)


def file(text: str) -> Path:
    """One that can be written, as far as its folder goes: found out before hours of measuring."""
    folder(str(Path(text).parent))
    return absolute(text)


def whole(text: str) -> int:
    """Whole, above 0."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, found {text}")
    return int(text)


def whole_from_0(text: str) -> int:
    """The same, and 0 too."""
    return 0 if text == "0" else whole(text)


def positive(text: str) -> float:
    """Above 0."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, found {text}")
    return found


def rates(text: str) -> list[float]:
    """Numbers above 0, separated by commas."""
    return [positive(rate) for rate in text.split(",")]


def rates_from_0(text: str) -> list[float]:
    """The same, and 0 too."""
    return [0.0 if rate.strip() == "0" else positive(rate) for rate in text.split(",")]


def parser(description: str | None, json_name: str) -> argparse.ArgumentParser:
    """With `--folder` and `--json`, whose default is in the current folder."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--folder", type=folder, help="for what consumers write: on a real disk")
    made.add_argument("--json", type=file, default=absolute(json_name), help="for all figures")
    return made
