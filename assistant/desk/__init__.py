"""The people who take over: who is there, who gets which case, what they do with it."""
