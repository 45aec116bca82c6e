"""Changing a SealedSecret: edits, comparisons and merges, key by key, without its private key."""
