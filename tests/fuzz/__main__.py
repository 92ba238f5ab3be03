"""
`python -m tests.fuzz TARGET --seconds N`: bytes for one target, guided by what they reach in the
client.  Needs atheris: `pip install atheris`.

What fails stands in the folder that is printed, and ends the run with another status than 0; so
does more than MEMORY.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from twisted.logger import globalLogBeginner

from tests.fuzz.seeds import SEEDS

MEMORY = 512
"""Megabytes that a run may take."""
LONGEST = 4096
"""Bytes given to a target at once."""


def main() -> None:
    try:
        import atheris
    except ImportError:
        sys.exit("This needs atheris, which is not installed: pip install atheris")
    with atheris.instrument_imports(include=["tcclient"]):
        from tests.fuzz.targets import TARGETS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
    folder = Path(tempfile.mkdtemp(prefix=f"tcc-fuzz-{options.target}-"))
    print(folder)
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS[options.target]):
        (corpus / f"seed{number}").write_bytes(seed)
    limits = (
        f"-max_total_time={options.seconds}",
        f"-max_len={LONGEST}",
        f"-rss_limit_mb={MEMORY}",
    )
    atheris.Setup(
        [sys.argv[0], *limits, f"-artifact_prefix={folder}/", str(corpus)],
        TARGETS[options.target],
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
