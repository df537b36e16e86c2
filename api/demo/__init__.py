"""A company that does not exist, played against a running server to show what Rolecast does with a real one's days."""
