"""
What happens to the posts when things break: real processes, real sockets, counted posts.

`python -m tests.faults` plays every scenario and prints a row for each; `short` plays each once, by
a command of its own, because it takes a minute.
"""
