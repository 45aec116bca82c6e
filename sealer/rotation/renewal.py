"""Who makes the new ciphertext: private keys at hand, or the controller in the cluster.

The recipient is never a manifest's word: it is the caller's certificate, or the newest key of the
controller that is asked.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from sealer.changes import noted
from sealer.changes.renewed import foreign
from sealer.cluster.answer import ClusterError, NotDecryptableError
from sealer.cluster.controller import Controller
from sealer.errors import ManifestError, SealerError
from sealer.fields import Path
from sealer.keys.certificate import Certificate
from sealer.keys.ring import KeyRing
from sealer.manifest import read_documents, to_json
from sealer.resealing import reseal, reseal_legacy
from sealer.rotation.journal import Entry, Journal
from sealer.sealed import SealedSecret

Items = dict[Path, str]
"""What changes of a SealedSecret, by its path in it: items, and whose certificate they have."""
_ITEMS: Path = ("spec", "encryptedData")
_LEGACY: Path = ("spec", "data")
_REFUSED = NotDecryptableError("the controller cannot re-encrypt it")
_CHUNK_ITEMS = 100
_REQUESTS_AT_ONCE = 2
_CHUNK_CHARACTERS = 4 * 2**20


class Certificates(Protocol):
    """Knows which certificate ciphertext in a file is for; called by one thread at a time."""

    def for_path(self, path: str) -> Certificate:
        """The one to seal with; UsageError where there are several."""

    def served(self, path: str) -> Certificate:
        """What the controller seals with, if that may be for this file."""

    @property
    def controller(self) -> Controller:
        """Whose certificate that is."""

    def of_path(self, path: str) -> list[Certificate]:
        """What the file's rule names, to compare; empty without a rule."""


class Renewal(Protocol):
    """Makes new items for SealedSecrets, in order; an error takes the place of those it hits."""

    def renew(self, sealed: Sequence[SealedSecret]) -> list[Items | SealerError]:
        """May be called from several threads."""

    def note(self, entries: Sequence[Entry]) -> None:
        """These items are about to be written, each for its place."""


class Renewals(Protocol):
    """Knows which renewal a file takes: its rule may name another certificate than the next's."""

    def for_path(self, path: str) -> Renewal:
        """May be called from several threads; SealerError where there is none for this file."""


class ByRule:
    """With private keys: each file for its own rule's certificate."""

    def __init__(self, ring: KeyRing, certificates: Certificates, *, journal: bool = True) -> None:
        self._ring, self._certificates, self._journal = ring, certificates, journal
        self._lock = threading.Lock()
        self._known: dict[str, WithKeys] = {}

    def for_path(self, path: str) -> Renewal:
        with self._lock:
            certificate = self._certificates.for_path(path)
            known = self._known.get(certificate.fingerprint)
            if known is None:
                known = WithKeys(self._ring, certificate, journal=self._journal)
                self._known[certificate.fingerprint] = known
            return known


class ByController:
    """The controller, for files whose rule names no other cluster's certificate.

    ``own`` are fingerprints of the cluster's other keys: a rule that names one of them is merely
    behind.
    """

    def __init__(
        self,
        certificates: Certificates,
        own: frozenset[str] = frozenset(),
        *,
        journal: bool = True,
    ) -> None:
        self._controller, self._journal = certificates.controller, journal
        self._renewal: WithController | None = None
        self._certificates, self._own = certificates, own
        self._lock = threading.Lock()

    def for_path(self, path: str) -> Renewal:
        with self._lock:
            served = self._certificates.served(path).fingerprint
            if self._renewal is None:
                self._renewal = WithController(self._controller, served, journal=self._journal)
            named = {one.fingerprint for one in self._certificates.of_path(path)}
        if named and served not in named and not named & self._own:
            raise SealerError(
                f"{path}: its rule names another certificate than the controller seals with",
                hint="is this the rule's cluster? if the key is new, update the certificate "
                "(seal cert -w FILE), or give the private keys with --key",
            )
        return self._renewal


class WithKeys:
    """Private keys open, the certificate seals."""

    def __init__(self, ring: KeyRing, certificate: Certificate, *, journal: bool) -> None:
        self._ring, self._certificate = ring, certificate
        self._proves = any(pair.fits(certificate) for pair in ring.keys)
        # With the new private key itself nothing has to be remembered.
        self._journal = None if self._proves else _journal(certificate.fingerprint, kept=journal)

    def for_path(self, path: str) -> Renewal:
        """Itself: every file is for the one certificate."""
        return self

    def renew(self, sealed: Sequence[SealedSecret]) -> list[Items | SealerError]:
        return [self._one(one) for one in sealed]

    def note(self, entries: Sequence[Entry]) -> None:
        if self._journal is not None:
            self._journal.add(entries)

    def _one(self, whole: SealedSecret) -> Items | SealerError:
        sealed = _without_done(whole, self._journal)
        try:
            legacy = reseal_legacy(sealed, self._ring, self._certificate)
            items: Items = {} if legacy is None else {_LEGACY: legacy}
            for key, item in reseal(sealed, self._ring, self._certificate).items():
                items[(*_ITEMS, key)] = item
        except SealerError as error:
            return error
        return _noted(items, whole, whole.encrypted_data, self._certificate.fingerprint)


