"""The Secret that a KeyVaultSecret fills: values, templates, ownership, writing."""
