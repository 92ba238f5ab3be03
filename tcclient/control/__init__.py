"""The capture server's REST interface: what to capture is asked, and how it goes is reported."""
