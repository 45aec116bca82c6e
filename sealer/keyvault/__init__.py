"""Azure Key Vault references as data: the three kinds, their rules, and words about them.

Pure: shared by the controller, which acts on them, and by ``seal vault``, which reads them
offline. Nothing here knows Azure's SDK, a cluster, a file or the clock.
"""
