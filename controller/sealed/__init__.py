"""SealedSecrets into Secrets: watched, decided, written, reported."""
