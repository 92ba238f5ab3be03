"""
Prints, for `python -m tcaccount.schema`, the JSON Schema of a line of any capture's ledger, and
with `health` that of what `tcc-health --json` prints.

The files `tcclient/ledger.schema.json` and `tcclient/health.schema.json` are what this prints.
Knows no kind of line.
"""

import json
import sys
from collections.abc import Mapping, Sequence

from tcclient.control import healthreport
from tcclient.sources.registry import vocabulary


def main(arguments: Sequence[str] = ()) -> None:
    """Print the schema, by default with the kinds of lines of all sources; a line a definition."""
    schema = healthreport.schema() if "health" in arguments else vocabulary().schema()
    members = {name: _compact(value) for name, value in schema.items()}
    members["$defs"] = _object({n: _compact(one) for n, one in schema["$defs"].items()})
    print(_object(members))


def _object(members: Mapping[str, str]) -> str:
    """Return a JSON object with a line for each member; these are JSON already."""
    return "{\n" + ",\n".join(f'"{name}":{value}' for name, value in members.items()) + "\n}"


def _compact(value: object) -> str:
    """Return JSON without blanks between its parts."""
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    main(sys.argv[1:])
