"""What ``seal convert`` writes is taken by ``seal vault check`` and by a real API server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sealer.manifest import read_documents
from tests.testbed.cluster import ControlPlane, place
from tests.testbed.foreign_manifests import ALL, NODE, SAME_NAME

SEAL = str(Path(sys.executable).parent / "seal")


def run(*arguments: object, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [SEAL, *map(str, arguments)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ALL)
def test_the_result_is_taken_by_check_and_by_the_api_server(plane: ControlPlane, name: str) -> None:
    done = run("convert", text=ALL[name])
    assert done.returncode == 0, done.stderr
    checked = run("vault", "check", text=done.stdout)
    assert (checked.returncode, "error" in checked.stderr) == (0, False), checked.stderr
    created = 0
    for document in read_documents(done.stdout, name):
        for resource in document.resources() if not document.is_empty else ():
            metadata = resource.value["metadata"]
            if "namespace" in metadata or resource.kind != "ClusterKeyVault":
                metadata["namespace"] = "default"
            path = f"{place(resource.value)}?dryRun=All&fieldValidation=Strict"
            plane.api.request("POST", path, resource.value)
            created += 1
    assert created


def test_a_chart_is_told_from_a_manifest_with_templates_of_its_own(tmp_path: Path) -> None:
    chart = tmp_path / "chart.yaml"
    chart.write_text(SAME_NAME.replace("name: azure", "name: {{ .Values.store }}"))
    done = run("convert", chart)
    assert done.returncode == 1
    assert f"{chart}:5: is a template, and no manifest yet" in done.stderr
    block = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}\n"
    done = run("convert", text=block)
    assert "<stdin>:4: is a template, and no manifest yet" in done.stderr
    assert "helm template" in done.stderr
    inside = SAME_NAME.replace('"Bearer {{ .AUTH }}"', "a").replace("data: {AUTH: a, ", "data: {")
    inside = inside.replace('URL: "https://{{ .AUTH }}@shop"}', "}")
    inside = inside.replace(
        "      data: {}\n", "      data:\n        A: |\n          {{ .AUTH }}\n"
    )
    assert run("convert", text=inside).returncode == 0


def test_a_folder_is_converted_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SAME_NAME)
    (tmp_path / "b.yaml").write_text(f"# the store\n{NODE}")
    (tmp_path / "c.txt").write_text("not: [yaml")
    done = run("convert", tmp_path)
    assert done.returncode == 0
    assert "name: shop-azure\n    kind: ClusterKeyVault" in done.stdout


def test_lists_are_taken_apart_and_other_kinds_passed_over() -> None:
    import json

    (store,) = read_documents(NODE, "store")
    items = [store.value, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    done = run("convert", text=text)
    assert done.returncode == 0
    assert "kind: ClusterKeyVault" in done.stdout
    assert "ConfigMap a is passed over" in done.stderr


def test_one_broken_file_leaves_nothing_half_done(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(SAME_NAME.replace("{key: auth}", "[auth]"))
    done = run("convert", broken, "-", text=NODE)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{broken}:9: ExternalSecret shop/app: spec.data[0].remoteRef: must be" in done.stderr
