"""The rows as text."""

from collections.abc import Callable

from tests.faults.accounting import Row

COLUMNS: dict[str, Callable[[Row], str]] = {
    "faults": lambda row: f"{row.faults:,}",
    "sent": lambda row: f"{row.sent:,}",
    "on disk": lambda row: f"{row.on_disk:,}",
    "counted": lambda row: f"{row.counted:,}",
    "reported": lambda row: f"{row.reported:,}",
    "torn": lambda row: f"{row.torn:,}",
    "twice": lambda row: f"{row.twice:,}",
    "unaccounted": lambda row: f"{row.unaccounted:,}",
    "gaps s": lambda row: f"{row.gaps:,.1f}",
    "down s": lambda row: f"{row.down:,.1f}",
    "recovery s": lambda row: f"{row.recovery:,.1f}",
}
NAME = 18
WIDTH = 11


def head() -> str:
    """The names of the columns."""
    return f"{'scenario':{NAME}}" + "".join(f"{name:>{WIDTH + 1}}" for name in COLUMNS)


def line(row: Row) -> str:
    """The numbers of a row, and below them what is wrong with it."""
    cells = "".join(f"{cell(row):>{WIDTH + 1}}" for cell in COLUMNS.values())
    return "\n    ".join([f"{row.scenario:{NAME}}{cells}", *row.wrong])
