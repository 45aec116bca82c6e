"""Draw what each receiver shows of one batch, from its payload: docs/pictures/*.svg.

``python -m tests.docs.notification_pictures [--check]``.
"""

from __future__ import annotations

import html
import json
import sys
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controller.events.recorder import Happening
from controller.notify import payloads
from controller.notify.batch import Batch, Batcher
from controller.notify.notice import notice_of
from controller.reasons import Reason

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
REVISION = "main@sha1:4f1c2d7"
_WIDTH, _LINE, _COLUMNS = 760, 20, 96


def batch() -> Batch:
    """Two SealedSecrets of one Kustomization that do not open."""
    batcher = Batcher(timedelta(0))
    labels = {
        "kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }
    for name, cause in (("database", Reason.NO_KEY), ("mailer", Reason.TEMPLATE_FAILED)):
        metadata = {"name": name, "namespace": "shop", "labels": labels}
        involved = {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret"}
        happening = Happening(
            {**involved, "metadata": metadata}, Reason.UNSEAL_FAILED, "", NOW, cause
        )
        notice = notice_of(happening)
        assert notice is not None
        batcher.add(notice, NOW)
    [found] = batcher.due(NOW)
    return found


def pictures() -> dict[str, str]:
    """Return each picture by its file's name."""
    one = batch()
    event = payloads.flux(one, keys=False, revision=REVISION, now=NOW)
    assert event is not None
    owner = event["involvedObject"]
    slack = payloads.slack(one, keys=False, revision=REVISION)
    card = payloads.teams(one, keys=False, revision=REVISION)["attachments"][0]["content"]
    generic = payloads.webhook(one, keys=False, revision=REVISION)
    runs = ["".join(run["text"] for run in block["inlines"]) for block in card["body"]]
    shown = {
        "flux": [f"{owner['kind']}/{owner['name']}.{owner['namespace']}", event["message"]]
        + [f"{key}: {value}" for key, value in event["metadata"].items()],
        "slack": [html.unescape(block["text"]["text"]) for block in slack["blocks"]],
        "teams": runs,
        "webhook": [json.dumps(generic, indent=2)],
    }
    return {f"{name}.svg": _drawn(name, lines) for name, lines in shown.items()}


def _drawn(name: str, paragraphs: Sequence[str]) -> str:
    lines = [
        piece
        for paragraph in paragraphs
        for line in paragraph.splitlines()
        for piece in textwrap.wrap(line, _COLUMNS, drop_whitespace=False) or [""]
    ]
    height = _LINE * len(lines) + 24
    bar = {"flux": "#326ce5", "slack": "#e01e5a", "teams": "#6264a7"}.get(name, "#57606a")
    texts = "".join(
        f'<text x="24" y="{24 + _LINE * number}" xml:space="preserve">{html.escape(line)}</text>\n'
        for number, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        'font-family="ui-monospace, monospace" font-size="12" fill="#1f2328">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#f6f8fa"/>\n'
        f'<rect width="6" height="{height}" fill="{bar}"/>\n{texts}</svg>\n'
    )


def main() -> None:
    """Write them, or say that they are stale."""
    FOLDER.mkdir(exist_ok=True)
    for name, picture in pictures().items():
        path = FOLDER / name
        if "--check" not in sys.argv:
            path.write_text(picture)
        elif not path.exists() or path.read_text() != picture:
            sys.exit(f"docs/pictures/{name} is stale: run make docs")


if __name__ == "__main__":
    main()
