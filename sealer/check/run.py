"""One run of the checks: the tree is read, everything is rendered, the rules look at it.

An edge: it reads files and runs kustomize, and decides nothing. What is wrong is said by
``sealer.check``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sealer.check import allow
from sealer.check.builds import argo, kustomizations, named
from sealer.check.builds.kustomizations import Kustomization
from sealer.check.builds.model import Build, SealedIndex, items_of
from sealer.check.builds.renderer import Renderer
from sealer.check.findings import Finding, in_order
from sealer.check.rules import cleartext, identity, misspelt, references
from sealer.check.rules import sealed as sealed_rules
from sealer.check.rules.gitops.namespaces import check_namespaces
from sealer.check.rules.gitops.order import check_order
from sealer.check.rules.judge import Certificates, Judge
from sealer.check.rules.owners import check_owners
from sealer.check.rules.private_keys import check_private_keys
from sealer.check.rules.refused import check_refused
from sealer.check.tree import (
    Tree,
    is_manifest,
    mapping,
    read_tree,
)
from sealer.config.rulefile import not_toml
from sealer.config.rules import RuleFile, SealingRule
from sealer.git.worktree import WorkTree
from sealer.keys.certificate import Certificate
from sealer.keys.pair import KeyPair
from sealer.keyvault.vaults import GROUP
from sealer.scope import Scope

RULE_FILE = ".seal.toml"
_FILES_AT_ONCE = 200


@dataclass(frozen=True)
class Request:
    """What one run looks at, and with what."""

    keys: tuple[KeyPair, ...] = field(default=(), repr=False)
    certificates: tuple[Certificate, ...] = ()
    paths: tuple[str, ...] | None = None
    """Files and folders relative to the root; None for everything."""
    require_known: bool = False
    raw_only: bool = False
    remote: bool = False
    kustomize: str = ""
    vault_suffixes: tuple[str, ...] = ()
    """DNS suffixes of vaults beyond Azure's clouds."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run found."""

    findings: tuple[Finding, ...]
    allowed: int
    builds: int
    sealed: int
    looked_at: int
    """How many manifests were asked for; builds and SealedSecrets are counted among them, too."""


def check(tree: WorkTree, request: Request, load: Callable[[str], Certificate]) -> Outcome:
    """Look at a work tree; ``load`` reads a certificate file of a rule."""
    return _Run(tree, request, load).outcome()


