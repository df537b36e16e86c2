"""How an answer is read: one file a noun, each going from a set of keys to objects with what was selected filled in."""
