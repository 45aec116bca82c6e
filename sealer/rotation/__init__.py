"""Rotating sealing keys: backups, what still needs an old key, and what was sealed again."""
