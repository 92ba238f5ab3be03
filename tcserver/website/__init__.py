"""The pages for people: drawn by the server, complete without JavaScript."""
