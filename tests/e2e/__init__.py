"""Trials of the whole: real processes, real sockets, real signals and files."""

from tests.marks import Need

NEEDED = Need.PROCESSES
