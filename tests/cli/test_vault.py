"""``seal vault check``, ``seal vault explain`` and ``seal convert``."""

from __future__ import annotations

import os
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
    assert "no problems found in 2 KeyVaultSecrets and 2 vaults" in done.stderr


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
    assert f"<stdin>:{line}:" in done.stdout
    assert words in done.stdout


def test_check_knows_which_addresses_are_asked() -> None:
    vault = """\
apiVersion: keyvault.sealer.dev/v1alpha1
kind: KeyVault
metadata: {name: shop, namespace: shop}
spec:
  url: https://shop.vault.corp.example
  auth: {workloadIdentity: {serviceAccountName: shop}}
"""
    assert "<stdin>:5:" in run("vault", "check", text=vault).stdout
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


def commands(text: str, folder: Path) -> list[list[str]]:
    """What a shell makes of the commands of ``explain``: the words of each."""
    done = run("vault", "explain", text=text)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("    ")]
    log = folder / "log"
    stub = f'#!/bin/sh\nprintf "%s\\036" "${{0##*/}}" "$@" >>{log}; echo >>{log}; echo "<$2>"\n'
    for name in ("az", "kubectl"):
        (folder / name).write_text(stub)
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "IDENTITY": "my id", "GROUP": "g"}
    environment |= {"CLUSTER": "aks", "CLUSTER_GROUP": "cg", "NAMESPACE": "later"}
    script = "set -eu\n" + "\n".join(lines)
    subprocess.run(["sh", "-c", script], cwd=folder, env=environment, check=True)
    return [line.split("\036")[:-1] for line in log.read_text().split("\n") if line]


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def test_the_commands_of_explain_can_be_pasted(tmp_path: Path) -> None:
    made = commands(f"{FEDERATED}{ONE}  - {{key: k, from: {{key: sign}}}}\n", tmp_path)
    roles = [one for one in made if one[1:3] == ["role", "assignment"]]
    assert [option(one, "--role") for one in roles] == [
        "Key Vault Secrets User",
        "Key Vault Reader",
    ]
    assert {option(one, "--assignee") for one in roles} == {"<show>"}
    (federation,) = (one for one in made if "federated-credential" in one)
    assert option(federation, "--subject") == "system:serviceaccount:shop:shop"
    assert option(federation, "--audiences") == "api://AzureADTokenExchange"
    assert option(federation, "--issuer") == "<show>"
    assert option(federation, "--identity-name") == "my id"
    (policy,) = (one for one in made if "set-policy" in one)
    assert option(policy, "--secret-permissions") == "get"
    assert option(policy, "--key-permissions") == "get"
    labelled = [one for one in made if one[0] == "kubectl"]
    assert labelled[0][-1] == "keyvault.sealer.dev/use=true"
    assert labelled[1][-1] == "azure.workload.identity/client-id=<show>"


def test_a_namespace_that_the_manifest_leaves_open_is_a_variable(tmp_path: Path) -> None:
    text = FEDERATED.replace(", namespace: shop", "") + ONE.replace(", namespace: shop", "")
    made = commands(text, tmp_path)
    (federation,) = (one for one in made if "federated-credential" in one)
    assert option(federation, "--subject") == "system:serviceaccount:later:shop"


def test_a_hostile_manifest_runs_nothing_in_a_pasted_command(tmp_path: Path) -> None:
    text = FEDERATED.replace("https://shop", "'https://$(touch x);touch y #")
    text = text.replace("cloudapi.net\n", "cloudapi.net'\n").replace("Name: shop", "Name: 'a;id'")
    made = commands(text, tmp_path)
    assert not {"x", "y"} & {path.name for path in tmp_path.iterdir()}
    (federation,) = (one for one in made if "federated-credential" in one)
    assert option(federation, "--subject") == "system:serviceaccount:shop:a;id"


def test_explain_tells_each_vaults_roles_once() -> None:
    second = ONE.replace("name: db", "name: other")
    done = run("vault", "explain", text=f"{FEDERATED}{ONE}---\n{second}")
    assert done.stdout.count("az role assignment create") == 1
    assert "az cloud set --name AzureUSGovernment" in done.stdout


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
                "| trim }}",
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


