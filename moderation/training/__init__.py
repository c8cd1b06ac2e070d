"""A person's own classifier: rows in, a small head on the embedded encoder's features out. Knows no policy."""
