"""The controller: SealedSecrets become Secrets."""
