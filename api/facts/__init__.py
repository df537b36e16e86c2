"""Facts: what each event says, written down; nothing here decides who holds what."""
