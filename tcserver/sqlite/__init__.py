"""SQLite as Django has it, but that the threads of this process take turns in writing."""
