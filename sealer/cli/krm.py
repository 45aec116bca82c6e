"""``seal krm``: kustomize runs it as a function; it reads a ResourceList and writes one."""

from __future__ import annotations

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.errors import ManifestError, SealerError

EPILOG = """\b
Example, in a kustomization.yaml (kustomize build --enable-alpha-plugins --enable-exec):
  generators:
  - |-
    apiVersion: sealer.dev/v1alpha1
    kind: SealedSecretGenerator
    metadata:
      name: sealed
      annotations:
        config.kubernetes.io/function: "exec: {path: seal, args: [krm]}"
    spec:
      files: [database.yaml]
"""


@click.command(name="krm", epilog=EPILOG)
@options.words
@click.pass_obj
def command(ui: UI, /) -> None:
    """Generate SealedSecrets with hashed names, or validate a build, as a kustomize function.

    A functionConfig of kind SealedSecretGenerator names the sealed files (spec.files) to hand
    out; they must be sealed namespace-wide or cluster-wide, for kustomize adds a hash to their
    names. One of kind SealedSecretValidator looks at what the build made, with private keys where
    it names some (spec.keys), and fails the build on an error. Flux runs no functions: commit
    what a generator makes.
    """
    from sealer.check import krm
    from sealer.files.text import read_text
    from sealer.manifest import to_yaml

    text, _ = read_text("-")
    document, value = krm.read_request(text)
    config = value.get("functionConfig") or {}
    kind = krm.kind_of(config)
    if kind == krm.GENERATOR:
        texts = {path: read_text(path)[0] for path in krm.files_of(config, "files")}
        made = krm.generate(texts, hashed=krm.is_hashed(config))
        _ui.emit(to_yaml({**value, "items": [*(value.get("items") or []), *made]}))
    elif kind == krm.VALIDATOR:
        from sealer.check.findings import Severity
        from sealer.check.rules.judge import Judge

        ring = options.load_ring(tuple(krm.files_of(config, "keys")))
        errors: list[SealerError] = []
        for one in krm.validate(document, value, Judge(ring.keys)):
            if one.severity is Severity.ERROR:
                errors.append(ManifestError(f"{one.message} [{one.rule}]", hint=one.hint or None))
            else:
                ui.warn(f"{one.message} [{one.rule}]")
        ui.finish(errors)
        # Not the items: kustomize would find its own bookkeeping in them changed, and refuse.
        _ui.emit(to_yaml({**value, "items": []}))
    else:
        raise ManifestError(
            f"the functionConfig is of no kind known here: {kind or 'none'}",
            hint=f"use {krm.GENERATOR} or {krm.VALIDATOR}",
        )
