"""What is said of a rule that cannot be used."""


class InvalidRule(Exception):
    """A rule that X would refuse; `details` are its sentences, with 1-based positions."""

    def __init__(self, *details: str) -> None:
        super().__init__("; ".join(details))
        self.details = details
