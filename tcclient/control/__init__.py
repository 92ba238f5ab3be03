"""The capture server: asked what to capture, and told how it goes."""
