"""The website in a real Chromium: what only a browser can tell."""

from tests.marks import Need

NEEDED = Need.PROCESSES
