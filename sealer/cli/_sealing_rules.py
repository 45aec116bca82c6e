"""What ``.seal.toml`` adds to ``seal``: a certificate, scope and namespace by path, and outputs."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from sealer.cli._certificates import Certificates

if TYPE_CHECKING:
    from sealer.config.rules import RuleFile, SealingRule
    from sealer.stream import Request

Found = tuple["SealingRule", "RuleFile"]
Outputs = list[tuple[str, "Request"]]


def by_path(
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
    requests: dict[str, Request] = {}
    written: dict[str, Outputs] = {}
    for path, rule in found.items():
        if rule and rule[0].output and to_rules and not chosen:
            written[path] = _outputs(request, rule, certificates, path)
        else:
            requests[path] = _with_rule(request, rule, certificates, path)
    return requests, written


def _with_rule(
    request: Request, found: Found | None, certificates: Certificates, path: str
) -> Request:
    """The request for one file."""
    request = replace(request, certificate=certificates.for_rule(path, found))
    return _with_place(request, found[0]) if found else request


def _outputs(request: Request, found: Found, certificates: Certificates, path: str) -> Outputs:
    """Where a file's sealed forms are written, and the request for each."""
    from sealer.config.rulefile import output_place

    rule, rules = found
    absolute = os.path.abspath(path)  # noqa: PTH100 pathlib costs 5 ms at start
    relative = os.path.relpath(absolute, rules.folder).replace(os.sep, "/")
    made = []
    for cert in rule.certs or ("",):
        certificate = certificates.of_rule(cert, found)
        place = output_place(rule.target(relative, cert), rules)
        made.append((place, _with_place(replace(request, certificate=certificate), rule)))
    return made


def _with_place(request: Request, rule: SealingRule) -> Request:
    return replace(
        request,
        default_scope=request.default_scope or rule.scope,
        namespace=request.namespace or rule.namespace,
    )
