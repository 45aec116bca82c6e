"""Each rule on a tree of its own, over the real kustomize."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sealer.check.findings import RULES
from sealer.keys.certificate import Certificate
from sealer.keys.pair import generate
from sealer.manifest import to_yaml
from sealer.scope import Scope
from sealer.sealing import seal
from sealer.secret import Secret
from tests.sealing_keys import NOW, YEARS, pair
from tests.testbed import binaries
from tests.testbed.fixtures import need

SEAL = str(Path(sys.executable).parent / "seal")
CANARY = b"hunter2canary"
FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: {name}, namespace: flux-system}}
spec:
  path: ./{path}
  {more}
"""
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: sealed-secrets, namespace: kube-system}
spec: {chart: {spec: {chart: sealed-secrets}}}
"""
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: sealedsecrets.bitnami.com
spec: {group: bitnami.com}
"""
Tree = dict[str, str]


def sealed(
    name: str = "db",
    namespace: str = "shop",
    *,
    certificate: Certificate | None = None,
    scope: Scope = Scope.STRICT,
    **more: Any,
) -> str:
    secret = Secret(name=name, namespace=namespace, data={"password": CANARY})
    made = seal(secret, certificate or pair().certificate, scope=scope).to_dict()
    made["spec"]["template"].update(more)
    return to_yaml(made)


def pod(reference: str, namespace: str = "shop") -> str:
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: {namespace}}}\n"
        f"spec:\n  containers:\n  - name: c\n    envFrom:\n    - secretRef: {{{reference}}}\n"
    )


def write(home: Path, tree: Tree) -> None:
    for path, text in tree.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)


def run(home: Path, *options: str, path: str = "") -> subprocess.CompletedProcess[str]:
    need("kustomize")
    kustomize = str(binaries.path("kustomize"))
    return subprocess.run(
        [SEAL, "check", "--kustomize", kustomize, *options],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **({"PATH": path} if path else {})},
    )


def findings(home: Path, *options: str, path: str = "") -> list[dict[str, Any]]:
    done = run(home, "--format", "json", *options, path=path)
    assert done.returncode in (0, 1), done.stderr
    assert CANARY.decode() not in done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    errors = [one for one in found if one["severity"] == "error"]
    assert done.returncode == (1 if errors else 0)
    return found


def rules(found: list[dict[str, Any]]) -> list[str]:
    return [one["rule"] for one in found]


def overlay(settings: str, **files: str) -> Tree:
    names = ", ".join(f"{name}.yaml" for name in files)
    return {
        "base/kustomization.yaml": f"resources: [{names}]\n",
        "prod/kustomization.yaml": f"resources: [../base]\n{settings}\n",
        **{f"base/{name}.yaml": text for name, text in files.items()},
    }


def flux(path: str, more: str = "", name: str = "apps") -> str:
    return FLUX.format(path=path, more=more, name=name)


