"""Which certificate a path is sealed for: the one answer, for everything that writes ciphertext.

An option wins over the environment, and the environment over a rule of ``.seal.toml``; since a
variable that was set for another cluster is easily forgotten, that is told. Without any of these
it is the cluster's.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sealer.cli._ui import UI
from sealer.errors import UsageError

if TYPE_CHECKING:
    from sealer.cluster.location import Location
    from sealer.config.rules import RuleFile, SealingRule
    from sealer.keys.certificate import Certificate

CERT_VARIABLE = "SEALED_SECRETS_CERT"


class Certificates:
    """Certificates by place, each fetched and checked once a run."""

    def __init__(self, certs: tuple[str, ...], location: Location, ui: UI) -> None:
        self._certs, self._location, self._ui = certs, location, ui
        self._known: dict[str, Certificate] = {}
        self._named: dict[str, Certificate] = {}
        self._told = False
        self.by_option = bool(certs)
        self.chosen = bool(certificate_location(certs))
        """Whether the user named one, by option or environment."""

    def default(self) -> Certificate:
        """What the options, the environment or the cluster say."""
        if "" not in self._known:
            self._known[""] = load_certificate(self._certs, self._location, self._ui)
        return self._known[""]

    def for_path(self, path: str) -> Certificate:
        """The one certificate for ciphertext in a file: the user's word, its rule, the cluster.

        UsageError where its rule has several.
        """
        from sealer.config.rulefile import find_rule

        return self.for_rule(path, find_rule(path))

    def for_rule(self, path: str, found: tuple[SealingRule, RuleFile] | None) -> Certificate:
        """The same for a file whose rule is known."""
        if found is None or not found[0].certs:
            return self.default()
        if self.chosen:
            self.tell_of_variable()
            return self.default()
        rule, rules = found
        if len(rule.certs) > 1:
            raise UsageError(
                f"{path}: its rule has several certificates",
                hint="choose one with --cert; seal can give each an output pattern",
            )
        return self.of_rule(rule.certs[0], rules)

    def of_path(self, path: str) -> list[Certificate]:
        """What a file's rule names, to compare and not to seal with; empty without a rule."""
        from sealer.config.rulefile import certificate_place, find_rule

        found = find_rule(path)
        places = [certificate_place(one, found[1]) for one in found[0].certs] if found else []
        for place in places:
            if place not in self._named:
                self._named[place] = self._named_by(place)
        return [self._named[place] for place in places]

    def tell_of_variable(self) -> None:
        """Say once that the environment wins over a rule, where it does."""
        if self.chosen and not self.by_option and not self._told:
            self._told = True
            self._ui.warn(f"{CERT_VARIABLE} is set and wins over the rule of .seal.toml")

    def of_rule(self, cert: str, rules: RuleFile) -> Certificate:
        """A rule's certificate: a file beside the rule file, a URL, or a cluster's."""
        from sealer.config.rulefile import certificate_place

        place = certificate_place(cert, rules)
        if place not in self._known:
            self._known[place] = self._load(place)
        return self._known[place]

    def _load(self, place: str) -> Certificate:
        if not place.startswith("context:"):
            return load_certificate((place,), self._location, self._ui)
        certificate = self._named_by(place)
        check_certificate(certificate, place, self._ui, now=datetime.now(UTC))
        return certificate

    def _named_by(self, place: str) -> Certificate:
        """The certificate at a place, whether anything may still be sealed with it or not."""
        from sealer.cluster.controller import Controller

        if not place.startswith("context:"):
            return find_certificate((place,), self._location)[0]
        from sealer.keys.certificate import Certificate

        location = replace(self._location, context=place.removeprefix("context:"), url="")
        return Certificate.from_pem(Controller.at(location).certificate())


def certificate_location(certs: tuple[str, ...]) -> str:
    """Where the certificate is: the option, else the environment; empty for the cluster."""
    if len(certs) > 1:
        raise UsageError("--cert was given more than once", hint="seal for one cluster at a time")
    if "" in certs:
        raise UsageError("--cert is empty", hint="is the variable set?")
    return certs[0] if certs else os.environ.get(CERT_VARIABLE, "")


def find_certificate(certs: tuple[str, ...], location: Location) -> tuple[Certificate, str]:
    """Return the one certificate, from its file or URL or from the cluster, and its place.

    The place is as it may be shown: without credentials.
    """
    from sealer.cluster.certificate import read_certificate
    from sealer.cluster.controller import Controller
    from sealer.cluster.web import shown

    place = certificate_location(certs)
    if place:
        return read_certificate(place), shown(place)
    from sealer.keys.certificate import Certificate

    place = shown(location.url) or f"{location.namespace}/{location.name}"
    return Certificate.from_pem(Controller.at(location).certificate()), place


def load_certificate(certs: tuple[str, ...], location: Location, ui: UI) -> Certificate:
    """Find and check the one certificate; warnings go to people."""
    certificate, place = find_certificate(certs, location)
    check_certificate(certificate, place, ui, now=datetime.now(UTC))
    if place.lower().startswith("http://"):
        ui.warn(f"{place}: plain http: whoever is in between can swap the certificate")
    return certificate


def check_certificate(certificate: Certificate, location: str, ui: UI, *, now: datetime) -> None:
    """Raise if nothing may be sealed with it; warn if that day is near."""
    from sealer.errors import KeyFileError

    try:
        warnings = certificate.check(now)
    except KeyFileError as error:
        raise KeyFileError(f"{location}: {error.message}", hint=error.hint) from None
    for warning in warnings:
        ui.warn(f"{location}: {warning}")
