"""The place of the sandbox in release 1.0.0; commands that name it go on working."""
