"""The rules of an app at X: what they say, which there should be, and how they are kept so."""
