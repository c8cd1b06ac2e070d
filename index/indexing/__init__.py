"""Making and refreshing an index."""