FEDERATED = """\
apiVersion: keyvault.sealer.dev/v1alpha1
kind: KeyVault
metadata: {name: shop, namespace: shop}
spec:
  url: https://shop.vault.usgovcloudapi.net
  auth: {workloadIdentity: {serviceAccountName: shop}}
---
"""
CLUSTER_VAULT = """\
apiVersion: keyvault.sealer.dev/v1alpha1
kind: ClusterKeyVault
metadata: {name: shop}
spec:
  url: https://shop.vault.azure.net
  auth: {controllerIdentity: {}}
  allow:
    - {namespaces: [shop], objects: ["shop-*"]}
---
"""
VAULT_ELSEWHERE = (
    CLUSTER_VAULT.replace("ClusterKeyVault", "KeyVault")
    .replace("{name: shop}", "{name: shop, namespace: mail}")
    .replace("controllerIdentity: {}", "workloadIdentity: {serviceAccountName: a}")
    .replace('  allow:\n    - {namespaces: [shop], objects: ["shop-*"]}\n', "")
)
ONE = SECRET + "  - {key: a, from: {secret: a}}\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param(ONE.replace("v1alpha1", "v1"), 1, "must be keyvault", id="version"),
        pytest.param(ONE + "  refersh: Once\n", 8, "is no field", id="unknown-field"),
        pytest.param(
            SECRET + "  - {key: a, from: {secret: a, propertie: b}}\n", 7, "is no field", id="deep"
        ),
        pytest.param(ONE.replace("vaultRef: {name: shop}", "vaultRef: {}"), 5, "missing", id="ref"),
        pytest.param(ONE.replace("{name: db,", "{name: Db_1,"), 3, "no name Kubernetes", id="name"),
        pytest.param(ONE.replace("name: db, ", ""), 3, "is missing", id="no-name"),
        pytest.param(ONE + "  target: {name: A}\n", 8, "no name Kubernetes", id="target"),
        pytest.param(ONE + "  target: {labels: {prod: yes}}\n", 8, "the boolean true", id="label"),
        pytest.param(
            f"{VAULT_ELSEWHERE}{ONE}", 12, "is in namespace mail, and serves", id="other-namespace"
        ),
        pytest.param(f"{CLUSTER_VAULT}{ONE}", 14, "is a ClusterKeyVault: say so", id="other-kind"),
        pytest.param(
            CLUSTER_VAULT + ONE.replace("{name: shop}", "{name: shop, kind: ClusterKeyVault}"),
            16,
            "does not allow this namespace to have the secret a",
            id="object-not-allowed",
        ),
        pytest.param(
            CLUSTER_VAULT
            + ONE.replace("namespace: shop", "namespace: mail").replace(
                "{name: shop}", "{name: shop, kind: ClusterKeyVault}"
            ),
            14,
            "does not allow namespace mail",
            id="namespace-not-allowed",
        ),
        pytest.param(f"{ONE}---\n{ONE}", 11, "is there twice", id="twice"),
        pytest.param(
            CLUSTER_VAULT.replace('objects: ["shop-*"]', "objects: []"),
            8,
            "allows nothing",
            id="no",
        ),
        pytest.param(
            CLUSTER_VAULT.replace("namespaces: [", 'namespaces: ["team-*", '),
            8,
            "is taken literally",
            id="glob-of-namespaces",
        ),
        pytest.param(f"{CLUSTER_VAULT}{CLUSTER_VAULT}", 12, "is there twice", id="vault-twice"),
        pytest.param(
            f"{ONE}---\n{ONE.replace('name: db', 'name: other')}  target: {{name: db}}\n",
            16,
            "fills the Secret db, as KeyVaultSecret shop/db does",
            id="one-target",
        ),
        pytest.param(
            f"{ONE}---\n{ONE.replace('name: db', 'name: other')}"
            "  target: {name: db, creation: Merge}\n",
            16,
            "fills a of the Secret db",
            id="one-key",
        ),
        pytest.param(
            ONE + '  template: {data: {url: "{{ .a }}", full: "{{ .url }}?x"}}\n',
            8,
            'no key "url"',
            id="another-template",
        ),
        pytest.param(
            ONE + "  target: {creation: Merge, type: Opaque}\n",
            8,
            "says nothing with target.creation: Merge",
            id="type-of-another",
        ),
        pytest.param(
            ONE + '  template: {data: {a: "{{ .a }}"}}\n',
            8,
            "is never rendered",
            id="dead-template",
        ),
        pytest.param(
            FEDERATED.replace("spec:\n", "spec:\n  poll: {interval: ''}\n"),
            5,
            "poll.interval: is empty",
            id="no-interval",
        ),
        pytest.param(
            FEDERATED.replace("spec:\n", "spec:\n  poll: {interval: 9999999999h}\n"),
            5,
            "292 years",
            id="long-interval",
        ),
        pytest.param(
            SECRET + "  - {key: a, from: {secret: a, version: ''}}\n", 7, "empty", id="no-version"
        ),
        pytest.param(
            ONE.replace("namespace: shop}", "namespace: shop, labels: {team: a b}}"),
            3,
            "no label's value",
            id="label",
        ),
    ],
)
def test_check_finds(text: str, line: int, words: str) -> None:
    done = run("vault", "check", text=text)
    assert done.returncode == 1
    findings = [one for one in done.stdout.splitlines() if ": error: " in one]
    assert len(findings) == 1, findings
    assert f"<stdin>:{line}:" in findings[0]
    assert words in findings[0]


