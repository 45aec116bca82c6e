"""Nothing that is told, kept or shown holds a value, a credential or a token.

All identities, all entries and their failures run through the real SDK with every logger at
DEBUG. While the Secrets are written, values are in flight: then, and in the end, the repr of every
object of ours is taken, and all that each of our errors keeps.
"""

from __future__ import annotations

import gc
import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from cryptography.hazmat.primitives.asymmetric import rsa
from prometheus_client import generate_latest

from controller.events.recorder import Happening
from controller.keyvault.azure import client as controller_azure
from controller.logs import JsonFormatter, TextFormatter
from controller.notify import payloads
from controller.notify.batch import Batch
from controller.notify.notice import notice_of
from controller.reasons import Reason
from sealer import encoding
from tests.keyvault.conftest import Run
from tests.keyvault.simulation import PASSWORD, Simulation
from tests.testbed.azure.entra import App
from tests.testbed.azure.faults import Fault
from tests.testbed.canary import leaks
from tests.testbed.certificates import certificate_in, self_signed

VALUES = {
    "plain": "canary-plain-91be",
    "json": "canary-json-5d20",
    "encoded": "canary-encoded-77aa",
    "broken": "canary-broken-0c4e",
    "template": "canary-template-3f19",
    "second": "canary-second-8b6d",
}
OURS = (
    "controller.keyvault",
    "sealer.keyvault",
    "controller.events.recorder",
    "controller.sealed.memory",
)


def kept() -> Iterator[str]:
    """Everything that could be shown of our objects, and of all errors that somebody keeps."""
    for one in gc.get_objects():
        if isinstance(one, BaseException):
            yield "".join(traceback.format_exception(one))
            yield f"{one!r} {getattr(one, '__dict__', {})!r}"
        elif str(type(one).__module__).startswith(OURS):
            yield repr(one)


def entry(key: str, secret: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "from": {"secret": secret, **more}}


class Watcher:
    """Collects all that is told, and what can be seen while values are in flight."""

    def __init__(self, half: Simulation) -> None:
        self.half = half
        self.told: list[str] = []
        self.happenings: list[Happening] = []
        half.recorder.listeners.append(self.happenings.append)
        apply = half.objects.apply_secret

        async def watched(manifest: dict[str, Any], *, manager: str, force: bool) -> dict[str, Any]:
            self.told += kept()
            return await apply(manifest, manager=manager, force=force)

        half.objects.apply_secret = watched  # type: ignore[method-assign]

    def all(self) -> str:
        """Statuses, events, notifications, metrics, objects."""
        self.told += kept()
        self.told.append(json.dumps([*self.half.objects.statuses.values()]))
        self.told += [repr(one) for one in self.happenings]
        notices = tuple(filter(None, map(notice_of, self.happenings)))
        assert notices
        batch = Batch(None, "shop", "error", notices)
        for payload in (
            payloads.slack(batch, keys=True, revision=""),
            payloads.teams(batch, keys=True, revision=""),
            payloads.webhook(batch, keys=True, revision=""),
            payloads.flux(batch, keys=True, revision="", now=datetime.now(UTC)),
        ):
            self.told.append(json.dumps(payload))
        self.told.append(generate_latest(self.half.registry).decode())
        return "\n".join(self.told)


def fill(half: Simulation) -> str:
    """A vault of all kinds; return the private key of its certificate, one line of it."""
    store = half.store
    store.set_secret("plain", VALUES["plain"])
    store.set_secret("json", json.dumps({"a": {"b": VALUES["json"]}}))
    store.set_secret("encoded", encoding.encode(VALUES["encoded"].encode()))
    store.set_secret("broken", VALUES["broken"] + "!")
    store.set_secret("template", VALUES["template"])
    key = rsa.generate_private_key(65537, 2048)
    pem = self_signed(key)
    store.set_certificate("tls", pem)
    half.clock.now += 60
    return pem.splitlines()[5]


