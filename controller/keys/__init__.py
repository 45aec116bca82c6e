"""The sealing keys: kept, stored, renewed."""
