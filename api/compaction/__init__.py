"""Compaction: what is old in the journal and the change log goes into files, and a snapshot stands for it."""
