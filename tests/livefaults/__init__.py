"""
What happens to real time when things break: a real client, two real servers with PostgreSQL and
Redis of their own, and a relay that does to frames what roads do.

`python -m tests.livefaults` plays every scenario and prints a row for each.
"""

from tests.marks import Need

NEEDED = Need.PROCESSES
