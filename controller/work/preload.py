"""Imports, and reads, all that a job may need: its process can open no file any more.

Functions of templates import what is heavy when they are called.
"""

from __future__ import annotations

import importlib
import zoneinfo
from collections.abc import Sequence
from typing import Final

_HEAVY: Final = (
    "bcrypt",
    # Signing and verifying with an elliptic curve imports it.
    "cryptography.hazmat.backends.openssl.backend",
    "cryptography.hazmat.primitives.asymmetric.dsa",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.ciphers.algorithms",
    "cryptography.hazmat.primitives.ciphers.modes",
    "cryptography.hazmat.primitives.kdf.scrypt",
    "cryptography.hazmat.primitives.serialization.pkcs12",
    "cryptography.x509.oid",
    "encodings.idna",
    "re2",
    "sealer.manifest.json_syntax",
    "sealer.template",
    "sealer.template.layouts",
)


def preload() -> Sequence[object]:
    """Import and read all that; what is returned is to be kept."""
    for name in _HEAVY:
        importlib.import_module(name)
    from sealer.templating import make

    make(_WARM, {"text": b"text"})
    # A zone is found again as long as somebody holds it.
    return [zoneinfo.ZoneInfo(name) for name in sorted(zoneinfo.available_timezones())]


_WARM: Final = {
    "cert": '{{ $ca := genCAWithKey "a" 1 (genPrivateKey "ed25519") }}{{ $ca.Cert }}',
    "json": "{{ toJson (fromJson `[1]`) }}{{ now | date `2006` }}",
    "regex": "{{ regexMatch `a+` .text }}{{ sha256sum .text }}",
}
