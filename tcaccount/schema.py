"""
Prints, for `python -m tcaccount.schema`, the JSON Schema of a line of any capture's ledger, with
`health` that of what `tcc-health --json` prints, and with `push` that of the real-time messages.

The files `tcclient/ledger.schema.json`, `health.schema.json` and `push.schema.json` are what this
prints.  Knows no kind of line.
"""

import json
import sys
from collections.abc import Mapping, Sequence

from tcclient.control import healthreport
from tcclient.push import messages
from tcclient.sources.registry import vocabulary


def main(arguments: Sequence[str] = ()) -> None:
    """Print the schema, by default with the kinds of lines of all sources; a line a definition."""
    others = {"health": healthreport.schema, "push": messages.schema}
    asked = next((name for name in arguments if name in others), None)
    schema = vocabulary().schema() if asked is None else others[asked]()
    members = {name: _compact(value) for name, value in schema.items()}
    members["$defs"] = _object({n: _compact(one) for n, one in schema["$defs"].items()})
    print(_object(members))


def _object(members: Mapping[str, str]) -> str:
    """Return a JSON object with a line for each member; these are JSON already."""
    return "{\n" + ",\n".join(f'"{name}":{value}' for name, value in members.items()) + "\n}"


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    main(sys.argv[1:])
