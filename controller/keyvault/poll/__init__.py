"""Looking into a vault: one poller a vault and identity, with its memory and its limits."""
