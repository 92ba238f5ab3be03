"""Runs `tcc-account` for `python -m tcaccount`."""

from tcaccount.command import main

main()