TABLE: list[tuple[str, Callable[[], Tree], list[str]]] = [
    ("sound", lambda: overlay("", s=sealed(), pod=pod("name: db")), []),
    (
        "a reference left dangling by a prefix",
        lambda: overlay(
            "namePrefix: p-", s=sealed(scope=Scope.NAMESPACE_WIDE), pod=pod("name: db")
        ),
        ["dangling-reference", "wide-scope"],
    ),
    (
        "an optional reference may dangle",
        lambda: overlay(
            "namePrefix: p-",
            s=sealed(scope=Scope.NAMESPACE_WIDE),
            pod=pod("name: db, optional: true"),
        ),
        ["wide-scope"],
    ),
    (
        "a reference to a Secret the tree never made is somebody else's",
        lambda: overlay("", s=sealed(), pod=pod("name: other")),
        [],
    ),
    (
        "a variable of a template that Flux blanks",
        lambda: {
            "a/s.yaml": sealed(data={"app.conf": "${HOST}:{{ .password }}"}),
            "k.yaml": flux("a", "postBuild: {substitute: {cluster: prod}}"),
        },
        ["flux-blank-variable"],
    ),
    (
        "a variable with a default",
        lambda: {
            "a/s.yaml": sealed(data={"app.conf": "${HOST:=db}:{{ .password }}"}),
            "k.yaml": flux("a", "postBuild: {substitute: {cluster: prod}}"),
        },
        [],
    ),
    (
        "an escaped variable",
        lambda: {
            "a/s.yaml": sealed(data={"app.conf": "$${HOST}:{{ .password }}"}),
            "k.yaml": flux("a", "postBuild: {substitute: {cluster: prod}}"),
        },
        [],
    ),
    (
        "substitution switched off",
        lambda: {
            "a/s.yaml": sealed(data={"app.conf": "${HOST}:{{ .password }}"}).replace(
                "  annotations:\n",
                "  annotations:\n    kustomize.toolkit.fluxcd.io/substitute: disabled\n",
                1,
            ),
            "k.yaml": flux("a", "postBuild: {substitute: {cluster: prod}}"),
        },
        [],
    ),
    (
        "without postBuild nothing is substituted",
        lambda: {"a/s.yaml": sealed(data={"c": "${HOST}:{{ .password }}"}), "k.yaml": flux("a")},
        [],
    ),
    (
        "an expression that breaks Flux's build",
        lambda: {
            "a/s.yaml": sealed(data={"app.conf": "${{ .password }}"}),
            "k.yaml": flux("a", "postBuild: {substitute: {cluster: prod}}"),
        },
        ["flux-bad-variable"],
    ),
    (
        "variables from a ConfigMap of the tree",
        lambda: {
            "a/s.yaml": sealed(data={"app.conf": "${HOST}:${NONE}:{{ .password }}"}),
            "b/c.yaml": "apiVersion: v1\nkind: ConfigMap\n"
            "metadata: {name: vars, namespace: flux-system}\ndata: {HOST: db}\n",
            "k.yaml": flux("a", "postBuild: {substituteFrom: [{kind: ConfigMap, name: vars}]}"),
            "l.yaml": flux("b", name="vars"),
        },
        ["flux-blank-variable"],
    ),
    (
        "variables from who knows where",
        lambda: {
            "a/s.yaml": sealed(data={"app.conf": "${HOST}:{{ .password }}"}),
            "k.yaml": flux("a", "postBuild: {substituteFrom: [{kind: ConfigMap, name: vars}]}"),
        },
        [],
    ),
    (
        "commonMetadata that widens the scope",
        lambda: {
            "a/s.yaml": sealed(),
            "k.yaml": flux(
                "a",
                "commonMetadata: {annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true'}}",
            ),
        },
        ["scope-changed"],
    ),
    (
        "no namespace at all under Flux",
        lambda: {
            "a/s.yaml": sealed().replace("  namespace: shop\n  annotations", "  annotations", 1),
            "k.yaml": flux("a"),
        },
        ["moved"],
    ),
    (
        "a file that is no manifest in a folder that Flux applies whole",
        lambda: {
            "a/s.yaml": sealed(),
            "a/.config.yaml": "# kustomize\nfoo: bar\n",
            "k.yaml": flux("a"),
        },
        ["flux-not-a-manifest"],
    ),
    (
        "a SealedSecret beside the HelmRelease of its controller",
        lambda: {"a/s.yaml": sealed(), "a/r.yaml": RELEASE, "k.yaml": flux("a")},
        ["order-controller"],
    ),
    (
        "a SealedSecret that does not wait for the controller",
        lambda: {
            "a/s.yaml": sealed(),
            "b/r.yaml": RELEASE,
            "k.yaml": flux("a"),
            "l.yaml": flux("b", name="controller"),
        },
        ["order-controller"],
    ),
    (
        "a SealedSecret that waits",
        lambda: {
            "a/s.yaml": sealed(),
            "b/r.yaml": RELEASE,
            "k.yaml": flux("a", "dependsOn: [{name: controller}]"),
            "l.yaml": flux("b", "wait: true", name="controller"),
        },
        [],
    ),
    (
        "a SealedSecret that does not wait for the CRD",
        lambda: {
            "a/s.yaml": sealed(),
            "b/c.yaml": CRD,
            "k.yaml": flux("a"),
            "l.yaml": flux("b", name="crds"),
        },
        ["order-crd"],
    ),
    (
        "the CRD in the same Flux Kustomization",
        lambda: {"a/s.yaml": sealed(), "a/c.yaml": CRD, "k.yaml": flux("a")},
        [],
    ),
    (
        "a Secret needed for the build that makes it",
        lambda: {
            "a/s.yaml": sealed(namespace="flux-system"),
            "k.yaml": flux("a", "postBuild: {substituteFrom: [{kind: Secret, name: db}]}"),
        },
        ["order-secret"],
    ),
    (
        "a sync wave after the workload",
        lambda: overlay(
            "",
            s=sealed().replace(
                "  annotations:\n", '  annotations:\n    argocd.argoproj.io/sync-wave: "5"\n', 1
            ),
            pod=pod("name: db"),
        ),
        ["order-secret"],
    ),
    (
        "a build that fails",
        lambda: {"a/kustomization.yaml": "resources: [missing.yaml]\n"},
        ["build-failed"],
    ),
    (
        "a base from the network",
        lambda: {"a/kustomization.yaml": "resources: ['https://example.invalid/x.yaml']\n"},
        ["not-rendered"],
    ),
    (
        "a Component alone is nobody's root",
        lambda: {
            "a/kustomization.yaml": "kind: Component\n"
            "apiVersion: kustomize.config.k8s.io/v1alpha1\n"
        },
        [],
    ),
    (
        "a template that names another name",
        lambda: {"s.yaml": sealed().replace("name: db", "name: db2", 1)},
        ["template-differs"],
    ),
    (
        "a scope that is wide",
        lambda: {"s.yaml": sealed(scope=Scope.CLUSTER_WIDE)},
        ["wide-scope"],
    ),
    (
        "a scope that a rule asks for",
        lambda: {
            "s.yaml": sealed(scope=Scope.CLUSTER_WIDE),
            ".seal.toml": '[[rule]]\npath = "*"\nscope = "cluster-wide"\n',
        },
        [],
    ),
    (
        "an unquoted boolean",
        lambda: {"s.yaml": sealed().replace("namespace: shop", "namespace: n")},
        ["yaml-boolean", "yaml-boolean"],
    ),
    (
        "a field that is dropped",
        lambda: {"s.yaml": sealed(labels={"a": "b"})},
        ["pruned-field"],
    ),
    (
        "YAML that cannot be read",
        lambda: {"s.yaml": "apiVersion: v1\nkind: Secret\ndata: {a: b\n"},
        ["unreadable"],
    ),
]


