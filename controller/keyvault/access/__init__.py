"""Who may have what of a vault: namespaces, names and tenants."""
