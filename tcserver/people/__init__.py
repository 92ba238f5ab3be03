"""People, the projects that they are members of, what they may do there, and their keys."""