@pytest.mark.parametrize(
    ("make", "expected"), [pytest.param(make, want, id=name) for name, make, want in TABLE]
)
def test_a_tree_has_these_findings(
    tmp_path: Path, make: Callable[[], Tree], expected: list[str]
) -> None:
    write(tmp_path, make())
    assert sorted(rules(findings(tmp_path))) == sorted(expected)


REMOTE = [
    "resources: ['{http}/a']",
    "resources: ['HTTP://{host}/a']",
    "RESOURCES: ['{http}/a']",
    "re\u017fources: ['{http}/a']",
    "resources: ['{http}/a']\nResources: []",
    "resources: ['user@{host}:org/repo//x']",
    "resources: ['org-1@github.com:o/r']",
    "resources: ['GitHub.com/o/r']",
    "resources: ['git::{http}/o/r']",
    "patches: [{{Path: '{http}/a'}}]",
    "configMapGenerator: [{{name: a, Files: ['x={http}/a']}}]",
    "generators:\n- |\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n"
    "  metadata: {{name: a}}\n  files: ['x={http}/a']",
    "generators: [../gen/file.yaml]",
    "generators: [../gen]",
    "transformers:\n- |\n  apiVersion: builtin\n  kind: PatchTransformer\n"
    "  metadata: {{name: a}}\n  path: {http}/a",
]


