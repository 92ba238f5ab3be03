"""What a run was made on."""

import platform
from pathlib import Path

from tcclient import __version__


def machine() -> dict[str, object]:
    """For the JSON that a run writes."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = [line for line in lines if line.startswith("model name")]
    return {
        "processor": model[0].partition(":")[2].strip() if model else platform.processor(),
        "cores": len(model),
        "system": platform.platform(),
        "python": platform.python_version(),
        "tcc": __version__,
    }
