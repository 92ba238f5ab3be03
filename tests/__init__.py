"""
The client's tests, run by trial; one file per module.

Property tests try the same examples in every run, and leave no folder behind: there is no database
of examples, and Hypothesis goes on without its caches where it cannot write them.
"""

import os

from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

DEPTH = int(os.environ.get("TCC_TEST_DEPTH", "1"))
"""How many times as many examples the property tests try as in a run of every day."""

settings.register_profile(
    "tcc",
    derandomize=True,
    deadline=None,
    max_examples=60 * DEPTH,
    database=None,
    print_blob=False,
)
settings.load_profile("tcc")
set_hypothesis_home_dir(os.devnull)

# Or each process that the tests start would compile all modules of the client anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
