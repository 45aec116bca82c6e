"""Payloads against what the vendors publish: fields, types, limits, escapes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest

from controller.notify import payloads
from controller.notify.batch import Batch, Batcher
from controller.reasons import Reason
from tests.testbed.receivers import ADAPTIVE_CARD, FLUX_EVENT, SLACK, TEAMS_BYTES
from tests.unit.controller.notify.test_batch import FLUX, NOW, notice

SHOUT = "<!channel>*_`x`_[a](http://b)&"


def batch(count: int = 1, name: str = "db", more: int = 0, **options: Any) -> Batch:
    batcher = Batcher(timedelta(0))
    for number in range(count):
        batcher.add(notice(name=f"{name}{number or ''}", labels=FLUX, **options), NOW)
    [found] = batcher.due(NOW)
    return Batch(found.owner, found.namespace, found.severity, found.notices, more)


@pytest.mark.parametrize("count", [1, 3, 200, 2000])
@pytest.mark.parametrize("name", ["db", SHOUT, "n" * 253], ids=["plain", "shout", "long"])
def test_every_payload_fits_its_receiver(count: int, name: str) -> None:
    one = batch(count, name)
    slack = payloads.slack(one, keys=True, revision="main@sha1:abc")
    jsonschema.validate(slack, SLACK)
    card = payloads.teams(one, keys=True, revision="main@sha1:abc")
    jsonschema.validate(card, ADAPTIVE_CARD)
    assert len(json.dumps(card).encode()) <= TEAMS_BYTES
    event = payloads.flux(one, keys=True, revision="main@sha1:abc", now=NOW)
    jsonschema.validate(event, FLUX_EVENT)


def test_nothing_is_left_out_without_a_word() -> None:
    for count in (200, 2000):
        one = batch(count)
        texts = [
            json.dumps(payloads.slack(one, keys=False, revision="")),
            json.dumps(payloads.teams(one, keys=False, revision="")),
            json.dumps(payloads.flux(one, keys=False, revision="", now=NOW)),
        ]
        for text in texts:
            assert f"{count} problems in shop" in text
            assert text.count("shop/db") >= count or " more" in text


def test_a_name_cannot_shout_in_slack() -> None:
    payload = payloads.slack(batch(name=SHOUT), keys=True, revision="")
    assert "<!channel>" not in json.dumps(payload)
    assert payload["mrkdwn"] is False
    assert {block["text"]["type"] for block in payload["blocks"]} == {"plain_text"}


def test_a_name_is_no_markup_in_teams() -> None:
    card = payloads.teams(batch(name=SHOUT), keys=True, revision="")
    body = card["attachments"][0]["content"]["body"]
    assert {block["type"] for block in body} == {"RichTextBlock"}
    assert any(SHOUT in run["text"] for block in body for run in block["inlines"])


def test_flux_is_told_in_the_name_of_the_owner_with_its_revision() -> None:
    event = payloads.flux(batch(), keys=False, revision="main@sha1:abc", now=NOW)
    assert event is not None
    assert event["involvedObject"] == {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "name": "apps",
        "namespace": "flux-system",
    }
    assert event["metadata"] == {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:abc"}
    assert event["reason"] == "ErrUnsealFailed"


def test_flux_is_not_told_of_what_it_did_not_apply() -> None:
    one = Batch(None, "shop", "error", (notice(),))
    assert payloads.flux(one, keys=False, revision="", now=NOW) is None


def test_the_webhook_says_it_all_in_json() -> None:
    payload = payloads.webhook(batch(2, more=3), keys=False, revision="r")
    assert payload["version"] == 1
    assert payload["summary"] == "5 problems in shop (Kustomization flux-system/apps)"
    assert payload["owner"] == {"kind": "Kustomization", "namespace": "flux-system", "name": "apps"}
    assert [one["name"] for one in payload["notices"]] == ["db", "db1"]
    assert payload["more"] == 3
    assert payload["notices"][0]["since"] == "2026-01-01T12:00:00Z"


def test_keys_are_in_no_payload_unless_asked_for() -> None:
    one = batch(cause=Reason.NO_KEY)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for keys in (False, True):
        told = json.dumps(
            [
                payloads.slack(one, keys=keys, revision=""),
                payloads.teams(one, keys=keys, revision=""),
                payloads.webhook(one, keys=keys, revision=""),
                payloads.flux(one, keys=keys, revision="", now=now),
            ]
        )
        assert ("password" in told) is keys
