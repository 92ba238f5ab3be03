"""Packages; everything else stands in pyproject.toml."""

from setuptools import find_packages, setup

PACKAGES = ("tcclient", "tcaccount", "tcsandbox")

setup(
    # Without this an editable install goes through an import hook, in which twistd
    # does not find the plugin.
    package_dir={"": "."},
    packages=[
        *find_packages(include=[name for top in PACKAGES for name in (top, f"{top}.*")]),
        "twisted.plugins",
    ],
    package_data={
        "tcclient": ["py.typed", "ledger.schema.json"],
        "tcaccount": ["py.typed"],
        "tcsandbox": ["py.typed"],
    },
)
