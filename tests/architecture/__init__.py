"""Tests of the house itself: which room imports which, what things are called, what is declared."""
