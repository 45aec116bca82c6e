"""What people hand over, read: objects and SealedSecrets in files, folders and streams."""
