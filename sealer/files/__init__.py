"""Files as texts and bytes: read whole or as a stream, written atomically or not at all."""
