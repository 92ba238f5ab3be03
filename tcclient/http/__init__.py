"""Short requests over HTTP, and how any request leaves this machine."""
