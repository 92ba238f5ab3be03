"""The client's tests, run by trial; one file per module."""
