"""The app's connections at X: which there are, and the end of one that was this client's."""
