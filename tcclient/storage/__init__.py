"""Writes the folders and files of captures, names them, and recovers them after a crash."""
