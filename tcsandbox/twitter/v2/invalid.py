"""The exception for a rule that cannot be used."""


class InvalidRule(Exception):
    """
    Raised for a rule that X would refuse.

    `details` are X's sentences about it, with 1-based positions.
    """

    def __init__(self, *details: str) -> None:
        super().__init__("; ".join(details))
        self.details = details
