"""Chats on disk: an SQLite message tree that survives kills, full disks and damage (`ockit.sessions.store`)."""
