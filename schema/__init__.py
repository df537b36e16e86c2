"""What Rolecast is: what is stored, what is read, what is asked and answered."""
