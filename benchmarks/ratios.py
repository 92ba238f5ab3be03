"""The ratios to curl that are committed, and whether what was measured is far outside."""

import json
from collections.abc import Mapping
from pathlib import Path

PATH = Path(__file__).with_name("ratios.json")
FAR = 2.0
"""Machines differ, and a shared one is noisy: what a change of the code does to a ratio of medians
beyond this factor is not noise."""

Ratios = Mapping[str, float]
"""Mode -> CPU of the client per tweet, by that of curl."""


def committed() -> dict[str, float]:
    found: dict[str, float] = json.loads(PATH.read_text())
    return found


def commit(measured: Ratios) -> None:
    PATH.write_text(json.dumps({k: round(v, 2) for k, v in measured.items()}, indent=4) + "\n")


def complaints(measured: Ratios, allowed: Ratios) -> list[str]:
    """A sentence for each mode that is beyond FAR times what is allowed, or was not measured."""
    found = []
    for mode, limit in allowed.items():
        if mode not in measured:
            found.append(f"{mode}: not measured.")
        elif measured[mode] > FAR * limit:
            found.append(
                f"{mode}: {measured[mode]:.2f} times the CPU of curl; "
                f"{limit:.2f} is committed, and {FAR * limit:.2f} the limit."
            )
    return found
