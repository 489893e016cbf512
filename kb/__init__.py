"""The approved words, and how they came to be approved."""
