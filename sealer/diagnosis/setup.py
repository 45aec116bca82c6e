"""What sealing needs on this machine and in this repository: packages, rules, git. No network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from sealer.config.rulefile import NAME, certificate_place, folders, read
from sealer.config.rules import RuleFile
from sealer.diagnosis.finding import ERROR, NOTE, OK, WARNING, Finding
from sealer.errors import SealerError
from sealer.files.text import read_text
from sealer.git import program
from sealer.keys.certificate import Certificate

_EXTRAS = {
    "kubernetes": ("cluster", "asking a cluster"),
    "re2": ("templates", "templates in SealedSecrets"),
    "pyrage": ("age", "backups of keys for age"),
}
_HOOK_WORDS = ("seal-check", "seal-no-raw-secrets", "seal check")


def packages() -> Iterator[Finding]:
    """The extra packages, and kustomize."""
    for module, (extra, what) in _EXTRAS.items():
        if find_spec(module) is None:
            cure = f"pipx install 'sealer[{extra}]', if you need it"
            yield Finding("package", NOTE, f"{what} is not installed", cure)
        else:
            yield Finding("package", OK, f"{what} is installed")
    if which("kustomize") is None:
        cure = "install kustomize, or use seal check --raw-only"
        yield Finding("kustomize", NOTE, "kustomize is not on PATH: seal check needs it", cure)
    else:
        yield Finding("kustomize", OK, "kustomize is on PATH")


def rules(start: Path, now: datetime) -> Iterator[Finding]:
    """Each ``.seal.toml`` that counts in a folder, and the certificates that it names."""
    found = False
    for folder in folders(str(start)):
        path = os.path.relpath(Path(folder) / NAME)
        if not Path(path).is_file():
            continue
        found = True
        try:
            file = read(folder)
        except SealerError as error:
            yield Finding(path, ERROR, error.message, error.hint or "")
            continue
        yield Finding(path, OK, f"{len(file.rules)} sealing rules")
        yield from _certificates(file, now)
    if not found:
        says = "there is none: every file is sealed for the cluster of the kubeconfig"
        yield Finding(NAME, NOTE, says, "seal init writes one")


def _certificates(file: RuleFile, now: datetime) -> Iterator[Finding]:
    for cert in dict.fromkeys(cert for rule in file.rules for cert in rule.certs):
        place = certificate_place(cert, file)
        if cert.startswith("context:") or "://" in cert:
            continue  # asked of the network, and only when something is sealed
        shown = os.path.relpath(place)
        try:
            certificate = Certificate.from_pem(read_text(place)[0].encode())
        except SealerError as error:
            yield Finding(shown, ERROR, error.message, f"seal cert -w {shown}")
            continue
        yield certificate_finding(shown, certificate, now)


def certificate_finding(subject: str, certificate: Certificate, now: datetime) -> Finding:
    """Whether something may be sealed with it at ``now``, and for how long."""
    try:
        warnings = certificate.check(now)
    except SealerError as error:
        return Finding(subject, ERROR, error.message, error.hint or "")
    age = f"{(now - certificate.not_before).days} days old, until {certificate.not_after:%Y-%m-%d}"
    if warnings:
        return Finding(subject, WARNING, warnings[0], "seal rotate makes a new one")
    return Finding(subject, OK, f"{certificate.fingerprint[:16]}, {age}")


def git(start: Path) -> Iterator[Finding]:
    """The repository, its drivers for SealedSecrets, and its hooks."""
    try:
        repository = program.Repository.of(start)
    except SealerError as error:
        yield Finding("git", ERROR, error.message, error.hint or "")
        return
    if repository is None:
        yield Finding("git", NOTE, "this is not inside a Git work tree")
        return
    attributes = repository.root / ".gitattributes"
    named = attributes.is_file() and "diff=sealer" in attributes.read_text(errors="replace")
    configured = bool(program.setting("diff.sealer.textconv"))
    if named and configured:
        yield Finding("git drivers", OK, "git diff and git merge know SealedSecrets")
    else:
        missing = "this clone" if named else "this repository"
        says = f"git shows and merges SealedSecrets as plain text in {missing}"
        yield Finding("git drivers", NOTE, says, "seal git install")
    yield _hooks(repository)


def _hooks(repository: program.Repository) -> Finding:
    config = repository.root / ".pre-commit-config.yaml"
    hook = Path(repository.common()) / "hooks/pre-commit"
    asked = config.is_file() and _mentions(config)
    if hook.is_file() and (asked or _mentions(hook)):
        return Finding("git hooks", OK, "a commit is checked for Secrets in plain text")
    if asked:
        says = ".pre-commit-config.yaml names our hooks, and this clone does not run them"
        return Finding("git hooks", WARNING, says, "pre-commit install")
    says = "no hook keeps a Secret in plain text out of a commit"
    return Finding("git hooks", NOTE, says, "seal init adds one")


def _mentions(path: Path) -> bool:
    text = path.read_text(errors="replace")
    return any(word in text for word in _HOOK_WORDS)
