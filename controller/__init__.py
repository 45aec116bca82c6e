"""The controller: SealedSecrets in the cluster become Secrets.

It imports the pure modules of ``sealer`` and never its command line.
"""
