"""Secrets in clear in the shapes that real trees have, and what only looks like them."""

# ruff: noqa: E501  a case a line: a wrapped table of files reads worse

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sealer.check.rules.cleartext import check_raw
from sealer.check.rules.judge import Judge
from sealer.check.rules.sealed import check_sealed
from sealer.check.tree import read_tree
from tests.sealing_keys import pair

SEAL = str(Path(sys.executable).parent / "seal")
HEAD = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}-x\n"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n    bWFkZSB1cA==\n    -----END OPENSSH PRIVATE KEY-----"
BASE64 = base64.b64encode(b"hunter2canary").decode()
SOPS = "ENC[AES256_GCM,data:xx,iv:yy==,tag:zz==,type:str]"
RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n"


def found(path: str, text: str) -> list[tuple[str, int]]:
    tree = read_tree({path: text})
    findings = [*tree.faults, *check_raw(tree, {})]
    assert "canary" not in str(findings)
    return sorted({(one.rule, one.place.line) for one in findings})


TEMPLATES = {
    "a key in a block": (HEAD + f"stringData:\n  id_rsa: |\n    {KEY}\n", 6),
    "an action in column 0": (HEAD + f"data:\n{{{{- if .Values.x }}}}\n  p: {BASE64}\n{{{{- end }}}}\n", 7),
    "a comment behind data": (HEAD + f"data: # a comment\n  password: {BASE64}\n", 6),
    "a URL": (HEAD + 'stringData:\n  url: "postgres://app:hunter2canary@{{ .Values.host }}/db"\n', 6),
    "flow style": (HEAD + f"data: {{password: {BASE64}}}\n", 5),
    "a literal in an action": (HEAD + 'data:\n  password: {{ "hunter2canary" | b64enc }}\n', 6),
    "a literal as an argument": (HEAD + 'data:\n  password: {{ b64enc "hunter2canary" }}\n', 6),
    "a comment behind kind": (HEAD.replace("Secret", "Secret # x") + f"data:\n  p: {BASE64}\n", 6),
    "properties": (HEAD + "stringData:\n  app.properties: |-\n    spring.datasource.password=hunter2canary\n    host={{ .Values.host }}\n", 6),
    "the other branch": (HEAD + "stringData:\n  {{- if .Values.p }}\n  p: {{ .Values.p }}\n  {{- else }}\n  p: hunter2canary\n  {{- end }}\n", 9),
    "Jinja": ("{% if x %}\nkind: Secret\nstringData:\n  user: {{ user }}\n  p: hunter2canary\n{% endif %}\n", 5),
    "no YAML even so": (HEAD + "stringData:\n  p: hunter2canary\n  {{ .a }}: [\n", 6),
}  # fmt: skip
CLEAN = {
    "a configuration": HEAD + "stringData:\n  config.yaml: |\n    port: 8080\n    password: {{ .Values.pw }}\n",
    "a configuration with blocks": HEAD + "stringData:\n  c.yaml: |\n    port: 8080\n{{- if .Values.x }}\n    a: b\n{{- end }}\n",
    "an include": HEAD + "stringData:\n  {{- include \"x\" . | nindent 2 }}\n",
    "a list": HEAD + "data:\n  {{- range $k, $v := .Values.data }}\n  {{ $k }}: {{ $v | b64enc }}\n  {{- end }}\n",
    "over lines": HEAD + "data:\n  p: {{ include \"x\" (dict\n    \"a\" .\n    \"b\" \"c\") }}\n",
    "a template in a template": HEAD + 'stringData:\n  t: \'{{ printf "{{ .password }}" }}\'\n',
    "another kind": HEAD.replace("v1", "external-secrets.io/v1").replace("Secret", "ExternalSecret") + "data:\n  {{ .a }}: b\n",
    "a printed URL": HEAD + 'stringData:\n  url: {{ printf "pg://app:%s@db" .password | quote }}\n',
}  # fmt: skip


QUOTED = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  url: {}\n"


