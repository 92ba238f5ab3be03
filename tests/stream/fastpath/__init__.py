"""Tests of the fast path of a body."""
