"""
Packages, and a sentence for a Python that is too old; everything else stands in pyproject.toml.

The pip of an old Python compares the dependencies with constraints.txt before it looks at
`requires-python`, and then speaks of conflicts only.  It runs this file before either.
"""

import sys
from tempfile import TemporaryDirectory

if sys.version_info < (3, 11):  # noqa: UP036 - this file is what tells those who run it with less
    found = ".".join(map(str, sys.version_info[:2]))
    sys.exit(
        f"tcc needs Python 3.11 or newer, and this is Python {found}: "
        "remove the virtual environment, and make it with a newer one."
    )

from setuptools import find_packages, setup

# Not in this folder: pip would find there, and install again, what a newer release has no more.
BUILD = TemporaryDirectory(prefix="tcc")
PACKAGES = ("tcclient", "tcaccount", "tcsandbox", "tcserver")

setup(
    # Without this an editable install goes through an import hook, in which twistd
    # does not find the plugin.
    package_dir={"": "."},
    packages=[
        *find_packages(include=[name for top in PACKAGES for name in (top, f"{top}.*")]),
        "twisted.plugins",
    ],
    options={"build": {"build_base": BUILD.name}},
    # What is in the packages besides code is named here, not found.
    include_package_data=False,
    package_data={
        "tcclient": [
            "py.typed",
            "ledger.schema.json",
            "health.schema.json",
            "push.schema.json",
        ],
        "tcaccount": ["py.typed"],
        "tcsandbox": ["py.typed"],
        "tcserver": ["py.typed", "website/templates/**", "website/static/**"],
    },
)
