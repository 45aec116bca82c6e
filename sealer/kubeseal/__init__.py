"""Bitnami's kubeseal, flag by flag: what ``seal kubeseal`` does, so that scripts need only another
command name.

Input is read as Go reads it (``reading``, ``godecode``), written as Go writes it (``writing``), and
errors are Go's. What is not copied - panics, hangs, data loss, plaintext in errors - is listed in
docs/adr/0015-kubeseal-differences.md. Source of every rule: bitnami-labs/sealed-secrets v0.36.6
(``cmd/kubeseal``, ``pkg/kubeseal``) and the libraries it uses.
"""

VERSION = "v0.36.6"
"""The kubeseal whose behaviour this is; ``seal kubeseal --version`` says so."""