@pytest.mark.parametrize(
    ("url", "in_template", "elsewhere"),
    [
        ("'postgres://app:{{ .Values.p }}@{{ .Values.host }}/db'", [], [("raw-secret", 6)]),
        (
            "'postgres://app:hunter2canary@{{ .Values.host }}/db'",
            [("raw-secret", 6)],
            [("raw-secret", 6)],
        ),
        ("'{{ .Values.url }}'", [], []),
        ("'{{ \"hunter2canary\" | quote }}'", [("raw-secret", 6)], [("raw-secret", 6)]),
        ("hunter2canary", [("raw-secret", 6)], [("raw-secret", 6)]),
    ],
)
def test_a_template_that_is_yaml_by_itself(
    url: str, in_template: list[tuple[str, int]], elsewhere: list[tuple[str, int]]
) -> None:
    assert found("chart/templates/s.yaml", QUOTED.format(url)) == in_template
    # Outside of charts braces may be a password's own.
    assert found("apps/s.yaml", QUOTED.format(url)) == elsewhere


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_secret_in_a_template_is_found_where_it_stands(name: str) -> None:
    text, line = TEMPLATES[name]
    assert found("chart/templates/s.yaml", text) == [("raw-secret", line)]


@pytest.mark.parametrize("name", CLEAN)
def test_a_template_without_a_secret_is_no_finding(name: str) -> None:
    assert found("chart/templates/s.yaml", CLEAN[name]) == []


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("values.yaml", "a: 1\na: 2\npassword: hunter2canary\n", 3),
        ("values.yaml", "a: !vault x\npassword: hunter2canary\n", 2),
        ("values.yaml", "a: [\npassword: hunter2canary\n", 2),
        ("values-prod.yaml", "a:\n b: 1\n  c: 2\nauth:\n  password: hunter2canary\n", 5),
        ("r.yaml", RELEASE + "  values: {a: 1, a: 2}\n  x:\n    password: hunter2canary\n", 7),
    ],
)
def test_values_that_cannot_be_read_are_told_and_looked_over(
    path: str, text: str, line: int
) -> None:
    rules = found(path, text)
    assert ("raw-helm-values", line) in rules
    assert [rule for rule, _ in rules if rule == "unreadable"] != []


def test_values_with_actions_are_no_fault_and_looked_over() -> None:
    text = "{{ if x }}\npassword: hunter2canary\n{{ end }}\ntoken: {{ .token }}\n"
    assert found("values.yaml", text) == [("raw-helm-values", 2)]


def test_our_own_ciphertext_is_known_everywhere(tmp_path: Path) -> None:
    cert = tmp_path / "a.pem"
    cert.write_bytes(pair().certificate.pem)
    done = subprocess.run(
        [SEAL, "raw", "--cert", cert, "--name", "db", "-n", "shop"],
        input=b"v", capture_output=True, check=True,
    )  # fmt: skip
    item = done.stdout.decode().strip()
    values = f"sealedSecrets:\n  encryptedData:\n    JWT_SECRET: {item}\n    password: {item}\n"
    nested = "".join(f"      {line}\n" for line in values.splitlines())
    inline = "".join(f"    {line}\n" for line in values.splitlines())
    assert found("values.yaml", values) == []
    assert found("r.yaml", f"{RELEASE}  values:\n{inline}") == []
    application = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n"
    )
    assert found("a.yaml", f"{application}     values: |\n{nested}") == []
    config = f"apiVersion: v1\nkind: ConfigMap\ndata:\n  values.yaml: |\n{inline}"
    assert found("c.yaml", config) == []
    sealed = (
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: a\n"
        f"  namespace: b\n  annotations: {{password: {item}}}\n"
        f"spec:\n  template:\n    data: {{token: {item}}}\n"
    )
    (source,) = read_tree({"s.yaml": sealed}).sources
    assert list(check_sealed(source, Judge(), lambda _: None)) == []
    assert found("s.yaml", f"apiVersion: v1\nkind: Secret\nstringData: {{p: {item}}}\n") == []


@pytest.mark.parametrize(
    "value",
    [
        "op://vault/item/password", "ref+vault://kv/app#/p", "vault:secret/data/app#password",
        "'{{ db_password }}'", "${P}", "<password>", SOPS, "arn:aws:secretsmanager:eu:1:secret:x",
    ],
)  # fmt: skip
def test_a_secret_and_values_know_the_same_placeholders(value: str) -> None:
    secret = (
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  password: {value}\n"
    )
    assert found("s.yaml", secret) == []
    assert found("values.yaml", f"password: {value}\n") == []


