"""Private keys in files of any kind: whoever reads the repository opens what is sealed for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sealer.check.findings import Finding, Place

_HEAD = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    # Source: age's README, C2SP/C2SP age.md; "PQ" since 1.3.
    r"|AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{50}"
)
# Line ends may be written out, as in JSON; headers such as "Proc-Type: 4,ENCRYPTED" come first.
_BODY = re.compile(
    r"(?:\\r|\\n|\s|[\"'+|#]|[A-Z][\w-]+: [^\n\\]*(?:\\n|\n))*((?:[A-Za-z0-9+/=]|\\n|\\r|\s)*)"
)
# Of the smallest key, Ed25519 in PKCS #8, there are 64.
_LEAST = 60
_SPAN = 2000


def check_private_keys(texts: Mapping[str, str]) -> Iterator[Finding]:
    """The first private key of each file; a mere header, as in documentation, is none."""
    for path, text in texts.items():
        found = next((one for one in _HEAD.finditer(text) if _is_key(text, one)), None)
        if found is not None:
            line = text.count("\n", 0, found.start()) + 1
            words = "a private key is in clear"
            cure = "take it out of Git, keep it out with .gitignore, and use a new key"
            yield Finding(Place(path, line), "private-key", words, cure)


def _is_key(text: str, head: re.Match[str]) -> bool:
    if head[0].startswith("AGE"):
        return True
    body = _BODY.match(text[head.end() : head.end() + _SPAN])
    return body is not None and len(re.sub(r"\\[rn]|\s", "", body[1])) >= _LEAST
