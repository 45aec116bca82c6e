"""``seal vault check``, ``seal vault explain`` and ``seal convert``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed.vault_manifests import AKV2K8S, CSI, EXTERNAL_SECRET, STORE

SEAL = str(Path(sys.executable).parent / "seal")
EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "key-vault").glob("*.yaml"))


def run(*arguments: object, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [SEAL, *map(str, arguments)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def test_the_examples_are_well() -> None:
    done = run("vault", "check", *EXAMPLES)
    assert (done.returncode, done.stdout) == (0, "")
    assert "2 KeyVaultSecrets and 2 vaults are well" in done.stderr


SECRET = """\
apiVersion: keyvault.sealer.dev/v1alpha1
kind: KeyVaultSecret
metadata: {name: db, namespace: shop}
spec:
  vaultRef: {name: shop}
  data:
"""


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        pytest.param("  - {key: a, from: {secret: a_b}}\n", 7, "no name Azure can have", id="name"),
        pytest.param(
            "  - {key: a, from: {secret: a}}\n  - {key: a, from: {secret: b}}\n",
            8,
            "fills the key a",
            id="conflict",
        ),
        pytest.param("  - find: {regex: '(?=x)'}\n", 7, "no RE2 pattern", id="pattern"),
        pytest.param("  - {key: on, from: {secret: a}}\n", 7, "the boolean true", id="boolean"),
        pytest.param(
            "  - {key: a, from: {secret: a}}\n  template: {data: {b: '{{ .c }}'}}\n",
            8,
            'no key "c"',
            id="missing-key",
        ),
        pytest.param(
            "  - {key: a, from: {secret: a}}\n  template: {data: {b: '{{ .a'}}\n",
            8,
            "template",
            id="template",
        ),
    ],
)
def test_check_tells_file_and_line(body: str, line: int, words: str) -> None:
    done = run("vault", "check", text=SECRET + body)
    assert done.returncode == 1
    assert f"<stdin>:{line}:" in done.stderr
    assert words in done.stderr


def test_check_knows_which_addresses_are_asked() -> None:
    vault = """\
apiVersion: keyvault.sealer.dev/v1alpha1
kind: KeyVault
metadata: {name: shop, namespace: shop}
spec:
  url: https://shop.vault.corp.example
  auth: {workloadIdentity: {serviceAccountName: shop}}
"""
    assert "<stdin>:5:" in run("vault", "check", text=vault).stderr
    allowed = run("vault", "check", "--vault-suffixes", "vault.corp.example", text=vault)
    assert allowed.returncode == 0


def test_check_of_nothing_fails() -> None:
    done = run("vault", "check", text="kind: ConfigMap\napiVersion: v1\n")
    assert done.returncode == 1
    assert "there is no Key Vault manifest in it" in done.stderr


def test_explain_says_what_as_whom_and_how_to_grant_it() -> None:
    done = run("vault", "explain", *EXAMPLES)
    assert done.returncode == 0
    for words in (
        "DB_PASSWORD: the secret db-password",
        "all secrets named feature-* with tags env=prod",
        "service account shop/shop, federated with Entra",
        'az role assignment create --role "Key Vault Secrets User"',
        "--subject system:serviceaccount:shop:shop",
        "the controller's own federated identity",
    ):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(
            EXTERNAL_SECRET,
            (
                "kind: ClusterKeyVault",
                "property: a.b",
                "regex: (?:feature-).*",
                "onVaultDelete: DeleteSecret",
                "# refreshInterval 1h belongs to the vault here",
                "omit:",
                "certificate: tls",
            ),
            id="external-secret",
        ),
        pytest.param(
            STORE,
            ("controllerIdentity: {}", "# this store was open to every namespace"),
            id="cluster-secret-store",
        ),
        pytest.param(
            CSI,
            (
                "url: https://shop.vault.usgovcloudapi.net",
                "certificate: shop-tls",
                "clientId: 11111111-1111-1111-1111-111111111111",
                "secret: db-password",
                "name: app",
            ),
            id="secret-provider-class",
        ),
        pytest.param(
            AKV2K8S,
            (
                "url: https://shop.vault.azure.net",
                "decode: Base64",
                "key: password",
                "# the transf",
            ),
            id="akv2k8s",
        ),
    ],
)
def test_what_is_converted_passes_the_check(source: str, expected: tuple[str, ...]) -> None:
    done = run("convert", text=source)
    assert done.returncode == 0, done.stderr
    for words in expected:
        assert words in done.stdout
    named = done.stdout.replace("REPLACE-ME", "replaced")
    checked = run("vault", "check", text=named)
    assert checked.returncode == 0, checked.stderr


def test_another_stores_manifest_is_a_comment_and_no_manifest() -> None:
    store = "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: a}\nspec: {}\n"
    done = run("convert", text=store)
    assert done.stdout.startswith("# this store is not of Azure Key Vault")


def test_nothing_to_convert_is_an_error() -> None:
    assert run("convert", text="apiVersion: v1\nkind: ConfigMap\n").returncode == 1
