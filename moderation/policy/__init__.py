"""What becomes of a judged text: `moderation.toml`, read and applied. Knows no back end."""
