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
SPOILING = ("tests.test_account", "tests.test_archive", "tests.test_ledger", "tests.test_recovery")
"""The names of their folders begin with these."""


def faults(base: Path) -> Iterator[str]:
    """A sentence for each line that is not."""
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    for path in sorted(base.rglob("*.ledger.jsonl")):
        if path.relative_to(base).parts[0].startswith(SPOILING):
            continue
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            error = jsonschema.exceptions.best_match(validator.iter_errors(json.loads(line)))
            if error is not None:
                yield f"{path}:{number}: {error.message}: {line.decode()[:200]}"


def main() -> None:
    base = Path(sys.argv[1])
    found = list(faults(base))
    lines = sum(len(path.read_bytes().splitlines()) for path in base.rglob("*.ledger.jsonl"))
    print("\n".join(found[:20]))
    print(f"{lines} lines of ledgers, {len(found)} not as the schema says.")
    sys.exit(1 if found or not lines else 0)


if __name__ == "__main__":
    main()
