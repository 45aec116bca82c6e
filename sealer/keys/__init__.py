"""Sealing keys: certificates that seal, private keys that unseal, and their forms on disk."""
