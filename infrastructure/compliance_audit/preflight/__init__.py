"""What a deployment would fail at, found by reading the target account before anything is built."""
