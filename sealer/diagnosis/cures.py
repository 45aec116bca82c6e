"""The cure of each reason that a status may have. PURE.

One table for SealedSecrets; the reasons of KeyVaultSecrets have a page, and their messages name
the cure. A test holds the table to the reasons that the controller knows.
"""

from __future__ import annotations

from sealer.errors import docs_page

SEALED = {
    "NoKey": "seal it again for this cluster, namespace and name, or restore its key "
    "(seal keys restore)",
    "Damaged": "seal it again: the ciphertext was changed or cut",
    "TemplateFailed": "fix the template; seal render FILE shows what it makes",
    "Malformed": "fix the manifest; seal verify FILE names the field",
    "UnsealFailed": "seal verify FILE names the item",
    "Unmanaged": "delete that Secret, or annotate it with sealedsecrets.bitnami.com/managed: "
    '"true"',
    "Refused": "do what the message says: the controller never writes such a Secret",
    "Invalid": "fix the manifest: the API server refuses the Secret",
    "Conflict": "wait: the controller tries again; if it stays, find who else writes the Secret",
    "Unavailable": "wait: the controller tries again once the API server answers",
    "ClusterError": "see the message, and the controller's rights (seal doctor)",
}
UNSEEN = "is the controller running, and does it watch this namespace? See seal doctor"
PEER_FAILED = "seal it again for this cluster, namespace and name, or restore its key"


def cure_of(kind: str, reason: str) -> str:
    """What cures ``reason`` of an object of this kind."""
    if kind == "SealedSecret":
        return SEALED.get(reason, PEER_FAILED)
    return f"see {reason} in {docs_page('key-vault-reasons')}"
