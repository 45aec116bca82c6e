"""Each cure that a finding names, applied literally, takes the finding away and brings no other."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sealer.scope import Scope
from tests.check.test_findings import SEAL, Tree, findings, overlay, pod, rules, sealed, write
from tests.sealing_keys import pair
from tests.testbed import binaries
from tests.testbed.fixtures import need

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\n"
SPEC = "apiVersion: keyvault.sealer.dev/v1alpha1\nkind: KeyVaultSecret\n"
KEY_VAULT = SPEC + "metadata: {name: db, namespace: shop}\nspec:\n  vaultRef: {name: v}\n"
TLS = KEY_VAULT + "  data: [{tls: {certificate: web}}]\n"
RENAME = "nameReference:\n- kind: SealedSecret\n  group: bitnami.com\n  fieldSpecs:\n"
KNOWS = RENAME + "  - {kind: Pod, path: spec/containers/envFrom/secretRef/name}\n"


def beside(**files: str) -> Tree:
    names = ", ".join(f"{name}.yaml" for name in files)
    texts = {f"a/{name}.yaml": text for name, text in files.items()}
    return {"a/kustomization.yaml": f"resources: [{names}]\n", **texts}


def swapped(path: str, old: str, new: str) -> Callable[[Tree], Tree]:
    def cure(tree: Tree) -> Tree:
        assert old in tree[path]
        return {**tree, path: tree[path].replace(old, new)}

    return cure


def instead(path: str, text: str) -> Callable[[Tree], Tree]:
    return lambda tree: {**tree, path: text}


def without(path: str) -> Callable[[Tree], Tree]:
    def cure(tree: Tree) -> Tree:
        left = {name: text for name, text in tree.items() if name != path}
        name = path.rpartition("/")[2]
        return {at: text.replace(f", {name}", "") for at, text in left.items()}

    return cure


CURES = [
    pytest.param(
        "renamed", overlay("namePrefix: prod-", db=sealed()),
        instead("base/db.yaml", sealed("prod-db").replace("name: prod-db", "name: db", 1)),
        id="renamed: seal it for that name",
    ),
    pytest.param(
        "renamed", overlay("namePrefix: prod-", db=sealed()),
        instead("base/db.yaml", "# seal:allow wide-scope one for all overlays\n"
                + sealed(scope=Scope.NAMESPACE_WIDE)),
        id="renamed: namespace-wide",
    ),
    pytest.param(
        "moved", overlay("namespace: prod", db=sealed()),
        instead("base/db.yaml", sealed(namespace="prod")), id="moved: seal it for that one",
    ),
    pytest.param(
        "moved", overlay("namespace: prod", db=sealed()),
        swapped("prod/kustomization.yaml", "namespace: prod", ""), id="moved: drop the setting",
    ),
    pytest.param(
        "not-ciphertext", beside(db=sealed().replace("password: AQ", "password: hunter2 #")),
        instead("a/db.yaml", sealed()), id="not-ciphertext: seal it",
    ),
    pytest.param(
        "cleartext-in-template", beside(db=sealed(data={"url": "pg://app:hunter2@db/x"})),
        instead("a/db.yaml", sealed(data={"url": "pg://app:{{ .password }}@db/x"})),
        id="cleartext-in-template: refer to it",
    ),
    pytest.param(
        "dangling-reference",
        overlay("namePrefix: p-", db="# seal:allow wide-scope x\n"
                + sealed(scope=Scope.NAMESPACE_WIDE), pod=pod("name: db")),
        lambda tree: {
            **tree,
            "prod/kustomization.yaml": "configurations: [k.yaml]\n"
            + tree["prod/kustomization.yaml"],
            "prod/k.yaml": KNOWS,
        },
        id="dangling-reference: teach it",
    ),
    pytest.param(
        "refused", beside(db=sealed().replace("password:", "pass word:")),
        instead("a/db.yaml", sealed()), id="refused: another key",
    ),
    pytest.param(
        "refused", beside(db=sealed(type="kubernetes.io/tls")),
        swapped("a/db.yaml", "type: kubernetes.io/tls", "type: Opaque"), id="refused: type",
    ),
    pytest.param(
        "refused", beside(db=sealed(metadata={"labels": {"team": "a b"}})),
        swapped("a/db.yaml", "team: a b", "team: a-b"), id="refused: label",
    ),
    pytest.param(
        "two-owners", beside(db=sealed(), twin=SECRET), without("a/twin.yaml"),
        id="two-owners: take it out",
    ),
    pytest.param(
        "two-owners", beside(db=sealed(), twin=SECRET),
        swapped("a/twin.yaml", "shop}", "shop, annotations: "
                '{sealedsecrets.bitnami.com/patch: "true"}}'),
        id="two-owners: patch",
    ),
    pytest.param(
        "two-owners",
        beside(db=sealed(), twin=KEY_VAULT + "  data: [{key: a, from: {secret: a}}]\n"),
        lambda tree: {**tree, "a/twin.yaml": tree["a/twin.yaml"] + "  target: {creation: Merge}\n"},
        id="two-owners: merge",
    ),
    pytest.param(
        "vault-policy", beside(s=TLS + "  onVaultDelete: RemoveKey\n"),
        swapped("a/s.yaml", "RemoveKey", "Keep"), id="vault-policy: keep",
    ),
    pytest.param(
        "raw-secret", beside(db=SECRET + "stringData: {password: hunter2canary}\n"),
        instead("a/db.yaml", sealed()), id="raw-secret: seal it",
    ),
    pytest.param(
        "raw-helm-values", {"values.yaml": "auth: {password: hunter2canary}\n"},
        instead("values.yaml", "auth: {existingSecret: db}\n"), id="raw-helm-values: refer",
    ),
    pytest.param(
        "possible-credential", {"values.yaml": "auth: {clientSecret: frobnicate}\n"},
        instead("values.yaml", "# seal:allow possible-credential a Secret's name\n"
                "auth: {clientSecret: frobnicate}\n"),
        id="possible-credential: allow it",
    ),
    pytest.param(
        "template-differs", {"db.yaml": sealed().replace("name: db", "name: other", 1)},
        instead("db.yaml", sealed("other")), id="template-differs: seal it again",
    ),
    pytest.param(
        "wide-scope", {"db.yaml": sealed(scope=Scope.CLUSTER_WIDE)},
        lambda tree: {**tree, ".seal.toml": '[[rule]]\npath = "**"\nscope = "cluster-wide"\n'},
        id="wide-scope: a rule",
    ),
    pytest.param(
        "pruned-field", {"db.yaml": sealed(stringdata={"a": "b"})},
        instead("db.yaml", sealed()), id="pruned-field: remove it",
    ),
    pytest.param(
        "yaml-boolean", {"db.yaml": sealed().replace("namespace: shop", "namespace: n", 1)},
        instead("db.yaml", sealed(namespace="n")), id="yaml-boolean: quote it",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "tree", "cure"), CURES)
def test_a_cure_takes_the_finding_away(
    tmp_path: Path, rule: str, tree: Tree, cure: Callable[[Tree], Tree]
) -> None:
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    write(tmp_path / "before", tree)
    assert rule in rules(findings(tmp_path / "before"))
    write(tmp_path / "after", cure(tree))
    assert rules(findings(tmp_path / "after")) == []


def test_what_a_build_of_ones_own_prints_is_judged_by_verify(tmp_path: Path) -> None:
    """The cure of not-rendered: pipe it into seal verify."""
    need("kustomize")
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    text = sealed("prod-db").replace("name: prod-db", "name: db", 1)
    settings = "namePrefix: prod-\nresources: [../base"
    remote = {"prod/kustomization.yaml": f"{settings}, https://x.example/y]\n"}
    for home, db in ((right, text), (wrong, sealed())):
        home.mkdir()
        write(home, {**overlay("", db=db), **remote})
        assert "not-rendered" in rules(findings(home))
        local = {"prod/kustomization.yaml": f"{settings}]\n"}
        write(home, {**local, "k.pem": pair().private_pem().decode()})
    kustomize, verdicts = str(binaries.path("kustomize")), []
    for home in (right, wrong):
        build, verify = [kustomize, "build", "prod"], [SEAL, "verify", "-q", "--key", "k.pem"]
        out = subprocess.run(build, cwd=home, capture_output=True, check=True).stdout
        done = subprocess.run(verify, cwd=home, input=out, capture_output=True, check=False)
        verdicts.append(done.returncode)
    assert verdicts == [0, 1]


def test_what_is_renamed_opens_once_it_is_sealed_for_its_name(tmp_path: Path) -> None:
    """The cure is right, not only quiet: the key decides."""
    made = sealed("prod-db").replace("name: prod-db", "name: db", 1)
    write(
        tmp_path, {**overlay("namePrefix: prod-", db=made), "k.pem": pair().private_pem().decode()}
    )
    assert rules(findings(tmp_path, "--key", "k.pem")) == ["private-key"]
