"""What a machine of Automat does upon an input that has no effect in its state: nothing."""

from inspect import Signature


def unheeded(*_: object, **__: object) -> None:
    """Do nothing.  For `.loop()(unheeded)`: `.returns(None)` has annotations compiled each time."""


unheeded.__signature__ = Signature()  # type: ignore[attr-defined]  # Automat asks for it each time
