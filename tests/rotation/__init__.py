"""New keys for old: what is sealed for them, backups, whole trees sealed again."""
