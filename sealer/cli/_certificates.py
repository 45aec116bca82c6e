"""Which certificate a path is sealed for: the one answer, for everything that writes ciphertext.

An option wins over the environment, and the environment over a rule of ``.seal.toml``; since a
variable that was set for another cluster is easily forgotten, that is told. Without any of these
it is the cluster's. Whatever it is, ``sealer.cluster.authenticity`` judges it before anything is
sealed; here a person is told, and asked.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.errors import SealerError, UsageError

if TYPE_CHECKING:
    from sealer.cluster.authenticity import Authenticity, Judgement
    from sealer.cluster.controller import Controller
    from sealer.cluster.location import Location
    from sealer.cluster.source import Source
    from sealer.config.rules import RuleFile, SealingRule
    from sealer.keys.certificate import Certificate

CERT_VARIABLE = "SEALED_SECRETS_CERT"
CLUSTER = ""
"""The place of what the controller at the location serves."""
Found = tuple["SealingRule", "RuleFile"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says of the certificate."""

    certs: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    accept_new: bool = False

    @property
    def place(self) -> str:
        """Where it is: the option, else the environment; CLUSTER without both."""
        if len(self.certs) > 1:
            raise UsageError(
                "--cert was given more than once", hint="seal for one cluster at a time"
            )
        if "" in self.certs:
            raise UsageError("--cert is empty", hint="is the variable set?")
        return self.certs[0] if self.certs else os.environ.get(CERT_VARIABLE, CLUSTER)


class Certificates:
    """Certificates by place, each fetched, judged and checked once a run."""

    def __init__(self, wanted: Wanted, location: Location, ui: UI) -> None:
        self._wanted, self._location, self._ui = wanted, location, ui
        self._controller: Controller | None = None
        self._sources: dict[str, Source] = {}
        self._sealing: dict[tuple[str, tuple[str, ...]], Certificate | SealerError] = {}
        self._named: dict[str, Certificate] = {}
        self._told = False
        self.chosen = bool(wanted.place)
        """Whether the user named one, by option or environment."""

    @property
    def controller(self) -> Controller:
        """The one at the location."""
        from sealer.cluster.controller import Controller

        if self._controller is None:
            self._controller = Controller.at(self._location)
        return self._controller

    def default(self) -> Certificate:
        """What the options, the environment or the cluster say."""
        return self._certificate(self._wanted.place)

    def for_path(self, path: str) -> Certificate:
        """The one certificate for ciphertext in a file: the user's word, its rule, the cluster.

        UsageError where its rule has several.
        """
        from sealer.config.rulefile import find_rule

        return self.for_rule(path, find_rule(path))

    def for_rule(self, path: str, found: Found | None) -> Certificate:
        """The same for a file whose rule is known."""
        if found is None or not found[0].certs or self.chosen:
            if found is not None and found[0].certs:
                self._tell_of_variable()
            return self._certificate(self._wanted.place, found)
        rule, _ = found
        if len(rule.certs) > 1:
            raise UsageError(
                f"{path}: its rule has several certificates",
                hint="choose one with --cert; seal can give each an output pattern",
            )
        return self.of_rule(rule.certs[0], found)

    def of_rule(self, cert: str, found: Found) -> Certificate:
        """A rule's certificate: a file beside the rule file, a URL, or a cluster's."""
        from sealer.config.rulefile import certificate_place

        return self._certificate(certificate_place(cert, found[1]) if cert else CLUSTER, found)

    def served(self, path: str = "-") -> Certificate:
        """What the controller at the location seals with, for a file that it is to seal again."""
        from sealer.config.rulefile import find_rule

        return self._certificate(CLUSTER, find_rule(path))

    def of_path(self, path: str) -> list[Certificate]:
        """What a file's rule names, to compare and not to seal with; empty without a rule."""
        from sealer.config.rulefile import certificate_place, find_rule

        found = find_rule(path)
        places = [certificate_place(one, found[1]) for one in found[0].certs] if found else []
        for place in places:
            if place not in self._named:
                self._named[place] = self._source(place).certificate()
        return [self._named[place] for place in places]

    def _tell_of_variable(self) -> None:
        """Say once that the environment wins over a rule, where it does."""
        if not self._wanted.certs and not self._told:
            self._told = True
            self._ui.warn(f"{CERT_VARIABLE} is set and wins over the rule of .seal.toml")

    def _certificate(self, place: str, found: Found | None = None) -> Certificate:
        """The certificate at a place, with the fingerprint that the user or the rule expects."""
        rules = found[0].fingerprints if found else ()
        known = self._sealing.get((place, rules))
        if known is None:
            try:
                source = self._source(place)
                known = judged(source, self._wanted, self._ui, rules=rules)
                check_certificate(known, source.title, self._ui, now=datetime.now(UTC))
            except SealerError as error:
                # Asked once, of the network and of a person, however many files there are.
                known = error
            self._sealing[(place, rules)] = known
        if isinstance(known, SealerError):
            raise known
        return known

    def _source(self, place: str) -> Source:
        if place not in self._sources:
            asked = self.controller if place == CLUSTER else None
            self._sources[place] = source_of(place, self._location, asked)
        return self._sources[place]


