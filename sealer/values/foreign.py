"""Values that are not yet values: what other tools encrypted, or are still to fill in.

To seal ciphertext of SOPS gives the workload that ciphertext for a password, and throws the key
to it away. A reference such as ``${VAR}`` may be meant as it stands, so it is only doubted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sealer.errors import ManifestError

# Source: getsops/sops, aes/cipher.go, ``encryptedValue``; each part but the type is base64.
_B64 = "[A-Za-z0-9+/=]"
SOPS = rf"ENC\[AES256_GCM,data:{_B64}*,iv:{_B64}+,tag:{_B64}+,type:[a-z]+\]"
"""One value that SOPS encrypted, as a pattern."""
_SOPS = re.compile(SOPS.encode())
_HEADS = (
    # Source: AGWA/git-crypt, git_crypt: the header of an encrypted file.
    (re.compile(rb"\0GITCRYPT\0.{12}", re.DOTALL), "git-crypt", "git-crypt unlock"),
    # Source: Ansible's documentation, "Format of files encrypted with Ansible Vault".
    (re.compile(rb"\$ANSIBLE_VAULT;\d+\.\d+;\w+"), "Ansible Vault", "ansible-vault decrypt FILE"),
)
_REFERENCES = (
    (re.compile(rb"\$\{[A-Za-z_][A-Za-z0-9_]*(?:[:=?+-][^{}]*)?\}"), "a variable"),
    (re.compile(rb"\{\{.*\}\}", re.DOTALL), "a template"),
    (re.compile(rb"<path:[^<>]+>"), "a placeholder of Argo CD's Vault plugin"),
    (re.compile(rb"ref\+[a-z]+://\S+"), "a reference of vals"),
    (re.compile(rb"(?:vault:\S+#\S+|>>vault:\S+#\S+)"), "a reference of the Vault webhook"),
    (re.compile(rb"op://\S+/\S+"), "a reference of 1Password"),
)


def refuse(data: Mapping[str, bytes], *path: str) -> None:
    """Raise ManifestError for the first value that another tool encrypted; it quotes none."""
    for key, value in data.items():
        tool = encrypted_with(value)
        if tool:
            name, cure = tool
            raise ManifestError(
                f"is encrypted with {name}, and would be sealed as it is",
                path=(*path, key),
                hint=f"decrypt it first: {cure}",
            )


def encrypted_with(value: bytes) -> tuple[str, str] | None:
    """The tool that encrypted a value, and how it is decrypted; None for any other value."""
    if _SOPS.fullmatch(value.strip()):
        return "SOPS", "sops -d FILE | seal"
    for head, name, cure in _HEADS:
        if head.match(value):
            return name, cure
    return None


def reference_in(value: bytes) -> str:
    """What a value that is nothing but a reference is; empty for any other value."""
    text = value.strip()
    return next((what for pattern, what in _REFERENCES if pattern.fullmatch(text)), "")
