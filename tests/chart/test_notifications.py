"""What the chart writes for the notifications is what the controller reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from controller.notify.receivers import read_receivers
from tests.chart.helm import HelmError, render
from tests.chart.matrix import MATRIX

VALUES = MATRIX["notifications"]


def objects() -> list[dict[str, Any]]:
    return render(VALUES)


def pod() -> dict[str, Any]:
    [deployment] = [one for one in objects() if one["kind"] == "Deployment"]
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def config_map() -> dict[str, Any]:
    [found] = [
        one
        for one in objects()
        if one["kind"] == "ConfigMap" and one["metadata"]["name"].endswith("-notify")
    ]
    return found


def test_the_controller_reads_what_the_chart_writes(tmp_path: Path) -> None:
    path = tmp_path / "notify.json"
    path.write_text(config_map()["data"]["notify.json"])
    flux, chat, pager = read_receivers(str(path))
    assert (chat.severity, chat.namespaces) == ("error", ("prod-*",))
    assert pager.keys
    mounted = mounted_files()
    for receiver in (flux, chat, pager):
        assert receiver.url_file in mounted
    assert pager.hmac_key_file in mounted
    assert "--notify-config=/etc/sealer/notify/notify.json" in pod()["containers"][0]["args"]


def mounted_files() -> set[str]:
    """The files that the pod finds, by the volume's sources."""
    [volume] = [one for one in pod()["volumes"] if one["name"] == "notify"]
    [mount] = [one for one in pod()["containers"][0]["volumeMounts"] if one["name"] == "notify"]
    files = {f"{mount['mountPath']}/{key}" for key in config_map()["data"]}
    for source in volume["projected"]["sources"]:
        for item in source.get("secret", {}).get("items", ()):
            files.add(f"{mount['mountPath']}/{item['path']}")
    return files


def test_no_url_of_a_secret_is_in_the_config_map() -> None:
    assert set(config_map()["data"]) == {"notify.json", "flux.url"}
    assert "http" not in json.dumps(config_map()["data"]["notify.json"])


@pytest.mark.parametrize(
    "receiver",
    [
        pytest.param({"name": "x", "kind": "slack", "url": "https://hooks"}, id="url-in-clear"),
        pytest.param({"name": "x", "kind": "slack"}, id="no-url"),
        pytest.param({"name": "x", "kind": "irc"}, id="kind"),
        pytest.param({"name": "../x", "kind": "flux"}, id="name"),
    ],
)
def test_a_wrong_receiver_is_refused(receiver: dict[str, Any]) -> None:
    with pytest.raises(HelmError):
        render({"notifications": {"receivers": [receiver]}})


def test_the_pod_waits_for_no_secret_of_a_receiver() -> None:
    # A sealed one is made by this very pod.
    [volume] = [one for one in pod()["volumes"] if one["name"] == "notify"]
    secrets = [one["secret"] for one in volume["projected"]["sources"] if "secret" in one]
    assert len(secrets) >= 3
    assert {one.get("optional") for one in secrets} == {True}
