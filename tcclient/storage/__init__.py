"""The folders and files of captures: written, named, and found again after a crash."""
