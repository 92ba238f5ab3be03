"""What a run writes for whoever compares it with others: figures, and what they were made on."""

import json
import platform
from pathlib import Path

from tcclient import __version__


def write(path: Path, **figures: object) -> None:
    """Write a document of figures and of the machine; what JSON has no form for is text."""
    document = {"machine": _machine(), **figures}
    path.write_text(json.dumps(document, default=str, indent=1) + "\n")


def _machine() -> dict[str, object]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = [line for line in lines if line.startswith("model name")]
    return {
        "processor": model[0].partition(":")[2].strip() if model else platform.processor(),
        "cores": len(model),
        "system": platform.platform(),
        "python": platform.python_version(),
        "tcc": __version__,
    }