def test_no_fault_hides_another_and_none_is_told_twice() -> None:
    text = FEDERATED.replace("usgovcloudapi.net", "azure.net/secrets").replace(
        "workloadIdentity: {serviceAccountName: shop}", "managedIdentity: {}"
    )
    done = run("vault", "check", text=text + ONE.replace("{secret: a}", "{secret: yes}"))
    findings = [one for one in done.stdout.splitlines() if ": error: " in one]
    places = [one.split(" ")[0] for one in findings]
    assert places == ["<stdin>:5:", "<stdin>:6:", "<stdin>:14:"], findings


def test_a_variable_in_an_address_is_told_as_such() -> None:
    done = run("vault", "check", text=FEDERATED.replace("https://shop", "https://${KV}"))
    assert "substitute variables first" in done.stdout


def test_check_lets_one_add_to_the_secret_of_another() -> None:
    second = SECRET.replace("name: db", "name: more") + "  - {key: b, from: {secret: b}}\n"
    text = f"{ONE}---\n{second}  target: {{name: db, creation: Merge}}\n"
    assert run("vault", "check", text=text).returncode == 0


def test_check_warns_of_keys_that_a_type_of_secret_asks_for() -> None:
    text = SECRET + "  - tls: {certificate: web}\n  onVaultDelete: RemoveKey\n"
    done = run("vault", "check", text=text)
    assert done.returncode == 0
    assert "<stdin>:8: warning:" in done.stdout
    assert "cannot take keys out of a Secret of type kubernetes.io/tls" in done.stdout


def test_check_reads_folders_and_warns_of_what_a_conversion_left(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.yaml").write_text(ONE.replace("{secret: a}", "{secret: replace-me}"))
    (tmp_path / "values.yml").write_text("a: 1\n")
    done = run("vault", "check", tmp_path)
    assert done.returncode == 0
    assert "a.yaml:7: warning: " in done.stdout
    assert "still says REPLACE-ME" in done.stdout
    assert run("vault", "check", "--strict", tmp_path).returncode == 1


def test_another_stores_manifest_is_a_comment_and_no_manifest() -> None:
    store = "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: a}\nspec: {}\n"
    done = run("convert", text=store)
    assert done.stdout.startswith("# SecretStore a is not of Azure Key Vault")


def test_nothing_to_convert_is_an_error() -> None:
    assert run("convert", text="apiVersion: v1\nkind: ConfigMap\n").returncode == 1
