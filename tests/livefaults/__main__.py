"""
`python -m tests.livefaults [--scenario NAME] [--share 1.0]`: every scenario, and a row for each.

A client that only polls is played beside each ("polls: …"): its gaps are the measure.

Exits with status 1 where website, REST, disk and ledgers are not the same in the end, or a post is
unaccounted for.
"""

from tests.faults import runner
from tests.livefaults.scenarios import SCENARIOS, TWINS, play


def main() -> None:
    """Play what is chosen."""
    told = runner.parser(__doc__)
    add = told.add_argument
    add(
        "--share",
        dest="amount",
        metavar="1.0",
        type=float,
        default=1.0,
        help="of how long it all lasts",
    )
    runner.main(told, (*SCENARIOS, *TWINS), play)


if __name__ == "__main__":
    main()
