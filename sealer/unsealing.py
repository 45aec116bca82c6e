"""A SealedSecret and a key ring in, the Secret out; every item that fails is told of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sealer import encoding
from sealer.errors import ManyErrors, NoKeyError, SealerError, UnsealError
from sealer.keys.pair import KeyPair
from sealer.keys.ring import KeyRing
from sealer.sealed import SKIP_OWNER_ANNOTATION, SealedSecret
from sealer.secret import SERVER_FIELDS, Secret
from sealer.templating import data_of, render_data


def unseal(sealed: SealedSecret, ring: KeyRing) -> Secret:
    """Decrypt every item, render the templates, and return the Secret the controller would make.

    Its name and namespace are the SealedSecret's, all other metadata the template's.
    Raises ManyErrors with one UnsealError an item that does not open (NoKeyError where a key
    is missing), or one TemplateError a template that fails; ManifestError where name or
    namespace is missing.
    """
    return unseal_with_key(sealed, ring)[0]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a SealedSecret holds, before its templates."""

    values: Mapping[str, bytes] = field(repr=False)
    pair: KeyPair | None = field(repr=False)
    """The key that opened the last item, if there is one."""
    whole: Secret | None = field(default=None, repr=False)
    """The Secret that the deprecated ``spec.data`` holds: no template counts then."""


def unseal_with_key(
    sealed: SealedSecret, ring: KeyRing, *, prefer: str = ""
) -> tuple[Secret, KeyPair | None]:
    """Unseal as ``unseal`` does; return also the key that opened the last item, if there is one."""
    opened = open_sealed(sealed, ring, prefer=prefer)
    return secret_of(sealed, opened.values) if opened.whole is None else opened.whole, opened.pair


def open_sealed(
    sealed: SealedSecret, ring: KeyRing, *, prefer: str = "", patience: int | None = None
) -> Opened:
    """Decrypt every item, and render nothing; raises what ``unseal`` does but for templates.

    The key whose certificate's fingerprint is ``prefer`` is tried first, then the one that the
    SealedSecret names. With ``patience`` no item is tried after so many that failed.
    """
    if sealed.legacy_data and not sealed.encrypted_data:
        whole, pair = _unseal_legacy(sealed, ring)
        return Opened({}, pair, whole)
    opened = open_items(sealed, ring, prefer=prefer, patience=patience)
    last = next((pair for _, pair in reversed(opened.values())), None)
    return Opened({key: value for key, (value, _) in opened.items()}, last)


def secret_of(
    sealed: SealedSecret, values: Mapping[str, bytes], made: Mapping[str, bytes] | None = None
) -> Secret:
    """Return the Secret for these values of the sealed items; raises what ``render_data`` does.

    ``made`` is what the templates made of them, where that is known: nothing is rendered then.
    """
    metadata = {
        key: value
        for key, value in sealed.template.metadata.items()
        if key not in ("name", "namespace") and key not in SERVER_FIELDS and value is not None
    }
    templates = sealed.template.data
    data = render_data(templates, values) if made is None else data_of(templates, values, made)
    return Secret(
        name=sealed.name,
        namespace=sealed.namespace,
        data=data,
        type=sealed.template.type,
        immutable=sealed.template.immutable,
        metadata=metadata,
    )


def open_items(
    sealed: SealedSecret, ring: KeyRing, *, prefer: str = "", patience: int | None = None
) -> dict[str, tuple[bytes, KeyPair]]:
    """Decrypt ``encryptedData``; return each key's plaintext with the key pair that opened it.

    An item that fails costs a try of every key: after ``patience`` of them no more are tried.
    """
    opened: dict[str, tuple[bytes, KeyPair]] = {}
    errors: list[SealerError] = []
    for key, item in each_item(sealed, ring, prefer=prefer):
        if isinstance(item, UnsealError):
            errors.append(item)
            if len(errors) == patience:
                break
        else:
            opened[key] = item
    if errors:
        raise ManyErrors(errors)
    return opened


def each_item(
    sealed: SealedSecret, ring: KeyRing, *, prefer: str = ""
) -> Iterator[tuple[str, tuple[bytes, KeyPair] | UnsealError]]:
    """Decrypt ``encryptedData`` an item at a time: what ``open_items`` has, or why it does not."""
    bound = sealed.label()
    # The key that opened one item opens the next, most likely.
    first: str | KeyPair = prefer or sealed.fingerprint
    for key, item in sealed.encrypted_data.items():
        try:
            opened = open_item(item, ring, bound, key=key, prefer=first)
        except UnsealError as error:
            yield key, error
        else:
            first = opened[1]
            yield key, opened


def open_item(
    item: str, ring: KeyRing, bound: bytes, *, key: str, prefer: str | KeyPair = ""
) -> tuple[bytes, KeyPair]:
    """Decrypt one base64 item; the UnsealError raised names ``key``, and no byte of it."""
    try:
        ciphertext = encoding.decode(item)
    except ValueError as error:
        raise UnsealError(str(error), key=key) from None
    try:
        return ring.open(ciphertext, bound, prefer=prefer)
    except NoKeyError as error:
        raise NoKeyError(
            error.message,
            key=key,
            reasons=error.reasons,
            hint="it was sealed for another cluster, another name or namespace, or another scope",
        ) from None
    except UnsealError as error:
        raise UnsealError(error.message, key=key) from None


def _unseal_legacy(sealed: SealedSecret, ring: KeyRing) -> tuple[Secret, KeyPair]:
    """Open ``spec.data``: a whole Secret as JSON; of the template only one word counts then.

    That is SKIP_OWNER_ANNOTATION, as for Bitnami's controller.
    """
    plaintext, pair = open_item(sealed.legacy_data, ring, sealed.label(), key="data")
    found = _secret_in_json(plaintext)
    if found is None:
        raise UnsealError("does not hold a Secret in JSON", key="data")
    metadata = dict(found.metadata)
    skip = (sealed.template.metadata.get("annotations") or {}).get(SKIP_OWNER_ANNOTATION)
    if skip is not None:
        metadata["annotations"] = {**found.annotations, SKIP_OWNER_ANNOTATION: skip}
    secret = Secret(
        name=sealed.name,
        namespace=sealed.namespace,
        data=found.data,
        type=found.type,
        immutable=found.immutable,
        metadata=metadata,
    )
    return secret, pair


def _secret_in_json(plaintext: bytes) -> Secret | None:
    """Read it, or return None: the text is a secret, and the errors of its parser carry it."""
    try:
        manifest: Any = json.loads(plaintext)
        if not isinstance(manifest, Mapping):
            return None
        return Secret.from_dict({"apiVersion": "v1", "kind": "Secret", **manifest})
    except (ValueError, RecursionError, SealerError):
        return None
