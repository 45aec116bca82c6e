"""``seal keys retire --unused``: every key that nothing needs, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealer.cluster.location import Location
    from sealer.errors import SealerError
    from sealer.rotation.usage import Need


def retire_unused(
    ui: UI,
    location: Location,
    found: Sequence[Need],
    errors: Sequence[SealerError],
    *,
    delete: bool,
    dry_run: bool,
) -> None:
    """Retire what ``found`` does not need; nothing at all where something could not be read."""
    from sealer.cli._key_source import store_of
    from sealer.cluster.keysecrets import RETIRED
    from sealer.rotation.retiring import unused
    from sealer.rotation.usage import UnopenedError

    # What no key opens needs none of these; what could not even be read may need any.
    ui.finish(error for error in errors if not isinstance(error, UnopenedError))
    store = store_of(location)
    chosen = unused(store.read(), found)
    for key in chosen:
        if delete and not dry_run:
            store.delete(key.name)
        elif not dry_run:
            store.label(key.name, RETIRED)
        state = "unused" if dry_run else "deleted" if delete else RETIRED
        _ui.emit_fields(key.name, key.fingerprint or "-", state)
    if not chosen:
        ui.note("every key is needed")


def check_paths(paths: Sequence[str], *, force: bool) -> None:
    """UsageError where only the cluster would be looked at: files may need a key, too."""
    if not paths and not force:
        raise UsageError(
            "--unused needs the trees of this cluster, for what is not looked at is not known",
            hint="name every folder with its SealedSecrets; with --force only the cluster counts",
        )
