"""
The client's tests, run by trial; one file per module.

Property tests try the same examples in every run, and leave no folder behind: there is no database
of examples, and Hypothesis goes on without its caches where it cannot write them.
"""

import os

from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

settings.register_profile(
    "tcc", derandomize=True, deadline=None, max_examples=60, database=None, print_blob=False
)
settings.load_profile("tcc")
set_hypothesis_home_dir(os.devnull)
