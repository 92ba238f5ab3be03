"""
Whether every line of every ledger below a folder is as the schema says.

`python -m tests.ledgers _trial_temp` looks at all that a run of the tests has left there, but for
the folders of those tests that spoil ledgers on purpose.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema

import tcclient

SCHEMA = Path(tcclient.__file__).with_name("ledger.schema.json")
SPOILING = (
    "tests.tcaccount.",
    "tests.captures.test_following",
    "tests.ledger.test_ledgerfile",
    "tests.ledger.test_parts",
    *(f"tests.storage.test_{name}" for name in ("archive", "lately", "recovery")),
)
"""The names of their folders begin with these."""


def lines(base: Path) -> Iterator[tuple[str, bytes]]:
    """(where it stands, the line) of each that nobody has spoilt."""
    for path in sorted(base.rglob("*.ledger*.jsonl")):
        if path.is_file() and not path.relative_to(base).parts[0].startswith(SPOILING):
            for number, line in enumerate(path.read_bytes().splitlines(), 1):
                yield f"{path}:{number}", line


def main() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    read = wrong = 0
    right: set[bytes] = set()  # tests of long ledgers have the same line 100,000 times
    for where, line in lines(Path(sys.argv[1])):
        read += 1
        if line in right:
            continue
        error = jsonschema.exceptions.best_match(validator.iter_errors(json.loads(line)))
        if error is not None:
            wrong += 1
            print(f"{where}: {error.message}: {line.decode()[:200]}")
        else:
            right.add(line)
    print(f"{read} lines of ledgers, {wrong} not as the schema says.")
    sys.exit(1 if wrong or not read else 0)


if __name__ == "__main__":
    main()
