"""Rotating sealing keys: backups, what still needs an old key, and trees sealed again."""
