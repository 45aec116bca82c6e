"""Vaults that are not Azure's own: emulators answer with other codes, hosts and fewer fields.

What they do is read off their public sources (Lowkey Vault, and several called Azure Key Vault
Emulator); it is as legal by the REST reference, which makes nearly every field optional.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.keyvault.vault import (
    DeniedError,
    DisabledError,
    MissingError,
    UnreachableError,
    VaultError,
)
from sealer.keyvault.references import CERTIFICATE, Ref
from tests.keyvault.direct import ONE, ask, get_one, names, principal, store_of
from tests.testbed.azure.faults import Fault
from tests.testbed.azure.server import Azure

HOST = "https://emulator.vault.azure.net"


@pytest.fixture
def world(azure: Azure) -> Azure:
    """A vault with one secret."""
    store_of(azure)
    return azure


def answer(world: Azure, body: Any, **fault: Any) -> None:
    """Let the vault answer so from now on."""
    world.faults.add(Fault(**{"status": 200, **fault}, text=json.dumps(body)))


@pytest.mark.parametrize(
    "form",
    [
        'Bearer resource="{resource}", authorization_uri="{where}/secrets/one"',
        'Bearer authorization="{where}",resource="{resource}"',
        'Bearer authorization="{where}", scope="{resource}/.default"',
        'Bearer authorization="{where}", resource="{resource}", error="invalid_token"',
    ],
)
def test_challenges_in_other_forms_are_read(world: Azure, form: str) -> None:
    world.challenge_form = form
    assert ask(world, principal(world), get_one) == b"first"


def test_an_emulator_that_names_itself_as_resource_is_sent_no_token(world: Azure) -> None:
    """Lowkey Vault without ``LOWKEY_AUTH_RESOURCE``; the SDK's check stays on."""
    world.challenge_resource = world.url("shop")
    with pytest.raises(VaultError) as caught:
        ask(world, principal(world), get_one)
    assert caught.value.reason == "UnknownCloud"
    assert not world.bearers


def test_ids_of_another_host_and_port_are_only_names(world: Azure) -> None:
    world.next_link = ""
    rows = [{"id": f"{HOST}/secrets/{name}", "attributes": {"enabled": True}} for name in "ab"]
    answer(world, {"value": rows}, operation="secrets/list")
    answer(world, {"id": f"{HOST}:8443/secrets/ONE/v1", "value": "x"}, operation="secrets/get")
    assert ask(world, principal(world), names) == ["a", "b"]
    assert ask(world, principal(world), get_one) == b"x"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"attributes": None, "tags": None, "contentType": None, "managed": None},
        {"attributes": {}, "tags": {}},
        {"attributes": {"enabled": True, "recoveryLevel": "Purgeable", "unknown": 1}, "odd": [1]},
    ],
)
def test_fields_that_are_missing_null_or_unknown_do_no_harm(world: Azure, more: Any) -> None:
    body = {"id": f"{HOST}/secrets/one", **more}
    answer(world, {"value": [body], "nextLink": ""}, operation="secrets/list")
    answer(world, {**body, "value": "x"}, operation="secrets/get")
    assert ask(world, principal(world), names) == ["one"]
    found = ask(world, principal(world), lambda vault: vault.get(ONE))
    assert (found.value, found.stamp.enabled, found.managed) == (b"x", True, False)


@pytest.mark.parametrize("kind", ["application/x-pkcs12", "text/plain", None])
def test_no_content_type_makes_an_answer_a_404(world: Azure, kind: str | None) -> None:
    body = {"id": f"{HOST}/secrets/one/{'a' * 32}", "value": "x", "contentType": kind}
    answer(world, body, operation="secrets/get")
    wanted = Ref(CERTIFICATE, "one")
    assert ask(world, principal(world), lambda vault: vault.get(wanted)).value == b"x"


def test_dates_of_1970_are_no_dates(world: Azure) -> None:
    dates = {"exp": 0, "nbf": 0, "created": 0, "updated": 0}
    body = {"id": f"{HOST}/secrets/one", "value": "x", "attributes": dates}
    answer(world, body, operation="secrets/get")
    stamp = ask(world, principal(world), lambda vault: vault.get(ONE)).stamp
    assert (stamp.expires, stamp.not_before) == (None, None)


@pytest.mark.parametrize("inner", [None, {"code": "AccessDenied"}])
@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Client address is not authorized and caller is not a trusted service.", "Firewall"),
        (
            "Request was not allowed by NSP rules and the client address is not authorized",
            "Firewall",
        ),
        ("Public network access is disabled and request is not from a trusted service", "Firewall"),
        ("Caller is not authorized to perform action on resource.", "Forbidden"),
    ],
)
def test_a_firewall_is_told_by_the_message_where_no_code_tells(
    world: Azure, message: str, reason: str, inner: Any
) -> None:
    error = {"code": "Forbidden", "message": message, "innererror": inner}
    answer(world, {"error": error}, status=403)
    with pytest.raises(DeniedError) as caught:
        ask(world, principal(world), get_one)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (404, {"code": "NotFoundException", "message": "no"}, MissingError),
        (404, {"code": "SecretNotFound"}, MissingError),
        (404, {"code": "a.b.NotFoundException", "message": "no"}, MissingError),
        (404, {"message": "no code at all"}, UnreachableError),
        (404, "Not Found", UnreachableError),
        (404, None, UnreachableError),
        (403, {"code": "Forbidden", "innererror": {"code": "x"}}, DeniedError),
        (403, {"code": "Forbidden", "innererror": None}, DeniedError),
        (403, {"code": "Forbidden", "innererror": {"code": "SecretDisabled"}}, DisabledError),
        (400, "Bad Request", VaultError),
        (500, {"code": "InternalError"}, UnreachableError),
    ],
)
def test_errors_are_sorted_by_status_and_a_404_only_with_a_code_of_its_own(
    world: Azure, status: int, error: Any, kind: type[VaultError]
) -> None:
    answer(world, {"error": error, "path": "/secrets/one"}, status=status)
    with pytest.raises(VaultError) as caught:
        ask(world, principal(world), get_one)
    assert type(caught.value) is kind


@pytest.mark.parametrize("version", ["7.2", "7.3", "7.4", "7.5", "7.6"])
def test_a_vault_that_knows_old_api_versions_only_works_by_its_spec(
    world: Azure, version: str
) -> None:
    world.api_versions = {version}
    assert ask(world, principal(world), get_one, api_version=version) == b"first"
    with pytest.raises(VaultError) as caught:
        ask(world, principal(world), get_one)
    assert "apiVersion" in (caught.value.hint or "")


def test_a_page_may_hold_less_than_was_asked_for_or_nothing(world: Azure) -> None:
    store = world.vault("shop")
    for number in range(60):
        store.set_secret(f"s-{number}", "x")
    store.page_sizes = [25, 0, 3, 0, 0]
    found = ask(world, principal(world), names)
    assert len(found) == len(set(found)) == 61


def test_a_pinned_version_is_answered_by_that_version_or_not_at_all(world: Azure) -> None:
    body = {"id": f"{HOST}/secrets/one/{'b' * 32}", "value": "x"}
    answer(world, body, operation="secrets/get")
    with pytest.raises(UnreachableError):
        ask(world, principal(world), lambda vault: vault.get(Ref("secret", "one", "a" * 32)))