class WithController:
    """The controller opens and seals; no private key leaves the cluster.

    Many SealedSecrets go in one request, as a List. Bitnami's controller takes one at a time, and
    seals anew what its newest key sealed already: the journal keeps a second run from doing so.
    """

    def __init__(self, controller: Controller, fingerprint: str, *, journal: bool) -> None:
        self._controller, self.fingerprint = controller, fingerprint
        self._journal = _journal(self.fingerprint, kept=journal)
        self._takes_lists = True
        # Bitnami's limit is two requests a second: to press it from many threads helps nobody.
        self._turns = threading.Semaphore(_REQUESTS_AT_ONCE)

    def renew(self, sealed: Sequence[SealedSecret]) -> list[Items | SealerError]:
        asked = [_without_done(one, self._journal) for one in sealed]
        open_ones = [one for one in asked if one.encrypted_data or one.legacy_data]
        answers = iter(self._rotate(open_ones))
        results: list[Items | SealerError] = []
        for whole, one in zip(sealed, asked, strict=True):
            answer = next(answers) if one.encrypted_data or one.legacy_data else {}
            results.append(self._taken(whole, one, answer) if isinstance(answer, dict) else answer)
        return results

    def _taken(
        self, whole: SealedSecret, asked: SealedSecret, answer: dict[str, Any]
    ) -> Items | SealerError:
        """The new items of an answer, unless one cannot be the value that was sent."""
        items, answered = _changed(asked, answer)
        before: dict[Path, str] = {(*_ITEMS, key): one for key, one in asked.encrypted_data.items()}
        before[_LEGACY] = asked.legacy_data
        if found := foreign(before, items):
            path, words = found
            return ManifestError(
                f"the controller answers with {words}",
                path=path,
                hint="nothing is changed here; what is between you and the cluster?",
            )
        fresh = answered | (whole.encrypted_data.keys() - asked.encrypted_data.keys())
        return _noted(items, whole, fresh, self.fingerprint)

    def note(self, entries: Sequence[Entry]) -> None:
        self._journal.add(entries)

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


def _journal(fingerprint: str, *, kept: bool) -> Journal:
    return Journal.of(fingerprint, os.environ) if kept else Journal.forgetful()


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


def _changed(sealed: SealedSecret, answer: dict[str, Any]) -> tuple[Items, set[str]]:
    """The new items of an answer, and the keys that it answers for.

    Bitnami's controller answers with another template and freezes it into new items: of what it
    says, the ciphertext of the items that were asked for is all that counts.
    """
    if not answer:
        return {}, set()
    spec = answer.get("spec")
    if not isinstance(spec, dict):
        raise ClusterError("the controller answers with something else than a SealedSecret")
    theirs = spec.get("encryptedData") or {}
    answered = {key for key in sealed.encrypted_data if isinstance(theirs.get(key), str)}
    items: Items = {
        (*_ITEMS, key): theirs[key]
        for key, old in sealed.encrypted_data.items()
        if key in answered and theirs[key] != old
    }
    legacy = spec.get("data")
    if sealed.legacy_data and isinstance(legacy, str) and legacy not in ("", sealed.legacy_data):
        items[_LEGACY] = legacy
    return items, answered


def _noted(items: Items, sealed: SealedSecret, fresh: Iterable[str], fingerprint: str) -> Items:
    """The same, with the annotation that names the certificates where that changes."""
    text = noted.after(sealed, fresh, fingerprint)
    return items if text is None else {**items, noted.PATH: text}


def place_of(sealed: SealedSecret) -> str:
    """What its items are bound to, in the journal's words."""
    return f"{sealed.scope.value} {sealed.namespace}/{sealed.name}"


def _without_done(sealed: SealedSecret, journal: Journal | None) -> SealedSecret:
    if journal is None:
        return sealed
    place = place_of(sealed)
    left = {
        key: item for key, item in sealed.encrypted_data.items() if (place, item) not in journal
    }
    legacy = "" if (place, sealed.legacy_data) in journal else sealed.legacy_data
    return replace(sealed, encrypted_data=left, legacy_data=legacy)
