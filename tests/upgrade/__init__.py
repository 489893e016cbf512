"""A folder of the first release, and what it said: README.md."""