@pytest.mark.parametrize(
    "value",
    ["changeme", "true-ish", "secret:of-mine", "env:mental", "'{{ \"hunter2canary\" }}'", "$ecret"],
)
def test_a_weak_password_in_a_secret_is_no_placeholder(value: str) -> None:
    secret = (
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  password: {value}\n"
    )
    assert found("s.yaml", secret) == [("raw-secret", 5)]


SOPS_FILE = f"user: {SOPS}\nnested:\n  password: {SOPS}\nsops:\n  mac: {SOPS}\n  version: 3.9.0\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SOPS_FILE, []),
        (json.dumps({"data": SOPS, "sops": {"mac": SOPS}}), []),
        (f"P={SOPS}\nsops_mac={SOPS}\nsops_version=3.9.0\n", []),
        (SOPS_FILE + "other: hunter2canary\n", [("raw-secret", 5)]),
        (f"hunter2canary\nmac: {SOPS}\n", [("raw-secret", 5)]),
    ],
)
def test_a_file_of_sops_within_a_secret(text: str, expected: list[tuple[str, int]]) -> None:
    data = base64.b64encode(text.encode()).decode()
    secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata:\n  f.yaml: {data}\n"
    assert found("s.yaml", secret) == expected


SET = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec:\n  template:\n    spec:\n"
HARMLESS_RELEASE = RELEASE + "  postRenderers:\n  - kustomize:\n      patches:\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SET + "      source: {helm: {values: 'password: hunter2canary'}}\n", ("raw-helm-values", 6)),
        (SET + "      sources:\n      - helm: {valuesObject: {password: hunter2canary}}\n", ("raw-helm-values", 7)),
        (SET + "      source:\n        helm:\n          parameters:\n          - name: db.password\n            value: hunter2canary\n", ("raw-helm-values", 10)),
        ("apiVersion: v1\nkind: ConfigMap\ndata:\n  values.yaml: |\n    password: hunter2canary\n", ("raw-helm-values", 4)),
        (HARMLESS_RELEASE + "      - target: {kind: Secret}\n        patch: |\n          - op: add\n            path: /stringData/p\n            value: hunter2canary\n", ("raw-secret", 8)),
        ("apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\nspec:\n  patches:\n  - target: {kind: Secret}\n    patch: |\n      - {op: add, path: /stringData/p, value: hunter2canary}\n", ("raw-secret", 6)),
    ],
)  # fmt: skip
def test_credentials_in_what_hands_values_on(text: str, expected: tuple[str, int]) -> None:
    assert found("a.yaml", text) == [expected]


def test_a_parameter_is_told_by_its_name() -> None:
    text = (
        SET
        + "      source:\n        helm:\n          parameters: [{name: db.password, value: hunter2canary}]\n"
    )
    tree = read_tree({"a.yaml": text})
    (finding,) = check_raw(tree, {})
    assert "Helm value db.password.value is in clear" in finding.message


def test_what_is_doubtful_is_a_warning_that_a_comment_accepts() -> None:
    assert found("values.yaml", "a:\n  clientSecret: grafana\n") == [("possible-credential", 2)]


SEALED = (
    "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: a\n  namespace: b\n"
)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("  labels: {secret: 'yes'}\n", []),
        ("  annotations: {note: '{\"stringData\": {\"password\": \"hunter2canary\"}}'}\n", ["cleartext-in-annotation"]),
        ("  annotations: {note: 'stringData: {p: hunter2canary}'}\n", ["cleartext-in-annotation"]),
        ("  annotations: {note: '{\"stringData\": {\"p\": \"${P}\"}}'}\n", []),
        ("spec: {template: {data: {u: 'url = {{ printf \"pg://app:%s@db\" .password | quote }}'}}}\n", []),
        ("spec: {template: {data: {u: 'url = {{ printf \"pg://app:hunter2canary@db\" | quote }}'}}}\n", ["cleartext-in-template"]),
    ],
)  # fmt: skip
def test_labels_annotations_and_templates_of_a_sealed_secret(
    more: str, expected: list[str]
) -> None:
    (source,) = read_tree({"s.yaml": SEALED + more}).sources
    findings = list(check_sealed(source, Judge(), lambda _: None))
    assert [one.rule for one in findings] == expected
