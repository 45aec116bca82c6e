"""Every kustomization and Flux Kustomization of a tree, rendered by the real kustomize.

An edge: decides what is rendered and in which order, and leaves what is wrong to ``sealer.check``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sealer.check.builds import inputs, kustomizations, kustomize, origins, sourceignore
from sealer.check.builds import output as building
from sealer.check.builds.flux import GROUP, KIND, FluxKustomization
from sealer.check.builds.inputs import Inputs, Layout, Refusal
from sealer.check.builds.kustomizations import Kustomization
from sealer.check.builds.model import Build, Rendered, SealedIndex, items_of
from sealer.check.builds.named import as_understood, named
from sealer.check.builds.origins import Origins
from sealer.check.builds.redaction import may_hold_secret, redacted, redacted_text
from sealer.check.findings import Finding, Place, Related
from sealer.check.rules.variables import check_variables
from sealer.check.tree import Source, Tree, is_kustomization, mapping, read_objects, read_tree
from sealer.errors import SealerError
from sealer.git.worktree import WorkTree
from sealer.manifest import to_yaml

_HINTS = {
    inputs.REMOTE: "let kustomize fetch it with --remote",
    inputs.HELM: "pipe what kustomize build --enable-helm prints into seal verify",
    inputs.PLUGIN: "pipe what kustomize build prints, with its plugins, into seal verify",
}


class Renderer:
    """Renders what is asked for; Flux Kustomizations are found in what is rendered, too."""

    def __init__(
        self,
        work: WorkTree,
        tree: Tree,
        known: dict[str, Kustomization],
        index: SealedIndex,
        wants: Callable[[Iterable[str]], bool],
        *,
        remote: bool,
        program: str,
    ) -> None:
        self.work, self.tree, self.known, self.index = work, tree, known, index
        self.wants, self.remote, self.program = wants, remote, program
        self.folders = {path.rpartition("/")[0] for path in tree.texts}
        self.findings: list[Finding] = []
        self.failures: list[Finding] = []
        """Builds of something that was asked for and that were not made, wherever the cause is."""
        self.builds: list[Build] = []
        self.raw_objects: list[tuple[Build, tuple[Rendered, ...]]] = []
        self.seen: set[str] = set()
        self.unbuilt: set[str] = set()
        """Files of builds that were not made: what becomes of them is not known."""
        self.patches = kustomizations.patch_files(known)
        self.origins = Origins.of(self._no_patches(origins.KIND, origins.GROUP), self._remote())
        ignoring = [path for path in work.files if path.rpartition("/")[2] == sourceignore.NAME]
        self.left_out = sourceignore.patterns_of(work.texts(ignoring))
        self.sources = {item.source.path: item.source for item in self.known.values()}

    def run(self) -> tuple[list[Build], list[Finding]]:
        """Everything rendered, and what was found on the way."""
        written = self._written_flux()
        below = self.work.below()
        self.every = {**self._kustomizations_of(below), **self.known}
        files = frozenset({*self.work.files, *below})
        self.layout = Layout(self.every, files, self.work.links, self._text)
        self.ignored = self._ignored_but_named()
        self.layout = replace(self.layout, files=files | self.ignored)
        place = self.layout.place
        plain = kustomizations.roots(self.known, [place(one.folder) for one in written], place)
        if not plain and not written:
            return [], []
        with kustomize.Mirror(self.work.links) as mirror:
            self.mirror = mirror
            self.kustomize: kustomize.Kustomize | None = None
            try:
                self._build_all(plain, written)
            finally:
                if self.kustomize:
                    self.kustomize.close()
        self._finish()
        return self.builds, self.findings

    def _build_all(self, plain: list[str], written: list[FluxKustomization]) -> None:
        self._all([(folder, None) for folder in plain])
        rendered_flux, origins = self._rendered_flux()
        self._all([(one.folder, one) for one in rendered_flux])
        while True:
            found, more = self._rendered_flux()
            origins |= more
            fresh = [one for one in found if one.identity not in self.seen]
            fresh += [one for one in written if self._unseen(one, origins)]
            if not fresh:
                break
            self._all([(one.folder, one) for one in fresh])

    def _kustomizations_of(self, paths: Iterable[str]) -> dict[str, Kustomization]:
        """Those of submodules: no roots of ours, and read by builds."""
        texts = self.work.texts(path for path in paths if is_kustomization(path))
        return kustomizations.find_kustomizations(read_tree(texts))

    def _text(self, path: str) -> str | None:
        text = self.tree.texts.get(path)
        return self.work.texts([path]).get(path) if text is None else text

    def _unseen(self, one: FluxKustomization, origins: set[tuple[str, str]]) -> bool:
        written = (one.source.path, one.name)
        return one.identity not in self.seen and written not in origins

    def _written_flux(self) -> list[FluxKustomization]:
        found = [
            FluxKustomization.of(source.value, source)
            for source in self._no_patches(KIND, GROUP)
            if self.origins.is_here(source.value)
        ]
        return [one for one in found if one and self._is_here(one.folder)]

    def _no_patches(self, kind: str, group: str) -> list[Source]:
        """Objects of a kind; those of patches are none."""
        return [one for one in self.tree.of_kind(kind, group) if one.path not in self.patches]

    def _remote(self) -> str:
        """The URL of the remote ``origin``; empty without one."""
        if self.work.repository is None:
            return ""
        words = ("config", "--get", "remote.origin.url")
        return self.work.repository.run(*words, ok=(0, 1)).decode(errors="replace").strip()

    def _is_here(self, folder: str) -> bool:
        prefix = f"{folder}/" if folder else ""
        return any(f"{one}/".startswith(prefix) for one in self.folders)

    def _rendered_flux(self) -> tuple[list[FluxKustomization], set[tuple[str, str]]]:
        """Flux Kustomizations among the built objects, and which written ones they are."""
        found: list[FluxKustomization] = []
        origins: set[tuple[str, str]] = set()
        for build, objects in self.raw_objects:
            variables = build.flux.variables() if build.flux else None
            seen = building.with_flux(objects, build.flux, variables) if build.flux else objects
            for before, item in zip(objects, seen, strict=True):
                if item.kind != KIND or item.group != GROUP:
                    continue
                source = self._flux_source(before)
                one = FluxKustomization.of(item.value, source) if source else None
                if source and one:
                    origins.add((source.path, _name(source.value)))
                    is_here = self.origins.is_here(item.value) and self._is_here(one.folder)
                    if is_here and one.identity not in self.seen:
                        found.append(one)
        return list({one.identity: one for one in found}.values()), origins

    def _flux_source(self, item: Rendered) -> Source | None:
        name = _name(item.value)
        candidates = [
            one
            for one in self._no_patches(KIND, GROUP)
            if one.path == item.origin and _name(one.value) in name
        ]
        return max(candidates, key=lambda one: len(_name(one.value)), default=None)

    def _all(self, jobs: list[tuple[str, FluxKustomization | None]]) -> None:
        prepared = []
        for folder, flux in jobs:
            if flux:
                self.seen.add(flux.identity)
            job = self._prepare(folder, flux)
            if job:
                prepared.append(job)
        if prepared and self.kustomize is None:
            command = kustomize.find_command(self.program)
            self.kustomize = kustomize.Kustomize(command, self.mirror, remote=self.remote)
        if self.kustomize is None:
            return
        outputs = self.kustomize.build([place for _, place in prepared])
        for (build, _), output in zip(prepared, outputs, strict=True):
            self._take(build, output)

    def _prepare(self, named: str, flux: FluxKustomization | None) -> tuple[Build, Path] | None:
        folder = self.layout.place(named)
        item = self.every.get(folder) or self._generated(folder, flux)
        if item is None:
            return None
        if flux:
            changed = flux.applied(item.source.value)
            item = Kustomization(folder, replace(item.source, value=changed))
        read = inputs.inputs_of(item, self.layout)
        if folder not in self.every:
            read.files.discard(item.source.path)
        asked = {*read.files, *read.names, named, folder, *([flux.source.path] if flux else [])}
        if read.is_complete and not self.wants(asked):
            return None
        build = Build(folder, (), frozenset(read.files), flux, self.sources)
        refused = [one for one in read.refusals if one.why != inputs.REMOTE or not self.remote]
        if refused:
            self.unbuilt |= read.files
            self.failures.append(self._not_built(build, refused[0]))
            return None
        return build, self._mirrored(build, item, read)

    def _mirrored(self, build: Build, item: Kustomization, read: Inputs) -> Path:
        """Put what a build reads into the mirror; returns the folder to build."""
        folder = build.folder
        is_variant = build.flux is not None or folder not in self.every
        texts = {**read.texts}
        if is_variant:
            del texts[item.source.path]
        if self.work.staged:
            texts = {path: redacted_text(path, text) for path, text in texts.items()}
        wanted = [path for path in read.files if path not in texts and not self.mirror.has(path)]
        self.mirror.add(self._data(wanted, read.secrets), texts)
        self.mirror.link(read.names)
        place = folder
        if is_variant:
            text = to_yaml(redacted(as_understood(item.source.value)))
            place = self.mirror.variant(folder, text, item.source.path.rpartition("/")[2])
        return self.mirror.wrapper(place)

    def _data(self, paths: Iterable[str], secrets: set[str]) -> dict[str, bytes]:
        """Files as builds may see them: without the values of Secrets."""
        found: dict[str, bytes] = {}
        for path in paths:
            data = None if path in self.work.blobs else self.work.data(path)
            hidden = path in self.ignored or path in self.work.blobs or path in secrets
            if hidden or (data is not None and may_hold_secret(data)):
                text = self.work.texts([path]).get(path)
                data = None if text is None else redacted_text(path, text).encode()
            if data is not None:
                found[path] = data
        return found

    def _not_built(self, build: Build, refusal: Refusal) -> Finding:
        if refusal.fails:
            return _build_failed(build, SealerError(refusal.why), self.every)
        place = refusal.item.source.place(refusal.field)
        hint = _HINTS.get(refusal.why, "name files of this tree alone, by relative paths")
        return Finding(place, "not-rendered", f"not rendered: {refusal.field} {refusal.why}", hint)

    def _generated(self, folder: str, flux: FluxKustomization | None) -> Kustomization | None:
        """What Flux takes a folder without a kustomization for."""
        left_out = [*self.left_out, *(self.origins.ignored(flux.manifest) if flux else ())]
        names = kustomizations.generated_resources(
            folder, self.tree, self.known, lambda path: sourceignore.is_ignored(path, left_out)
        )
        good = [name for name in names if name in self.known or self._is_applicable(name)]
        prefix = f"{folder}/" if folder else ""
        if not good:
            return None
        value = {"resources": [f"./{name.removeprefix(prefix)}" for name in good]}
        first = next(iter(self.tree.sources))
        source = replace(first, path=f"{prefix}kustomization.yaml", at=(), value=value)
        return Kustomization(folder, source)

    def _is_applicable(self, path: str) -> bool:
        """Whether a file holds Kubernetes objects only; if not, Flux's build fails."""
        found = False
        try:
            for source in read_objects(path, self.tree.texts[path]):
                found = True
                if not source.kind or not source.api_version or not _name(source.value):
                    words = "Flux applies every .yaml file of this folder, and this is no manifest"
                    cure = "rename it, list the manifests in a kustomization.yaml, or .sourceignore"
                    self.findings.append(
                        Finding(source.place(), "flux-not-a-manifest", words, cure)
                    )
                    return False
        except SealerError:
            words = "Flux applies every .yaml file of this folder, and this is no manifest"
            cure = "rename it, or list the manifests in a kustomization.yaml"
            self.findings.append(Finding(Place(path), "flux-not-a-manifest", words, cure))
            return False
        return found

    def _take(self, build: Build, output: str | SealerError) -> None:
        if isinstance(output, SealerError):
            self.unbuilt |= build.files
            failure = _build_failed(build, output, self.every)
            if isinstance(output, kustomize.TwiceError):
                failure = replace(failure, related=_twins(build, self.tree))
            self.failures.append(failure)
            return
        variables = build.flux is not None and build.flux.variables() is not None
        objects = building.read_output(output, self._source_path, variables=variables)
        self.raw_objects.append((build, objects))

    def _source_path(self, noted: str) -> str:
        """The file of the tree that a build notes; a build can note any text."""
        path = kustomize.source_path(noted)
        return path if path in self.layout.files else ""

    def _finish(self) -> None:
        """Apply Flux's settings, now that every ConfigMap that feeds variables is known."""
        before = [replace(build, objects=objects) for build, objects in self.raw_objects]
        maps = building.config_maps({str(i): build for i, build in enumerate(before)})
        made = {
            (str(mapping(one.value.get("metadata")).get("namespace", "")), _name(one.value)): one
            for build in before
            for one in build.sealed()
        }
        for build, objects in self.raw_objects:
            flux = build.flux
            if flux is None:
                self.builds.append(replace(build, objects=objects))
                continue
            variables, complete = _variables(flux, maps, made)
            if variables is not None:
                self.findings += check_variables(
                    build, objects, variables, self.index, complete=complete
                )
            applied = building.with_flux(objects, flux, variables if complete else None)
            self.builds.append(replace(build, objects=applied))

    def _ignored_but_named(self) -> frozenset[str]:
        """Files that generators name and Git ignores: builds fail without them."""
        written = {
            kustomizations.join(item.folder, one.name)
            for item in self.every.values()
            for one in named(item.source.value)
            if one.name and not one.name.startswith("/")
        }
        places = {self.layout.resolve(path) for path in written} - self.layout.files
        return frozenset(path for path in places if path and self._is_own_file(path))

    def _is_own_file(self, path: str) -> bool:
        """Whether a file lies there, by no link and not among what Git keeps for itself."""
        place = self.work.root / path
        is_git = ".git" in path.split("/")
        return not is_git and place.resolve() == place and place.is_file()


