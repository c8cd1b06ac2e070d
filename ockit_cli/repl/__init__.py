"""The chat on a terminal, turn by turn."""
