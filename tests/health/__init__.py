"""The health of a client."""
