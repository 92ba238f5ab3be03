"""What must hold for any bytes: tried by Hypothesis in every run, and by atheris for as long as one
likes: `python -m tests.fuzz TARGET --seconds N`."""
