"""The command `tcc-rules`: shows the rules of an app at X, and deletes those that are named."""
