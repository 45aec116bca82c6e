"""Which certificate each item of a SealedSecret was sealed with, as its annotation notes it.

One fingerprint where all items share it, as ``seal`` writes. Where they differ, a fingerprint and,
after it, ``KEY=FINGERPRINT`` for each item that has another, apart by spaces. It is a hint, and
kept true by whatever here changes items; nothing is noted where nothing was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from sealer.fields import Path
from sealer.sealed import FINGERPRINT_ANNOTATION, SealedSecret

PATH: Path = ("metadata", "annotations", FINGERPRINT_ANNOTATION)


def by_key(text: str, keys: Iterable[str]) -> dict[str, str]:
    """The fingerprint noted for each key; empty where none is."""
    first, *others = text.split() or [""]
    named = dict(word.partition("=")[::2] for word in others)
    return {key: named.get(key, first) for key in keys}


def text_of(fingerprints: Mapping[str, str]) -> str:
    """What the annotation says for these; there is one at least."""
    counted = Counter(fingerprints.values())
    most = min(counted, key=lambda one: (-counted[one], one))
    others = [f"{key}={one}" for key, one in sorted(fingerprints.items()) if one != most]
    return " ".join([most, *others])


def after(
    sealed: SealedSecret,
    fresh: Iterable[str],
    fingerprint: str,
    *,
    taken: Mapping[str, str] | None = None,
    removed: Iterable[str] = (),
) -> str | None:
    """The annotation once items changed; None where it may stay as it is.

    ``fresh`` keys are sealed with ``fingerprint``, ``taken`` maps a new key to the old one whose
    ciphertext it gets.
    """
    if not sealed.fingerprint:
        return None
    before = by_key(sealed.fingerprint, sealed.encrypted_data)
    now = {key: one for key, one in before.items() if key not in set(removed)}
    now.update({new: before[old] for new, old in (taken or {}).items()})
    now.update(dict.fromkeys(fresh, fingerprint))
    if not now:
        return None
    text = text_of(now)
    return None if text == sealed.fingerprint else text
