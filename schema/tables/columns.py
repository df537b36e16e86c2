"""The types of columns that both databases treat alike."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, LargeBinary, Text

Key = BigInteger().with_variant(Integer, "sqlite")  # SQLite's rowid alias must be spelled INTEGER
Word = Text().with_variant(Text(collation="C"), "postgresql")  # compared byte by byte, as SQLite and Python do
Blob = LargeBinary()
