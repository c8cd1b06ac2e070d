"""Search in an index: words and vectors, fused."""
