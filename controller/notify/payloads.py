"""A batch as each receiver reads it: JSON values, escaped, within the receiver's limits.

Sources: Flux notification-controller's Event (``fluxcd/pkg/apis/event/v1beta1``), Slack's Block Kit
reference, Microsoft's Adaptive Cards schema 1.4 and the limits of Teams' Workflows.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from controller.notify.batch import Batch
from controller.notify.notice import Notice

COMPONENT = "sealer-controller"
SLACK_TEXT = 3000
SLACK_BLOCKS = 50
TEAMS_BYTES = 28_000
FLUX_MESSAGE = 1_000
_API = {"kustomize.toolkit.fluxcd.io": "v1", "helm.toolkit.fluxcd.io": "v2"}
_MARK = {"error": "\N{LARGE RED CIRCLE}", "info": "\N{LARGE GREEN CIRCLE}"}


def headline(batch: Batch) -> str:
    """``3 secrets need attention in shop (Kustomization flux-system/apps)``."""
    count = len(batch.notices) + batch.more
    noun = "notice" if batch.severity == "info" else "problem"
    plural = "" if count == 1 else "s"
    owner = batch.owner
    by = f" ({owner.kind} {owner.namespace}/{owner.name})" if owner else ""
    return f"{count} {noun}{plural} in {batch.namespace or 'the cluster'}{by}"


def lines(batch: Batch, *, keys: bool) -> list[str]:
    """One line a notice, and one for those that are left out."""
    told = [notice.line(keys=keys) for notice in batch.notices]
    return [*told, f"and {batch.more} more"] if batch.more else told


def flux(batch: Batch, *, keys: bool, revision: str, now: datetime) -> dict[str, Any] | None:
    """Flux's event in the name of the object that applied it; None where Flux applied nothing.

    ``Alert.eventSources`` cannot name a SealedSecret, but its Kustomization or HelmRelease: so
    existing Alerts match.
    """
    owner = batch.owner
    if owner is None:
        return None
    text = _joined([headline(batch), *lines(batch, keys=keys)], FLUX_MESSAGE)
    metadata = {f"{owner.group}/revision": revision} if revision else {}
    return {
        "involvedObject": {
            "apiVersion": f"{owner.group}/{_API[owner.group]}",
            "kind": owner.kind,
            "name": owner.name,
            "namespace": owner.namespace,
        },
        "severity": batch.severity,
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "message": text,
        "reason": _reason(batch),
        "metadata": metadata,
        "reportingController": COMPONENT,
        "reportingInstance": COMPONENT,
    }


def slack(batch: Batch, *, keys: bool, revision: str) -> dict[str, Any]:
    """Slack's incoming webhook: ``text`` for notifications, plain-text blocks for the channel.

    Names are people's to choose: plain text knows no markup, and & < > are escaped, so that an
    object called ``<!channel>`` wakes nobody.
    """
    head = f"{_MARK[batch.severity]} {headline(batch)}"
    told = lines(batch, keys=keys) + _revision_lines(revision)
    chunks = _chunks([_slack_escape(line) for line in told], SLACK_TEXT, SLACK_BLOCKS - 1)
    return {
        "text": _slack_escape(head),
        "mrkdwn": False,
        "blocks": [_slack_block(_slack_escape(head)), *map(_slack_block, chunks)],
    }


def _slack_block(text: str) -> dict[str, Any]:
    plain = {"type": "plain_text", "text": text, "emoji": False}
    return {"type": "section", "text": plain}


def _slack_escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def teams(batch: Batch, *, keys: bool, revision: str) -> dict[str, Any]:
    """A Teams Workflow's message with one Adaptive Card 1.4, of text runs that know no markup."""
    told = lines(batch, keys=keys) + _revision_lines(revision)
    while True:
        card = _card(batch, told)
        if len(json.dumps(card).encode()) <= TEAMS_BYTES:
            return card
        kept = max(1, len(told) * 3 // 4)
        left = len(batch.notices) + batch.more - kept
        told = [*(line[:1000] for line in told[:kept]), f"and {left} more"]


def _card(batch: Batch, told: list[str]) -> dict[str, Any]:
    colour = "attention" if batch.severity == "error" else "good"
    head = {"type": "TextRun", "text": headline(batch), "weight": "bolder", "color": colour}
    body = [
        {"type": "RichTextBlock", "inlines": [head]},
        *({"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": t}]} for t in told),
    ]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    return {"type": "message", "attachments": [attachment]}


def webhook(batch: Batch, *, keys: bool, revision: str) -> dict[str, Any]:
    """Our own JSON for everything else; documented in docs/notifications.md."""
    owner = batch.owner
    return {
        "version": 1,
        "severity": batch.severity,
        "summary": headline(batch),
        "namespace": batch.namespace,
        "owner": owner and {"kind": owner.kind, "namespace": owner.namespace, "name": owner.name},
        "revision": revision,
        "notices": [_item(notice, keys=keys) for notice in batch.notices],
        "more": batch.more,
    }


def _item(notice: Notice, *, keys: bool) -> dict[str, Any]:
    return {
        "kind": notice.kind,
        "namespace": notice.namespace,
        "name": notice.name,
        "reason": notice.reason,
        "message": notice.line(keys=keys),
        "since": notice.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _reason(batch: Batch) -> str:
    reasons = {notice.reason for notice in batch.notices}
    return reasons.pop() if len(reasons) == 1 else "SecretsNeedAttention"


def _revision_lines(revision: str) -> list[str]:
    return [f"revision {revision}"] if revision else []


def _joined(told: list[str], limit: int) -> str:
    """Join lines up to a limit; what does not fit is counted."""
    text = ""
    for number, line in enumerate(told):
        rest = f"\nand {len(told) - number} more"
        if len(text) + len(line) + len(rest) + 1 > limit:
            return (text or line[: limit - len(rest)]) + rest
        text += ("\n" if text else "") + line
    return text


def _chunks(told: list[str], size: int, most: int) -> list[str]:
    """Lines joined into chunks within a size; what is beyond ``most`` chunks is counted."""
    chunks: list[str] = []
    for number, line in enumerate(told):
        short = line[:size]
        if chunks and len(chunks[-1]) + len(short) + 1 <= size:
            chunks[-1] += f"\n{short}"
        elif len(chunks) == most - 1 and len(told) - number > 1:
            return [*chunks, f"and {len(told) - number} more"]
        else:
            chunks.append(short)
    return chunks
