"""The acts on people, projects and keys: nothing else writes their tables."""
