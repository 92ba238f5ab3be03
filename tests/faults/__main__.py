"""
`python -m tests.faults [--rounds N] [--scenario NAME]`: every scenario, and a row for each.

Exits with status 1 where a post is unaccounted for or numbers do not agree.
"""

from tests.faults import runner
from tests.faults.catalogue import SCENARIOS
from tests.faults.scenario import play


def main() -> None:
    told = runner.parser(__doc__)
    add = told.add_argument
    add("--rounds", dest="amount", metavar="N", type=int, default=3, help="how often each happens")
    runner.main(told, SCENARIOS, play)


if __name__ == "__main__":
    main()