def _variables(
    flux: FluxKustomization,
    maps: dict[tuple[str, str], dict[str, str]],
    made: dict[tuple[str, str], Rendered],
) -> tuple[dict[str, str] | None, bool]:
    """The variables of a Flux Kustomization, and whether all of their sources are known.

    A SealedSecret's keys are known and its values not: such a variable stands for itself.
    """
    inline = flux.variables()
    if inline is None:
        return None, True
    found: dict[str, str] = {}
    complete = True
    for kind, name, _ in flux.variable_sources():
        place = (flux.namespace, name)
        if kind == "ConfigMap" and place in maps:
            found.update(maps[place])
        elif kind == "Secret" and place in made:
            found.update({key: "${" + key + "}" for key in items_of(made[place].value)})
        else:
            complete = False
    return {**found, **inline}, complete


def _build_failed(build: Build, error: SealerError, known: dict[str, Kustomization]) -> Finding:
    item = known.get(build.folder)
    words = f"{build.flux.title}: " if build.flux else ""
    words += f"kustomize cannot build {build.folder or 'the root'}: {error.message}"
    folder = build.folder or "."
    if item or build.flux is None:
        place = item.source.place() if item else Place(folder)
        return Finding(
            place, "build-failed", words, error.hint or f"see what kustomize build {folder} says"
        )
    # Flux writes the kustomization itself: nobody can run kustomize there.
    hint = f"see what kustomize create --autodetect --recursive in {folder} and a build say"
    return Finding(build.flux.place("spec", "path"), "build-failed", words, hint)


def _twins(build: Build, tree: Tree) -> tuple[Related, ...]:
    """Two objects of a build's files that are one to kustomize."""
    seen: dict[tuple[str, ...], Source] = {}
    for path in sorted(build.files):
        for source in tree.in_file(path):
            space = str(mapping(source.value.get("metadata")).get("namespace", ""))
            identity = (source.group, source.kind, space, _name(source.value))
            if source.kind and identity[3] and identity in seen:
                words = f"{source.title}, which is there twice"
                return tuple(Related(one.place(), words) for one in (seen[identity], source))
            seen[identity] = source
    return ()


def _name(value: Any) -> str:
    name = mapping(mapping(value).get("metadata")).get("name")
    return name if isinstance(name, str) else ""
