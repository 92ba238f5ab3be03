"""
What happens to the posts when things break: real processes, real sockets, counted posts.

`python -m tests.faults` plays every scenario and prints a row for each; the tests here play them
in short.
"""
