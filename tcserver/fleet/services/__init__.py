"""The acts on clients and tokens, one subject a module: nothing else writes their tables."""
