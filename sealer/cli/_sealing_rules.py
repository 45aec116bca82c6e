"""What ``.seal.toml`` adds to ``seal``: a certificate, scope and namespace by path, and outputs.

An option wins over the environment, and the environment over a rule; since a variable that was
set for another cluster is easily forgotten, that is told.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sealer.cli import _options as options
from sealer.cli._ui import UI
from sealer.errors import UsageError

if TYPE_CHECKING:
    from sealer.cli.seal import Request
    from sealer.cluster.location import Location
    from sealer.config.rules import RuleFile, SealingRule
    from sealer.keys.certificate import Certificate

Found = tuple["SealingRule", "RuleFile"]
Outputs = list[tuple[str, "Request"]]


class Certificates:
    """Certificates by place, each fetched and checked once a run."""

    def __init__(self, certs: tuple[str, ...], location: Location, ui: UI) -> None:
        self._certs, self._location, self._ui = certs, location, ui
        self._known: dict[str, Certificate] = {}
        self.by_option = bool(certs)
        self.chosen = bool(options.certificate_location(certs))
        """Whether the user named one, by option or environment."""

    def default(self) -> Certificate:
        """What the options, the environment or the cluster say."""
        if "" not in self._known:
            self._known[""] = options.load_certificate(self._certs, self._location, self._ui)
        return self._known[""]

    def of_rule(self, cert: str, rules: RuleFile) -> Certificate:
        """A rule's certificate: a file beside the rule file, a URL, or a cluster's."""
        from sealer.config.rulefile import certificate_place

        place = certificate_place(cert, rules)
        if place not in self._known:
            self._known[place] = self._load(place)
        return self._known[place]

    def _load(self, place: str) -> Certificate:
        from sealer.cluster.controller import Controller

        if not place.startswith("context:"):
            return options.load_certificate((place,), self._location, self._ui)
        from sealer.keys.certificate import Certificate

        location = replace(self._location, context=place.removeprefix("context:"), url="")
        certificate = Certificate.from_pem(Controller.at(location).certificate())
        options.check_certificate(certificate, place, self._ui, now=datetime.now(UTC))
        return certificate


def certificate_for(path: str, certs: tuple[str, ...], location: Location, ui: UI) -> Certificate:
    """The one certificate for changes to a sealed file: the user's word, its rule, the cluster."""
    from sealer.config.rulefile import find_rule

    certificates = Certificates(certs, location, ui)
    found = find_rule(path)
    if certificates.chosen or found is None or not found[0].certs:
        return certificates.default()
    rule, rules = found
    if len(rule.certs) > 1:
        raise UsageError(f"{path}: its rule has several certificates", hint="choose with --cert")
    return certificates.of_rule(rule.certs[0], rules)


def by_path(
    ui: UI,
    paths: tuple[str, ...],
    request: Request,
    certificates: Certificates,
    *,
    to_rules: bool,
) -> tuple[dict[str, Request], dict[str, Outputs]]:
    """Each file's own request, and for those whose rule has an output, what is to be written.

    Without ``to_rules`` outputs are not looked at: the user said where to write.
    """
    from sealer.config.rulefile import find_rule

    found = {path: find_rule(path) for path in paths}
    if not any(found.values()):
        return dict.fromkeys(paths, replace(request, certificate=certificates.default())), {}
    chosen = certificates.chosen
    if (
        chosen
        and not certificates.by_option
        and any(rule and rule[0].certs for rule in found.values())
    ):
        ui.warn(f"{options.CERT_VARIABLE} is set and wins over the rule of .seal.toml")
    requests: dict[str, Request] = {}
    written: dict[str, Outputs] = {}
    for path, rule in found.items():
        if rule and rule[0].output and to_rules and not chosen:
            written[path] = _outputs(request, rule, certificates, path)
        else:
            requests[path] = _with_rule(request, rule, certificates, chosen=chosen, path=path)
    return requests, written


def _with_rule(
    request: Request, found: Found | None, certificates: Certificates, *, chosen: bool, path: str
) -> Request:
    """The request for one file; ``chosen`` says that the user named a certificate."""
    if found is None:
        return replace(request, certificate=certificates.default())
    rule, rules = found
    if len(rule.certs) > 1 and not chosen:
        raise UsageError(
            f"{path}: its rule has several certificates",
            hint="give the rule an output pattern, or choose one with --cert",
        )
    if rule.certs and not chosen:
        certificate = certificates.of_rule(rule.certs[0], rules)
    else:
        certificate = certificates.default()
    return _with_place(replace(request, certificate=certificate), rule)


def _outputs(request: Request, found: Found, certificates: Certificates, path: str) -> Outputs:
    """Where a file's sealed forms are written, and the request for each."""
    from sealer.config.rulefile import output_place

    rule, rules = found
    absolute = os.path.abspath(path)  # noqa: PTH100 pathlib costs 5 ms at start
    relative = os.path.relpath(absolute, rules.folder).replace(os.sep, "/")
    made = []
    for cert in rule.certs or ("",):
        certificate = certificates.of_rule(cert, rules) if cert else certificates.default()
        place = output_place(rule.target(relative, cert), rules)
        made.append((place, _with_place(replace(request, certificate=certificate), rule)))
    return made


def _with_place(request: Request, rule: SealingRule) -> Request:
    return replace(
        request,
        default_scope=request.default_scope or rule.scope,
        namespace=request.namespace or rule.namespace,
    )
