from collections.abc import Callable

rfind: Callable[[bytes, bytes, int, int], int]