@pytest.mark.parametrize("settings", REMOTE)
def test_nothing_is_fetched_unless_asked_for(tmp_path: Path, settings: str) -> None:
    """Neither by the rules, which do not build such a tree, nor by a build."""
    asked: list[str] = []
    (tmp_path / "bin").mkdir()
    git = tmp_path / "bin" / "git"
    # What seal itself asks of git begins with -C.
    git.write_text(f'#!/bin/sh\n[ "$1" = -C ] || echo git >> {tmp_path}/asked\nexit 1\n')
    git.chmod(0o755)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        host = f"127.0.0.1:{server.server_port}"
        text = settings.format(http=f"http://{host}", host=host)
        generator = (
            "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: a}\n"
            f"files: ['x=http://{host}/a']\n"
        )
        write(
            tmp_path / "tree",
            {
                "app/kustomization.yaml": text + "\n",
                "gen/file.yaml": generator,
                "gen/kustomization.yaml": "resources: [file.yaml]\n",
            },
        )
        path = f"{tmp_path}/bin:{os.environ['PATH']}"
        found = findings(tmp_path / "tree", path=path)
        assert not asked
        assert not (tmp_path / "asked").exists()
        remote = run(tmp_path / "tree", "--remote", path=path)
    assert "not-rendered" in rules(found)
    assert "not-rendered" not in remote.stdout
    assert asked or (tmp_path / "asked").exists()


def test_with_require_known_every_reference_must_be_made_by_the_tree(tmp_path: Path) -> None:
    write(tmp_path, overlay("", s=sealed(), pod=pod("name: other")))
    (one,) = findings(tmp_path, "--require-known")
    assert (one["rule"], one["path"], one["line"]) == ("unknown-reference", "base/pod.yaml", 8)


def test_a_dangling_reference_is_told_where_it_is_written(tmp_path: Path) -> None:
    wide = sealed(scope=Scope.NAMESPACE_WIDE)
    write(tmp_path, overlay("namePrefix: p-", s=wide, pod=pod("name: db")))
    one = next(one for one in findings(tmp_path) if one["rule"] == "dangling-reference")
    assert (one["path"], one["line"]) == ("base/pod.yaml", 8)
    assert one["related"][0]["path"] == "prod/kustomization.yaml"
    assert one["related"][0]["line"] == 2


def cert_file(home: Path, name: str, certificate: Certificate) -> str:
    path = home / f"{name}.pem"
    path.write_bytes(certificate.pem)
    return str(path)


def test_a_fingerprint_that_no_certificate_has_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"tree/s.yaml": sealed(certificate=pair("two").certificate)})
    one = cert_file(tmp_path, "one", pair("one").certificate)
    two = cert_file(tmp_path, "two", pair("two").certificate)
    assert rules(findings(tmp_path / "tree", "--cert", one)) == ["unknown-certificate"]
    assert "unknown-certificate" not in rules(
        findings(tmp_path / "tree", "--cert", one, "--cert", two)
    )


def test_the_rule_file_says_which_certificates_open_a_path(tmp_path: Path) -> None:
    cert_file(tmp_path, "prod", pair("prod").certificate)
    text = '[[rule]]\npath = "prod/**"\ncert = "prod.pem"\n'
    tree = {
        ".seal.toml": text,
        "prod/s.yaml": sealed(certificate=pair("dev").certificate),
        "dev/s.yaml": sealed(certificate=pair("dev").certificate),
    }
    write(tmp_path, tree)
    found = findings(tmp_path)
    assert [(one["rule"], one["path"]) for one in found] == [("unknown-certificate", "prod/s.yaml")]


def test_an_accepted_certificate_is_superseded_and_opens(tmp_path: Path) -> None:
    cert_file(tmp_path, "new", pair("new").certificate)
    cert_file(tmp_path, "old", pair("old").certificate)
    write(
        tmp_path,
        {
            ".seal.toml": '[[rule]]\npath = "*"\ncert = "new.pem"\naccept = ["old.pem"]\n',
            "s.yaml": sealed(certificate=pair("old").certificate),
        },
    )
    assert rules(findings(tmp_path)) == ["superseded-certificate"]
    assert run(tmp_path).returncode == 0
    assert run(tmp_path, "--strict").returncode == 1