def source_of(place: str, location: Location, controller: Controller | None = None) -> Source:
    """A file, a URL, a rule's ``context:NAME``, or the location's controller."""
    from sealer.cluster.source import Source

    if place == CLUSTER:
        return Source.controller(location, controller)
    if place.startswith("context:"):
        context = place.removeprefix("context:")
        return Source.controller(replace(location, context=context, url=""), title=place)
    return Source.file_or_url(place)


def judged(source: Source, wanted: Wanted, ui: UI, *, rules: tuple[str, ...] = ()) -> Certificate:
    """The certificate of a place, if it is the one that is meant; else UntrustedError.

    ``rules`` are the fingerprints that its rule expects; the user's own win. A person is told what
    is new, and asked where another one is served than before.
    """
    from sealer.cluster.authenticity import Authenticity
    from sealer.cluster.known import KnownPlaces

    authenticity = Authenticity(KnownPlaces.of(os.environ))
    judgement = authenticity.judge(source, wanted.fingerprints or rules)
    certificate = judgement.certificate
    if source.title.lower().startswith("http://"):
        ui.warn(f"{source.title}: plain http: whoever is in between can swap the certificate")
    _hold(source, judgement, wanted, ui)
    _tell(source, judgement, ui)
    # What a rule expects may be a stranger's word: it holds for this run, and teaches nothing.
    if judgement.is_news and (wanted.fingerprints or not rules):
        remember(authenticity, source, certificate, ui)
    return certificate


def _hold(source: Source, judgement: Judgement, wanted: Wanted, ui: UI) -> None:
    """Raise UntrustedError unless something vouches for the certificate."""
    from sealer.cluster.authenticity import Standing, UntrustedError

    served, known = judgement.certificate.fingerprint, judgement.known
    if judgement.standing is Standing.UNEXPECTED:
        raise UntrustedError(
            f"{source.title}: serves another certificate than expected: expected {known}, "
            f"got {served}",
            hint="is this the right cluster? if its key was renewed, change fingerprint in "
            ".seal.toml, or --fingerprint",
        )
    if judgement.standing is not Standing.CHANGED:
        return
    words = (
        f"{source.title}: serves another certificate than before: {known} before, {served} now, "
        "and the key of before did not announce it"
    )
    if wanted.accept_new:
        ui.warn(words)
        return
    if _ui.can_ask():
        ui.warn(words)
        if _ui.ask_yes("seal with the new certificate from now on?"):
            return
    raise UntrustedError(
        words,
        hint="ask whoever runs the cluster for the fingerprint of its certificate; if it is the "
        "new one, use --accept-new-certificate once, or --fingerprint",
    )


def _tell(source: Source, judgement: Judgement, ui: UI) -> None:
    """Say what is new of a place."""
    from sealer.cluster.authenticity import Standing

    fingerprint = judgement.certificate.fingerprint
    if judgement.standing is Standing.ANNOUNCED:
        words = f"has a new certificate, announced by the one that was known: {fingerprint}"
        ui.note(f"{source.title}: {words}")
    elif judgement.standing is Standing.FIRST:
        ui.note(f"{source.title}: its certificate is used for the first time: {fingerprint}")


def remember(authenticity: Authenticity, source: Source, certificate: Certificate, ui: UI) -> None:
    """Believe this place from now on; where that cannot be kept a person is told, no more."""
    try:
        authenticity.remember(source, certificate, now=datetime.now(UTC))
    except SealerError as error:
        ui.warn(f"{source.title}: its certificate is not remembered: {error.message}")


def check_certificate(certificate: Certificate, location: str, ui: UI, *, now: datetime) -> None:
    """Raise if nothing may be sealed with it; warn if that day is near."""
    from sealer.errors import KeyFileError

    try:
        warnings = certificate.check(now)
    except KeyFileError as error:
        raise KeyFileError(f"{location}: {error.message}", hint=error.hint) from None
    for warning in warnings:
        ui.warn(f"{location}: {warning}")
