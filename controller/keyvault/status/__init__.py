"""What is said of KeyVaultSecrets and vaults: conditions, expiry, outcomes, reports."""
