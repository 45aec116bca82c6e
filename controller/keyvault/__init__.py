"""Azure Key Vault objects become Secrets: the controller's second half, off unless asked for.

``desired``, ``certificate``, ``values``, ``status`` and ``ownership`` are pure; ``azure`` alone
imports the SDK, and only ``--key-vault`` imports any of this.
"""
