"""
Prints, for `python -m tcaccount.schema`, the JSON Schema of a line of any capture's ledger.

The file `tcclient/ledger.schema.json` is what this prints.  Knows no kind of line.
"""

import json

from tcclient.sources.registry import vocabulary


def main() -> None:
    """Print the schema, with the kinds of lines of all sources."""
    print(json.dumps(vocabulary().schema(), indent=1))


if __name__ == "__main__":
    main()
