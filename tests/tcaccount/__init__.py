"""Tests of the room tcaccount."""