def test_a_newer_certificate_given_supersedes_an_older_one(tmp_path: Path) -> None:
    newer = generate(now=NOW + timedelta(days=30), validity=YEARS, bits=2048)
    assert newer.certificate is not None
    old = cert_file(tmp_path, "old", pair().certificate)
    new = cert_file(tmp_path, "new", newer.certificate)
    write(tmp_path, {"tree/s.yaml": sealed()})
    found = findings(tmp_path / "tree", "--cert", old, "--cert", new)
    assert rules(found) == ["superseded-certificate"]


def test_a_private_key_makes_the_verdict_certain(tmp_path: Path) -> None:
    key = tmp_path / "two.key"
    key.write_bytes(pair("two").private_pem())
    write(
        tmp_path,
        {"tree/s.yaml": sealed(), "tree/t.yaml": sealed("t", certificate=pair("two").certificate)},
    )
    found = findings(tmp_path / "tree", "--key", str(key))
    assert [(one["rule"], one["path"]) for one in found] == [("does-not-open", "s.yaml")]


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        pytest.param("# seal:allow raw-secret a test fixture\n", [], id="head of the document"),
        pytest.param("# seal:allow raw-generator other rule\n", ["raw-secret"], id="other rule"),
        pytest.param(
            "# seal:allow raw-secret\n", ["allow-without-reason", "raw-secret"], id="no reason"
        ),
        pytest.param(
            "# seal:allow raw-secrt why\n", ["allow-without-reason", "raw-secret"], id="no rule"
        ),
    ],
)
def test_a_comment_allows_with_a_reason(tmp_path: Path, comment: str, expected: list[str]) -> None:
    raw = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {p: hunter2}\n"
    write(tmp_path, {"s.yaml": comment + raw})
    assert sorted(rules(findings(tmp_path))) == expected


def test_a_comment_beside_the_line_allows_that_line_alone(tmp_path: Path) -> None:
    raw = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n"
    raw += "  p: hunter2  # seal:allow raw-secret known to all\n---\n" + raw + "  p: hunter2\n"
    write(tmp_path, {"s.yaml": raw})
    assert [(one["rule"], one["line"]) for one in findings(tmp_path)] == [("raw-secret", 11)]


def test_a_table_of_the_rule_file_allows_by_path(tmp_path: Path) -> None:
    raw = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {p: hunter2}\n"
    allow = '[[allow]]\nrule = "raw-secret"\npath = "tests/**"\nreason = "not real"\n'
    write(tmp_path, {"tests/s.yaml": raw, "apps/s.yaml": raw, ".seal.toml": allow})
    assert [one["path"] for one in findings(tmp_path)] == ["apps/s.yaml"]


def test_paths_choose_what_is_looked_at_with_every_overlay_that_reads_it(tmp_path: Path) -> None:
    tree = overlay("namePrefix: p-", s=sealed())
    tree["other/s.yaml"] = "kind: Secret\napiVersion: v1\nmetadata: {name: a}\ndata: {a: Yg==}\n"
    write(tmp_path, tree)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert rules(findings(tmp_path, "base/s.yaml")) == ["renamed"]
    assert rules(findings(tmp_path, "other")) == ["raw-secret"]
    assert rules(findings(tmp_path / "base")) == ["renamed"]
    assert sorted(rules(findings(tmp_path))) == ["raw-secret", "renamed"]


def test_a_missing_kustomize_is_an_error_and_never_a_pass(tmp_path: Path) -> None:
    write(tmp_path, overlay("namePrefix: p-", s=sealed()))
    git = tmp_path / "bin"
    git.mkdir()
    (git / "git").symlink_to(str(shutil.which("git")))
    done = subprocess.run(
        [SEAL, "check"],
        cwd=tmp_path,
        env={"PATH": str(git)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "no kustomize" in done.stderr


def test_every_rule_is_shown_by_a_test() -> None:
    here = Path(__file__).parent
    texts = "".join(path.read_text() for path in here.glob("*.py"))
    assert [rule for rule in RULES if f'"{rule}"' not in texts] == []


def test_no_rule_is_unknown_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()
    assert [rule for rule in RULES if f"### {rule}\n" not in page] == []
