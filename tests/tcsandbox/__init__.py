"""Tests of the room tcsandbox."""
