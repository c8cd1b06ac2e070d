"""The store of an index: one SQLite file, which is the truth."""
