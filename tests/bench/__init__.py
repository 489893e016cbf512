"""Speed and memory, each figure beside its floor or its peer in the same run."""
