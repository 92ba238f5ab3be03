"""Tests of the room captures."""