async def everything(half: Simulation) -> str:
    """Let each identity work and fail, each entry succeed and fail; return one more secret."""
    line = fill(half)
    half.account("wi-client")
    await half.vault("shop")
    await half.vault("wi", auth={"workloadIdentity": {"serviceAccountName": "shop"}})
    key = rsa.generate_private_key(65537, 2048)
    pem = self_signed(key)
    half.azure.entra.register(
        App("cert-client", half.store.tenant, certificate=certificate_in(pem))
    )
    half.store.grant("cert-client")
    half.objects.secrets["shop", "cert"] = {
        "metadata": {"uid": "c"},
        "data": {"pem": encoding.encode(pem.encode())},
    }
    reference = {"name": "cert", "key": "pem"}
    auth = {"clientId": "cert-client", "certificateRef": reference}
    await half.vault("cert", auth={"servicePrincipal": auth})
    for vault in ("shop", "wi", "cert"):
        half.secret(
            f"good-{vault}",
            entry("plain", "plain"),
            entry("b", "json", property="a.b"),
            entry("raw", "encoded", decode="Base64"),
            {"tls": {"certificate": "tls"}},
            {"key": "bundle.p12", "from": {"certificate": "tls", "as": "PFX"}},
            {"find": {"name": "pl*", "rename": [{"regex": "pl(.*)", "to": "found-$1"}]}},
            template={"data": {"url": "db://{{ .plain }}"}},
            vaultRef={"name": vault},
        )
    bad = {
        "not-base64": entry("a", "broken", decode="Base64"),
        "no-json": entry("a", "broken", property="x.y"),
        "no-property": entry("a", "json", property="a.c"),
        "no-object": {"expand": {"secret": "broken"}},
        "no-certificate": {"tls": {"certificate": "plain"}},
    }
    for name, one in bad.items():
        half.secret(name, one)
    broken = {"data": {"x": "{{ .template | fail }}"}}
    half.secret("bad-template", entry("template", "template"), template=broken)
    await half.settle()
    for vault in ("shop", "wi", "cert"):
        assert half.ready(f"good-{vault}") == ("True", "Synced")
    for name in (*bad, "bad-template"):
        assert half.ready(name)[0] == "False", name
    return line + "\n" + pem.splitlines()[5]


async def trouble(half: Simulation) -> None:
    """The vault and Entra fail in every way, with the SDK's errors around our tokens."""
    for fault in (
        Fault(status=503, code="Unavailable"),
        Fault(status=401, code="Unauthorized"),
        Fault(status=403, code="Forbidden", inner="ForbiddenByRbac"),
        Fault(status=429),
        Fault(cut=True),
    ):
        half.azure.faults.add(fault)
        await half.tick(400)
        half.azure.faults.clear()
    half.store.set_secret("plain", VALUES["second"])
    await half.tick(400)
    half.principal("a-wrong-password")
    half.vaults.on_secret("shop", "principal")
    await half.settle()
    assert half.ready("shop", "KeyVault") == ("False", "TokenRequestDenied")


def test_nothing_that_is_told_or_kept_holds_a_secret(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    controller_azure.quiet_logs()

    async def test(half: Simulation) -> None:
        watcher = Watcher(half)
        lines = await everything(half)
        await trouble(half)
        secrets = {*VALUES.values(), PASSWORD, *half.azure.entra.seen, *lines.split("\n")}
        # One access token each, the passwords, and what federation and the certificate proved.
        assert len(half.azure.entra.seen) >= 7
        told = watcher.all()
        for formatter in (TextFormatter(), JsonFormatter(), logging.Formatter()):
            told += "\n".join(map(formatter.format, caplog.records))
        assert not leaks(told, secrets)
        # The SDK's errors hold requests with their tokens: while a vault fails none is kept.
        gc.collect()
        assert not [type(one) for one in gc.get_objects() if isinstance(one, AzureError)]

    run(test)


@pytest.mark.parametrize("where", ["status", "event", "metric", "log", "error", "object"])
def test_a_secret_that_is_planted_is_found(
    run: Run, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    planted = VALUES["plain"]

    async def test(half: Simulation) -> None:
        watcher = Watcher(half)
        await half.vault()
        half.secret("db", entry("missing", "missing"))
        await half.settle()
        keep: list[object] = []
        if where == "status":
            half.objects.statuses["KeyVault", "shop", "shop"]["x"] = encoding.encode(
                b"ab" + planted.encode()
            )
        elif where == "event":
            involved = {"apiVersion": "v1", "kind": "KeyVault", "metadata": {"name": "shop"}}
            half.recorder.record(involved, Reason.FORBIDDEN, f"no {planted}")
        elif where == "metric":
            half.syncer.metrics.requests.labels(planted, "get", "200").inc()
        elif where == "error":
            try:
                raise ValueError(planted)
            except ValueError as error:
                keep.append(error)
        elif where == "object":
            resource = half.vaults.entries["KeyVault", "shop", "shop"].resource
            assert resource is not None
            keep.append(type(resource)(**{**_fields(resource), "url": planted}))
        else:
            logging.getLogger("x").warning("%s", planted)
        told = watcher.all() + "\n".join(map(TextFormatter().format, caplog.records))
        assert leaks(told, [planted]) == [planted]

    run(test)


def _fields(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in type(one).__dataclass_fields__}


def test_tokens_and_keys_are_found_in_parts_and_other_spellings() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
    assert leaks("... c2lnbmF0dXJlLXNpZ25hdHVyZQ ...", [token]) == [token]
    assert leaks(encoding.encode(b"xy canary-plain-91be z"), ["canary-plain-91be"])
    assert not leaks("canary", ["canary-plain-91be"])
