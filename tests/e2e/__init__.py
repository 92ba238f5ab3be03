"""Trials of the whole: real processes, real sockets, real signals and files."""
