"""The settings file: what its keys are, and whether they can be used."""
