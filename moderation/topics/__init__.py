"""What a narrow bot is about, told by examples. Knows an embedder, no policy."""
