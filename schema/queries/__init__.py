"""Every SELECT, as functions of a Session: they read, and never commit."""