class _Run:
    def __init__(
        self, work: WorkTree, request: Request, load: Callable[[str], Certificate]
    ) -> None:
        self.work, self.request, self.load = work, request, load
        self.texts = work.texts(path for path in work.files if is_manifest(path))
        self.tree: Tree = read_tree(self.texts)
        self.rule_files = self._rule_files()
        self.rules: dict[tuple[str, SealingRule], Certificates] = {}
        self.judge = Judge(request.keys, request.certificates, self._certificates)
        self.sealed = self.tree.of_kind("SealedSecret", "bitnami.com")
        self.index = SealedIndex(self.sealed)
        self.known = kustomizations.find_kustomizations(self.tree)

    def outcome(self) -> Outcome:
        findings = [*self.tree.faults, *self._raw()]
        builds: list[Build] = []
        failures: list[Finding] = []
        if not self.request.raw_only:
            renderer = Renderer(
                self.work, self.tree, self.known, self.index, self.wants,
                remote=self.request.remote, program=self.request.kustomize,
            )  # fmt: skip
            builds, told = renderer.run()
            findings += told
            failures = renderer.failures
            findings += self._about_sealed(builds, renderer.unbuilt, renderer.origins.remote)
            read = kustomizations.covered(set(build.files) for build in builds)
            findings += self._about_vaults(builds, read | renderer.unbuilt | renderer.patches)
        findings += allow.without_reason(self.texts)
        kept = [one for one in findings if self._selected(one)] + failures
        left, allowed = allow.split_allowed(kept, self._comment_texts(kept), self._allowances())
        # What a build that is asked for reads is looked at with it, wherever it lies.
        reached = {path for build in builds if self.wants(build.files) for path in build.files}
        return Outcome(
            findings=tuple(in_order(left)),
            allowed=allowed,
            builds=sum(self.wants(build.files) for build in builds),
            sealed=sum(one.path in reached or self.wants([one.path]) for one in self.sealed),
            looked_at=sum(path in reached or self.wants([path]) for path in self.texts),
        )

    def _raw(self) -> Iterator[Finding]:
        wanted = {
            kustomizations.join(item.folder, name)
            for item in self.known.values()
            for entry in _generators(item)
            for _, name in named.generator_files(entry)
        }
        texts = self.work.texts(sorted(wanted & set(self.work.files)))
        found = [*cleartext.check_raw(self.tree, texts), *misspelt.check_misspelt(self.tree)]
        yield from found
        # What is told already needs no second word for being a key.
        told = {one.place.path for one in found}
        left = [path for path in self.work.files if path not in told and self.wants([path])]
        for at in range(0, len(left), _FILES_AT_ONCE):
            yield from check_private_keys(self.work.texts(left[at : at + _FILES_AT_ONCE]))

    def _built(self, builds: list[Build]) -> dict[int, list[Mapping[str, Any]]]:
        """The metadata of what builds make of each SealedSecret of the tree, by the source's id."""
        found: dict[int, list[Mapping[str, Any]]] = {}
        for build in builds:
            for one in build.sealed():
                items = items_of(one.value).values()
                places = (self.index.find(item, build, one) for item in items if item)
                for source in {id(place): place for place in places if place}.values():
                    metadata = mapping(one.value.get("metadata"))
                    found.setdefault(id(source), []).append(metadata)
        return found

    def _about_sealed(
        self, builds: list[Build], unbuilt: set[str], remote: str
    ) -> Iterator[Finding]:
        covered = kustomizations.covered(set(build.files) for build in builds)
        built = self._built(builds)
        for source in self.sealed:
            made_of_it = built.get(id(source), ())
            yield from sealed_rules.check_sealed(source, self.judge, self._scope, made_of_it)
            yield from check_refused(source)
            if source.path not in covered | unbuilt:
                yield from identity.check_alone(source, self.judge)
        made = references.made_secrets(one.value for build in builds for one in build.objects)
        made |= references.made_secrets(
            one.value for one in self.tree.sources if one.path not in covered
        )
        for build in builds:
            yield from check_owners(build, self.index)
            yield from references.check_references(
                build, self.index, self.tree, made, every=self.request.require_known
            )
        for build in argo.applied(builds, self.tree, remote):
            yield from identity.check_build(build, self.index, self.judge)
        yield from check_order(builds, self.tree)
        yield from check_namespaces(builds, self.tree)

    def _about_vaults(self, builds: list[Build], read: set[str]) -> Iterator[Finding]:
        groups = {one.group for one in self.tree.sources}
        groups |= {one.group for build in builds for one in build.objects}
        if GROUP not in groups:
            return
        from sealer.check.rules.vaults import check_vaults

        yield from check_vaults(builds, self.tree, read, self.request.vault_suffixes)

    def wants(self, paths: Iterable[str]) -> bool:
        """Whether any of these files is asked for."""
        return self.request.paths is None or any(self._asked(path) for path in paths)

    def _asked(self, path: str) -> bool:
        asked = self.request.paths or ()
        return any(one in ("", path) or path.startswith(f"{one}/") for one in asked)

    def _selected(self, finding: Finding) -> bool:
        places = [finding.place.path, *(at.place.path for at in finding.related)]
        return self.wants(places)

    def _comment_texts(self, findings: Iterable[Finding]) -> dict[str, str]:
        other = {one.place.path for one in findings} - self.texts.keys()
        return {**self.texts, **self.work.texts(sorted(other & set(self.work.files)))}

    def _rule_files(self) -> dict[str, RuleFile]:
        paths = [path for path in self.work.files if path.rpartition("/")[2] == RULE_FILE]
        if not paths:
            return {}
        import tomllib

        found = {}
        for path, text in self.work.texts(paths).items():
            try:
                value = tomllib.loads(text)
            except tomllib.TOMLDecodeError as error:
                raise not_toml(path, error) from None
            folder = path.rpartition("/")[0]
            found[folder] = RuleFile.from_dict(value, folder, path)
        return found

    def _allowances(self) -> list[tuple[str, Any]]:
        return [
            (folder, one) for folder, rules in self.rule_files.items() for one in rules.allowances
        ]

    def _rule(self, path: str) -> tuple[str, SealingRule] | None:
        """The rule for a path: of the nearest rule file that has one; an output's own rule too."""
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            rules = self.rule_files.get(folder)
            relative = path.removeprefix(f"{folder}/") if folder else path
            rule = rules.rule_for(relative) if rules else None
            if rule:
                return folder, rule
        return None

    def _scope(self, path: str) -> Scope | None:
        found = self._rule(path)
        return found[1].scope if found else None

    def _certificates(self, path: str) -> Certificates:
        found = self._rule(path)
        if found is None:
            return Certificates()
        if found not in self.rules:
            folder, rule = found
            self.rules[found] = Certificates(
                self._load_all(folder, rule.certs), self._load_all(folder, rule.accept)
            )
        return self.rules[found]

    def _load_all(self, folder: str, certs: Iterable[str]) -> tuple[Certificate, ...]:
        """Certificates of files; a URL or a cluster is not asked by a check."""
        files = [one for one in certs if "://" not in one and not one.startswith("context:")]
        return tuple(self.load(os.path.join(self.work.root, folder, one)) for one in files)  # noqa: PTH118


def _generators(item: Kustomization) -> list[Any]:
    found = item.source.value.get("secretGenerator")
    return found if isinstance(found, list) else []
