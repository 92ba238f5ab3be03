"""The rules of an app at X."""
