"""What happens in Rolecast: bytes in, rows, bytes out."""
