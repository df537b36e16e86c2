"""Credentials: who is asking, and what that lets them do."""
