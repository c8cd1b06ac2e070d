"""The store of chats: a SQLite message tree."""
