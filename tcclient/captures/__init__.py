"""What is captured, from the job on the server to the last report about it."""
