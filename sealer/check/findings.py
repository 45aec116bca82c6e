"""A finding and the rules there are: stable ids, a severity each, and no value ever.

docs/checks.md tells every rule's cause and cure; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How bad: an error fails the run, a warning only with ``--strict``."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is looked for; ``id`` never changes its meaning."""

    id: str
    severity: Severity
    title: str


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A file, relative to the repository's root with ``/``, and a line from 1."""

    path: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, order=True)
class Related:
    """Another place that has to do with it, and how."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fault: the place to edit, what is wrong, the cure, and what caused it."""

    place: Place
    rule: str
    message: str
    hint: str = ""
    related: tuple[Related, ...] = ()

    @property
    def severity(self) -> Severity:
        """The rule's."""
        return RULES[self.rule].severity


_ERRORS = {
    "renamed": "An overlay renames a SealedSecret, so that it does not open",
    "moved": "An overlay moves a SealedSecret to another namespace, so that it does not open",
    "scope-changed": "A scope annotation is added or removed after sealing",
    "does-not-open": "No key given opens the SealedSecret",
    "unknown-certificate": "Sealed with a certificate that nothing here opens",
    "not-ciphertext": "An item of encryptedData is not a sealed value",
    "dangling-reference": "A workload refers to a Secret by a name that a rename took away",
    "unknown-reference": "A workload refers to a Secret that the tree does not make",
    "flux-blank-variable": "Flux replaces a variable in a SealedSecret by nothing",
    "flux-bad-variable": "Flux cannot read a ${...} expression, and its build fails",
    "flux-not-a-manifest": "A file that Flux applies is not a Kubernetes manifest",
    "cleartext-in-template": "A SealedSecret's template holds a credential in clear",
    "cleartext-in-annotation": "A SealedSecret's annotation holds a credential in clear",
    "refused": "A SealedSecret of which the cluster makes no Secret",
    "two-owners": "Two objects of one build make the same Secret",
    "raw-secret": "A Secret in clear",
    "raw-generator": "A secretGenerator reads its values from the tree in clear",
    "raw-helm-values": "Helm values hold a credential in clear",
    "private-key": "A private key in clear",
    "raw-substitute": "A Flux Kustomization's postBuild.substitute holds a credential in clear",
    "order-crd": "SealedSecrets are applied before their CRD",
    "order-controller": "SealedSecrets are applied together with, or before, their controller",
    "order-secret": "A Secret is needed before the SealedSecret that makes it is applied",
    "namespace-renamed": "A build renames a Namespace onto another, or away from who needs it",
    "vault-manifest": "A Key Vault manifest that the controller refuses, or that cannot work",
    "vault-conflict": "Key Vault manifests that work against each other",
    "build-failed": "kustomize cannot build it",
    "unreadable": "A manifest that Kubernetes cannot read",
}
_WARNINGS = {
    "keys-prunable": "The Namespace of the sealing keys is deleted once it leaves Git",
    "superseded-certificate": "Sealed with a certificate that a newer one replaces",
    "template-differs": "The template's name or namespace differs from the SealedSecret's own",
    "wide-scope": "A scope wider than strict that no rule of .seal.toml asks for",
    "yaml-boolean": "An unquoted YAML 1.1 boolean where Kubernetes wants a string",
    "pruned-field": "A field that the cluster drops silently",
    "not-rendered": "A kustomization that cannot be rendered without plugins or the network",
    "order-no-wait": "Flux does not wait until the controller is there",
    "possible-credential": "A value that may be a credential in clear",
    "vault-policy": "A KeyVaultSecret's onVaultDelete cannot do what it says",
    "vault-placeholder": "A Key Vault manifest holds what a conversion left for a person to write",
    "allow-without-reason": "An allow comment that gives no reason, and so allows nothing",
}

RULES = {
    **{key: Rule(key, Severity.ERROR, title) for key, title in _ERRORS.items()},
    **{key: Rule(key, Severity.WARNING, title) for key, title in _WARNINGS.items()},
}


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, by file and line."""
    return sorted(set(findings))
