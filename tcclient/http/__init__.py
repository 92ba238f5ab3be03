"""Short requests over HTTP, and the connections that all requests leave this machine by."""
