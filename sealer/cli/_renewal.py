"""Who makes the new ciphertext: private keys at hand, or the controller in the cluster.

The recipient is never a manifest's word: it is the caller's certificate, or the newest key of the
controller that is asked.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from sealer.cluster.answer import ClusterError, NotDecryptableError
from sealer.cluster.controller import Controller
from sealer.errors import SealerError
from sealer.fields import Path
from sealer.keys.certificate import Certificate
from sealer.keys.ring import KeyRing
from sealer.manifest import read_documents, to_json
from sealer.resealing import reseal, reseal_legacy
from sealer.rotation.journal import Journal
from sealer.sealed import SealedSecret

Items = dict[Path, str]
"""The items of a SealedSecret that change, by their path in it."""
_ITEMS: Path = ("spec", "encryptedData")
_LEGACY: Path = ("spec", "data")
_REFUSED = NotDecryptableError("the controller cannot re-encrypt it")
_CHUNK_ITEMS = 100
_REQUESTS_AT_ONCE = 2
_CHUNK_CHARACTERS = 4 * 2**20


class Renewal(Protocol):
    """Makes new items for SealedSecrets, in order; an error takes the place of those it hits."""

    def renew(self, sealed: Sequence[SealedSecret]) -> list[Items | SealerError]:
        """May be called from several threads."""

    def note(self, items: Sequence[str]) -> None:
        """These are about to be written."""


class WithKeys:
    """Private keys open, the certificate seals."""

    def __init__(self, ring: KeyRing, certificate: Certificate) -> None:
        self._ring, self._certificate = ring, certificate
        self._proves = any(pair.fits(certificate) for pair in ring.keys)
        # With the new private key itself nothing has to be remembered.
        self._journal = None if self._proves else Journal.of(certificate.fingerprint, os.environ)

    def renew(self, sealed: Sequence[SealedSecret]) -> list[Items | SealerError]:
        return [self._one(one) for one in sealed]

    def note(self, items: Sequence[str]) -> None:
        if self._journal is not None:
            self._journal.add(items)

    def _one(self, sealed: SealedSecret) -> Items | SealerError:
        sealed = _without_done(sealed, self._journal)
        try:
            legacy = reseal_legacy(sealed, self._ring, self._certificate)
            items: Items = {} if legacy is None else {_LEGACY: legacy}
            for key, item in reseal(sealed, self._ring, self._certificate).items():
                items[(*_ITEMS, key)] = item
        except SealerError as error:
            return error
        return items


class WithController:
    """The controller opens and seals; no private key leaves the cluster.

    Many SealedSecrets go in one request, as a List. Bitnami's controller takes one at a time, and
    seals anew what its newest key sealed already: the journal keeps a second run from doing so.
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        newest = Certificate.from_pem(controller.certificate())
        self._journal = Journal.of(newest.fingerprint, os.environ)
        self._takes_lists = True
        # Bitnami's limit is two requests a second: to press it from many threads helps nobody.
        self._turns = threading.Semaphore(_REQUESTS_AT_ONCE)

    def renew(self, sealed: Sequence[SealedSecret]) -> list[Items | SealerError]:
        asked = [_without_done(one, self._journal) for one in sealed]
        open_ones = [one for one in asked if one.encrypted_data or one.legacy_data]
        answers = iter(self._rotate(open_ones))
        results: list[Items | SealerError] = []
        for one in asked:
            answer = next(answers) if one.encrypted_data or one.legacy_data else {}
            results.append(_changed(one, answer) if isinstance(answer, dict) else answer)
        return results

    def note(self, items: Sequence[str]) -> None:
        self._journal.add(items)

    def _rotate(self, sealed: list[SealedSecret]) -> list[dict[str, Any] | SealerError]:
        results: list[dict[str, Any] | SealerError] = []
        for chunk in _chunks(sealed):
            answers = None
            if self._takes_lists and len(sealed) > 1:
                manifests = [one.to_dict() for one in chunk]
                with self._turns:
                    answers = self._controller.rotate_list(manifests)
            if answers is None:
                # A peer, or one that is no SealedSecret to the controller: who is to blame?
                self._takes_lists = self._takes_lists and len(sealed) == 1
                results += [self._rotate_one(one) for one in chunk]
                continue
            results += [_REFUSED if one is None else one for one in answers]
        return results

    def _rotate_one(self, sealed: SealedSecret) -> dict[str, Any] | SealerError:
        with self._turns:
            try:
                body = self._controller.rotate(to_json(sealed.to_dict()).encode())
            except NotDecryptableError as error:
                return error
        document = next(read_documents(body.decode(errors="replace"), "the answer"), None)
        value = document.value if document else None
        if not isinstance(value, dict):
            raise ClusterError("the controller answers with something else than a SealedSecret")
        return value


def _chunks(sealed: list[SealedSecret]) -> Iterator[list[SealedSecret]]:
    """As many as one request may hold."""
    chunk: list[SealedSecret] = []
    size = 0
    for one in sealed:
        size += len(one.legacy_data) + sum(map(len, one.encrypted_data.values()))
        chunk.append(one)
        if len(chunk) == _CHUNK_ITEMS or size > _CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _changed(sealed: SealedSecret, answer: dict[str, Any]) -> Items:
    """The new items of an answer.

    Bitnami's controller answers with another template and freezes it into new items: of what it
    says, the ciphertext of the items that were asked for is all that counts.
    """
    if not answer:
        return {}
    spec = answer.get("spec")
    if not isinstance(spec, dict):
        raise ClusterError("the controller answers with something else than a SealedSecret")
    theirs = spec.get("encryptedData") or {}
    items: Items = {
        (*_ITEMS, key): theirs[key]
        for key, old in sealed.encrypted_data.items()
        if isinstance(theirs.get(key), str) and theirs[key] != old
    }
    legacy = spec.get("data")
    if sealed.legacy_data and isinstance(legacy, str) and legacy not in ("", sealed.legacy_data):
        items[_LEGACY] = legacy
    return items


def _without_done(sealed: SealedSecret, journal: Journal | None) -> SealedSecret:
    if journal is None:
        return sealed
    left = {key: item for key, item in sealed.encrypted_data.items() if item not in journal}
    legacy = "" if sealed.legacy_data in journal else sealed.legacy_data
    return replace(sealed, encrypted_data=left, legacy_data=legacy)
