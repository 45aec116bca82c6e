"""Command lines of kubeseal, and what stands in the folder they run in.

``command_lines.json`` beside this holds what the real kubeseal left behind on each of them;
``python -m tests.interop.command_lines`` writes it anew.
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization

from sealer.keys.pair import KeyPair
from sealer.keys.ring import KeyRing
from tests import sealing_keys
from tests.interop import peers
from tests.interop.peers import Outcome

HEAD = "apiVersion: v1\nkind: Secret\n"
SECRET = (
    HEAD
    + """metadata:
  name: db
  namespace: prod
  labels: {app: "<shop> & co"}
  annotations: {note: "one line that is so long that a YAML writer folds it when it folds at all"}
type: Opaque
stringData: {password: hunter2, lines: "a\\nb\\n", empty: ""}
data: {binary: /wABAg==}
"""
)
PLAIN = HEAD + "metadata: {name: db, namespace: prod}\nstringData: {a: b}\n"
NO_NAMESPACE = HEAD + "metadata: {name: db}\nstringData: {a: b}\n"
RUNTIME = HEAD + (
    "metadata: {name: db, namespace: prod, uid: u, resourceVersion: '1', selfLink: /x,\n"
    "  creationTimestamp: '2020-01-01T00:00:00Z', generation: 3, generateName: g-,\n"
    "  finalizers: [a/b], ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u}],\n"
    "  managedFields: [{manager: kubectl, operation: Update}],\n"
    "  annotations: {kubectl.kubernetes.io/last-applied-configuration: x, keep: y},\n"
    "  unknown: {a: b}}\n"
    "stringData: {a: b}\nimmutable: true\nunknown: 1\n"
)
WIDE = HEAD + (
    "metadata: {name: db, namespace: prod,\n"
    "  annotations: {sealedsecrets.bitnami.com/namespace-wide: 'true'}}\nstringData: {a: b}\n"
)
CLUSTER = HEAD + (
    "metadata: {name: db, annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true'}}\n"
    "stringData: {a: b}\n"
)
TWO = PLAIN + "---\n" + PLAIN.replace("name: db", "name: b")
COERCED = HEAD + (
    "metadata: {name: 5, namespace: n, labels: {n: 012, t: 1e3, big: 12345678901234567890}}\n"
    "stringData: {port: 8080, ratio: 1.50, tiny: 0.00001, on: off, hex: 0x1F, oct: 017,\n"
    "  million: 1e6, t: 2020-01-01, tilde: ~, plain: 1.2.3}\n"
)
AWKWARD = HEAD + (
    "metadata: {name: b.c, namespace: prod, annotations: {'1': on, '2020-01-01': '2021-02-02',\n"
    "  quote: 'it''s \"q\"', colon: 'a: b', dash: '- x', empty: '', space: ' x ', tab: \"a\\tb\",\n"
    "  multi: \"a\\nb\", unicode: 'ü€😀', ctrl: \"\\u0007\", 'y': '1_000',\n"
    "  octal: '017', float: '1e3', base60: '12:30:45', 'null': 'null', bang: '!x', at: '@x',\n"
    "  k10: a, k9: a, K9: a, k09: a, long/key.with-dots: x, hash: 'a #b', end: 'a:'}}\n"
    "stringData: {.dot: a, under_score: b, '10': c, '9': d}\n"
)
CONFIG = (
    "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
    "contexts: [{name: c, context: {cluster: k, user: u, namespace: ctx}},\n"
    "  {name: lost, context: {cluster: nope, user: nope}}]\n"
    "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:1'}}]\n"
    "users: [{name: u, user: {token: t}}]\n"
)
JSON_SECRET = '{"metadata":{"name":"db","namespace":"prod"},"data":{"k":"%s"}}'
SEALED = (
    "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: prod}\n"
)


TEMPLATED = (
    "  template:\n    data:\n      password: '<{{ .password }}>'\n"
    "      url: 'x://{{ .password | b64enc }}@{{ index . \"lines\" | quote }}{{ .gone }}'\n"
)


@dataclass(frozen=True)
class Case:
    """One command line; ``c.pem``, ``k.pem`` and the like are there, and ``secret.yaml``."""

    arguments: str
    stdin: str | bytes = ""
    secret: str | bytes = SECRET
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    parsed: bool = False
    """Compare the files' values: where bytes are kept here, kubeseal writes them anew."""


SEAL = "--cert c.pem"
FILE = "--cert c.pem -f secret.yaml"
OPEN_WITH = "--recovery-unseal --recovery-private-key"
OPEN = f"{OPEN_WITH} k.pem"

CASES = {
    # Sealing
    "json from a file": Case(FILE),
    "yaml from a file": Case(f"{FILE} -o yaml"),
    "json from stdin": Case(SEAL, SECRET),
    "format in capitals": Case(f"{FILE} --format YAML"),
    "format glued": Case(f"{FILE} -oyaml"),
    "format with equals": Case(f"{FILE} -o=yaml --format=json"),
    "format empty": Case(f"{FILE} -o="),
    "format unknown": Case(f"{FILE} -o toml"),
    "operands are ignored": Case(f"{FILE} secret.yaml other"),
    "flags behind -- are operands": Case(f"{FILE} -- -o yaml"),
    "several documents as json": Case(SEAL, TWO),
    "several documents as yaml": Case(f"{SEAL} -o yaml", TWO),
    "json input": Case(SEAL, JSON_SECRET % "YQ=="),
    "concatenated json": Case(SEAL, JSON_SECRET % "YQ==" + "\n" + JSON_SECRET % "Yg=="),
    "server fields go": Case(SEAL, RUNTIME),
    "server fields go, yaml": Case(f"{SEAL} -o yaml", RUNTIME),
    "awkward strings as json": Case(SEAL, AWKWARD),
    "awkward strings as yaml": Case(f"{SEAL} -o yaml", AWKWARD),
    "numbers and booleans become strings": Case(SEAL, COERCED),
    "the same in yaml": Case(f"{SEAL} -o yaml", COERCED),
    "numbers in json become strings": Case(
        SEAL, '{"metadata":{"name":5,"namespace":"prod"},"stringData":{"a":true,"b":1.5}}'
    ),
    "field names in any case": Case(
        SEAL, "METADATA: {Name: db, nameSpace: prod}\nStringData: {a: b}\n"
    ),
    "no kind at all": Case(SEAL, "metadata: {name: a, namespace: prod}\nstringData: {a: b}\n"),
    "a ConfigMap is sealed": Case(SEAL, PLAIN.replace("Secret", "ConfigMap")),
    "a List is not": Case(SEAL, "apiVersion: v1\nkind: List\nitems: []\n"),
    "stringData wins": Case(SEAL, PLAIN + "data: {a: YQ==}\n"),
    "null values": Case(
        SEAL, HEAD + "metadata: {name: a, namespace: prod}\nstringData: {a: ~}\ndata: {b: ~}\n"
    ),
    "anchors and merge keys": Case(
        SEAL,
        "x: &m {name: db, namespace: prod}\nmetadata: {<<: *m, labels: {a: b}}\n"
        "stringData: &d {a: &v b, c: *v}\n",
    ),
    "CRLF": Case(SEAL, PLAIN.replace("\n", "\r\n")),
    "byte order mark": Case(SEAL, "\ufeff" + PLAIN),
    "comments around": Case(SEAL, f"# one\n---\n# two\n{PLAIN}---\n# three\n"),
    "empty data": Case(SEAL, HEAD + "metadata: {name: db, namespace: prod}\n"),
    "empty data allowed": Case(
        f"{SEAL} --allow-empty-data", HEAD + "metadata: {name: db, namespace: prod}\n"
    ),
    "empty data allowed, yaml": Case(
        f"{SEAL} --allow-empty-data=true -o yaml",
        HEAD + "metadata: {name: db, namespace: prod}\n",
    ),
    "first document out, second fails": Case(SEAL, PLAIN + "---\n" + NO_NAMESPACE),
    # Names, namespaces and scopes
    "name overrides every document": Case(f"{SEAL} --name renamed", TWO),
    "no name": Case(SEAL, HEAD + "metadata: {namespace: prod}\nstringData: {a: b}\n"),
    "no namespace": Case(SEAL, NO_NAMESPACE),
    "namespace by flag": Case(f"{SEAL} -n other", NO_NAMESPACE),
    "namespace by environment": Case(
        SEAL, NO_NAMESPACE, environment={"SEALED_SECRETS_NAMESPACE": "other"}
    ),
    "namespace of the kubeconfig": Case(f"{SEAL} --kubeconfig config", NO_NAMESPACE),
    "namespace of KUBECONFIG": Case(SEAL, NO_NAMESPACE, environment={"KUBECONFIG": "gone:config"}),
    "namespace default": Case(
        f"{SEAL} --kubeconfig config",
        NO_NAMESPACE,
        files={"config": CONFIG.replace(", namespace: ctx", "")},
    ),
    "namespace mismatch": Case(f"{FILE} -n other"),
    "namespace the same": Case(f"{FILE} --namespace prod"),
    "namespace with a broken kubeconfig": Case(f"{SEAL} --kubeconfig gone", NO_NAMESPACE),
    "scope namespace-wide": Case(f"{FILE} --scope namespace-wide"),
    "scope cluster-wide": Case(f"{FILE} --scope cluster-wide -o yaml"),
    "scope cluster-wide needs no namespace": Case(f"{SEAL} --scope cluster-wide", NO_NAMESPACE),
    "scope cluster-wide minds no mismatch": Case(f"{FILE} --scope cluster-wide -n other"),
    "scope of the annotations": Case(SEAL, WIDE),
    "scope strict leaves the annotations": Case(f"{SEAL} --scope strict", WIDE),
    "scope flag over annotations": Case(f"{SEAL} --scope cluster-wide", WIDE),
    "scope cluster-wide by annotation": Case(SEAL, CLUSTER),
    "scope by environment": Case(FILE, environment={"SEALED_SECRETS_SCOPE": "cluster-wide"}),
    "scope flag over environment": Case(
        f"{FILE} --scope namespace-wide", environment={"SEALED_SECRETS_SCOPE": "cluster-wide"}
    ),
    "scope unknown in the environment": Case(FILE, environment={"SEALED_SECRETS_SCOPE": "x"}),
    "cert by environment": Case("-f secret.yaml", environment={"SEALED_SECRETS_CERT": "c.pem"}),
    "cert flag over environment": Case(FILE, environment={"SEALED_SECRETS_CERT": "gone.pem"}),
    # Output files
    "write a json file": Case(f"{FILE} -w out.json"),
    "write a yaml file": Case(f"{FILE} -w out.yaml"),
    "write a yml file": Case(f"{FILE} --sealed-secret-file out.yml"),
    "write over a file": Case(f"{FILE} -w secret.yaml"),
    "write and fail": Case(f"{SEAL} -w out.yaml", NO_NAMESPACE),
    "write into nowhere": Case(f"{FILE} -w gone/out.yaml"),
    # Input that does not fit
    "bad base64": Case(SEAL, HEAD + "metadata: {name: a, namespace: b}\ndata: {k: '%%'}\n"),
    "bad base64 in json": Case(SEAL, JSON_SECRET % "Y"),
    "data is a number": Case(SEAL, HEAD + "data: {k: 1}\n"),
    "data is a list": Case(SEAL, HEAD + "data: [a]\n"),
    "data is a string": Case(SEAL, HEAD + "data: a\n"),
    "a value is a list": Case(SEAL, HEAD + "stringData: {a: [1]}\n"),
    "a value is a mapping": Case(SEAL, HEAD + "stringData: {a: {b: c}}\n"),
    "metadata is a list": Case(SEAL, HEAD + "metadata: [a]\n"),
    "the name is a list": Case(SEAL, HEAD + "metadata: {name: [a]}\n"),
    "labels are a list": Case(SEAL, HEAD + "metadata: {labels: [a]}\n"),
    "finalizers are a string": Case(SEAL, HEAD + "metadata: {finalizers: a}\n"),
    "immutable is a string": Case(SEAL, HEAD + "immutable: maybe\n"),
    "nothing": Case(SEAL),
    "only comments": Case(SEAL, "# nothing\n---\n"),
    "a scalar": Case(SEAL, "hello\n"),
    "a list": Case(SEAL, "- a\n"),
    "not YAML": Case(SEAL, "a: b: c\n"),
    "cut JSON": Case(SEAL, '{"a":'),
    "not text": Case(SEAL, b"\xff\xfe\xfd\x80\x81"),
    "no such input file": Case(f"{SEAL} -f gone.yaml"),
    # Certificates
    "no such certificate": Case("--cert gone.pem -f secret.yaml"),
    "certificate is a folder": Case("--cert . -f secret.yaml"),
    "certificate is a private key": Case("--cert k.pem -f secret.yaml"),
    "certificate is no PEM": Case("--cert secret.yaml -f secret.yaml"),
    "certificate expired": Case("--cert expired.pem -f secret.yaml"),
    "certificate not RSA": Case("--cert ec.pem -f secret.yaml"),
    "certificate of the future": Case("--cert future.pem -f secret.yaml"),
    "certificate small": Case("--cert small.pem -f secret.yaml"),
    "certificate chain": Case("--cert chain.pem -f secret.yaml"),
    "certificate by file URL": Case("--cert file://{folder}/c.pem -f secret.yaml"),
    "certificate by bad file URL": Case("--cert file:///gone.pem -f secret.yaml"),
    "certificate by unknown URL": Case("--cert ftp://x/c.pem -f secret.yaml"),
    "certificate by bad URL": Case("--cert %zz -f secret.yaml"),
    "certificate by refused URL": Case("--cert http://127.0.0.1:1/c.pem -f secret.yaml"),
    "certificate comes before the input": Case("--cert gone.pem", "a: b: c"),
    # --raw
    "raw strict": Case(f"{SEAL} --raw -n prod --name db", "hunter2\n"),
    "raw binary": Case(f"{SEAL} --raw -n prod --name db", b"\x00\xff\n"),
    "raw empty": Case(f"{SEAL} --raw -n prod --name db"),
    "raw from a file": Case(f"{SEAL} --raw -n prod --name db --from-file secret.yaml"),
    "raw from a file with a key": Case(f"{SEAL} --raw -n prod --name db --from-file=k=secret.yaml"),
    "raw namespace-wide": Case(f"{SEAL} --raw -n prod --scope namespace-wide", "x"),
    "raw cluster-wide": Case(f"{SEAL} --raw --scope cluster-wide", "x"),
    "raw without namespace": Case(f"{SEAL} --raw --name db", "x"),
    "raw without name": Case(f"{SEAL} --raw -n prod", "x"),
    "raw namespace of the kubeconfig": Case(f"{SEAL} --raw --name db --kubeconfig config", "x"),
    "raw with two files": Case(f"{SEAL} --raw -n prod --name db --from-file a,b"),
    "raw with a file that is gone": Case(f"{SEAL} --raw -n prod --name db --from-file gone"),
    "raw into a file": Case(f"{SEAL} --raw -n prod --name db -w out", "x"),
    "from-file without raw": Case(f"{SEAL} --from-file k=secret.yaml"),
    "raw ignores -f": Case(f"{FILE} --raw -n prod --name db", "x"),
    # --fetch-cert
    "fetch-cert from a file": Case(f"{SEAL} --fetch-cert"),
    "fetch-cert into a file": Case(f"{SEAL} --fetch-cert -w out.pem"),
    "fetch-cert from a file that is gone": Case("--cert gone.pem --fetch-cert"),
    "fetch-cert minds no expiry": Case("--cert expired.pem --fetch-cert"),
    # Without a cluster
    "fetch-cert without kubeconfig": Case("--fetch-cert"),
    "seal without kubeconfig": Case("-f secret.yaml"),
    "validate without kubeconfig": Case("--validate", SEALED),
    "re-encrypt without kubeconfig": Case("--re-encrypt", SEALED),
    "rotate is deprecated": Case("--rotate", SEALED),
    "kubeconfig is gone": Case("--fetch-cert --kubeconfig gone"),
    "kubeconfig is empty": Case("--fetch-cert --kubeconfig config", files={"config": ""}),
    "kubeconfig is broken": Case(
        "--fetch-cert --kubeconfig config", files={"config": "a:\n- b\n}\n"}
    ),
    "API server refuses": Case("--fetch-cert --kubeconfig config"),
    "API server refuses validate": Case("--validate --kubeconfig config", SEALED),
    "API server refuses re-encrypt": Case(
        "--re-encrypt --kubeconfig config --controller-name c --controller-namespace ns", SEALED
    ),
    "server by flag": Case("--fetch-cert --kubeconfig config --server http://127.0.0.1:2"),
    "context is gone": Case("--fetch-cert --kubeconfig config --context gone"),
    "cluster is gone": Case("--fetch-cert --kubeconfig config --cluster gone"),
    "user is gone": Case("--fetch-cert --kubeconfig config --user gone"),
    "context is gone for the namespace": Case(
        f"{SEAL} --raw --name db --kubeconfig config --context gone", "x"
    ),
    "context without cluster": Case("--fetch-cert --kubeconfig config --context lost"),
    "two ways to log in": Case(
        "--fetch-cert --kubeconfig config --username u --password p --token t"
    ),
    "no CA file": Case("--fetch-cert --kubeconfig config --certificate-authority gone"),
    "no client certificate": Case("--fetch-cert --kubeconfig config --client-certificate gone"),
    "impersonation without a user": Case("--fetch-cert --kubeconfig config --as-group g"),
    "bad time-out": Case("--fetch-cert --kubeconfig config --request-timeout soon"),
    # --recovery-unseal
    "unseal": Case(OPEN, "{sealed}"),
    "unseal as yaml": Case(f"{OPEN} -o yaml", "{sealed}"),
    "unseal into a file": Case(f"{OPEN} -w out.yaml", "{sealed}"),
    "unseal from a file": Case(f"{OPEN} -f sealed.yaml"),
    "unseal with several keys": Case(
        "--recovery-unseal --recovery-private-key other.pem,k.pem -f sealed.yaml"
    ),
    "unseal with keys by environment": Case(
        "--recovery-unseal --recovery-private-key other.pem -f sealed.yaml",
        environment={"SEALED_SECRETS_RECOVERY_PRIVATE_KEY": "k.pem"},
    ),
    "unseal with PKCS#8": Case("--recovery-unseal --recovery-private-key pkcs8.pem -f sealed.yaml"),
    "unseal with a key Secret": Case(
        "--recovery-unseal --recovery-private-key key.yaml -f sealed.yaml"
    ),
    "unseal with a List of keys": Case(
        "--recovery-unseal --recovery-private-key keys.yaml -f sealed.yaml"
    ),
    "unseal with keys as Go prints them": Case(f"{OPEN_WITH}=keys.json -f sealed.yaml"),
    "unseal with keys as Go prints them, in YAML": Case(
        f"{OPEN_WITH}=bare-list.yaml -f sealed.yaml"
    ),
    "unseal with a SecretList": Case(f"{OPEN_WITH}=secret-list.yaml -f sealed.yaml"),
    "unseal with a List of another version": Case(f"{OPEN_WITH}=list-v2.yaml -f sealed.yaml"),
    "unseal with a version and no kind": Case(f"{OPEN_WITH}=versioned.yaml -f sealed.yaml"),
    "unseal with a kind and no version": Case(f"{OPEN_WITH}=kind-list.yaml -f sealed.yaml"),
    "unseal with a key Secret without kind": Case(f"{OPEN_WITH}=bare-key.yaml -f sealed.yaml"),
    "unseal with a List of none": Case(
        f"{OPEN_WITH}=none.yaml -f sealed.yaml", files={"none.yaml": "items: []\n"}
    ),
    "unseal with items that are none": Case(
        f"{OPEN_WITH}=none.yaml -f sealed.yaml", files={"none.yaml": "items: 5\n"}
    ),
    "unseal with keys and a stranger": Case(
        f"{OPEN_WITH}=none.yaml -f sealed.yaml", files={"none.yaml": "items: [{data: {a: b}}]\n"}
    ),
    "unseal with the wrong key": Case(
        "--recovery-unseal --recovery-private-key other.pem -f sealed.yaml"
    ),
    "unseal without key": Case("--recovery-unseal -f sealed.yaml"),
    "unseal with a key that is gone": Case("--recovery-unseal --recovery-private-key gone"),
    "unseal with a certificate as key": Case(
        "--recovery-unseal --recovery-private-key c.pem -f sealed.yaml"
    ),
    "unseal with a Secret that is no key": Case(
        "--recovery-unseal --recovery-private-key secret.yaml -f sealed.yaml"
    ),
    "unseal with a bad key Secret": Case(
        "--recovery-unseal --recovery-private-key bad.yaml -f sealed.yaml",
        files={"bad.yaml": HEAD + "data: {tls.key: YQ==}\n"},
    ),
    "unseal bad items": Case(
        OPEN, SEALED + "spec: {encryptedData: {a: '%%', b: YWJj, c: x, d: '', e: 1}}\n"
    ),
    "unseal spec.data": Case(OPEN, SEALED + "spec: {data: YWJj, encryptedData: {}}\n"),
    "unseal nothing": Case(OPEN),
    "unseal a Secret": Case(OPEN, SECRET),
    "unseal another kind": Case(OPEN, "apiVersion: a/v1\nkind: B\n"),
    "unseal another version": Case(OPEN, SEALED.replace("v1alpha1", "v1")),
    "unseal a bad version": Case(OPEN, SEALED.replace("bitnami.com/", "a/b/")),
    "unseal without kind": Case(OPEN, "metadata: {name: db}\n"),
    "unseal another kind without version": Case(OPEN, "kind: Secret\n"),
    "unseal another version without kind": Case(OPEN, "apiVersion: v1\n"),
    "unseal with a version alone": Case(OPEN, "apiVersion: bitnami.com/v1alpha1\n"),
    "unseal with a kind alone": Case(OPEN, "kind: SealedSecret\n"),
    "unseal a List": Case(OPEN, "apiVersion: v1\nkind: List\nitems: []\n"),
    "unseal a Deployment": Case(OPEN, "apiVersion: apps/v1\nkind: Deployment\n"),
    "unseal a scalar": Case(OPEN, "hello"),
    "unseal a name that is a number": Case(OPEN, SEALED.replace("name: db", "name: 5")),
    "unseal a spec that is a number": Case(OPEN, SEALED + "spec: 5\n"),
    "unseal a template that is a list": Case(OPEN, SEALED + "spec: {template: []}\n"),
    "unseal renders templates": Case(
        OPEN,
        SEALED + "spec: {encryptedData: {}, template: {type: x, data: {a: 'x{{ .b }}', b: '',\n"
        "  c: '{{ \"q\" | upper }}', d: ~, e: '{{ index . \"f-g\" }}'}}}\n",
    ),
    "unseal renders sealed values": Case(OPEN, "{templated}"),
    "unseal with bad templates": Case(
        OPEN,
        SEALED
        + "spec: {encryptedData: {x: '', y: '%'}, template: {data: {a: 'x{{ .b', c: '{{ env }}',\n"
        "  i: '{{ nope }}', j: '{{ nope }}'}}}\n",
    ),
    # --merge-into
    "merge into json": Case(f"{SEAL} --merge-into sealed.json", PLAIN, parsed=True),
    "merge into a file that is gone": Case(f"{SEAL} --merge-into gone.json", PLAIN),
    "merge replaces": Case(f"{SEAL} --merge-into sealed.json", SECRET.replace("hunter2", "new")),
    "merge takes name and namespace of the file": Case(
        f"{SEAL} --merge-into sealed.json",
        PLAIN.replace("db", "a").replace("prod", "other"),
        parsed=True,
    ),
    "merge with another namespace": Case(f"{SEAL} --merge-into sealed.json -n other", PLAIN),
    "merge nothing": Case(f"{SEAL} --merge-into sealed.json"),
    "merge no data": Case(f"{SEAL} --merge-into sealed.json", HEAD + "metadata: {name: db}\n"),
    "merge into a Secret": Case(f"{SEAL} --merge-into p.yaml", PLAIN, files={"p.yaml": PLAIN}),
    "merge as yaml": Case(f"{SEAL} --merge-into sealed.json -o yaml", PLAIN),
    # Flags themselves
    "help": Case("--help"),
    "short help": Case("-h"),
    "version": Case("--version"),
    "unknown flag": Case("--nope"),
    "unknown short flag": Case("-z"),
    "unknown flag in a group": Case("-vz"),
    "flag without argument": Case("--cert"),
    "short flag without argument": Case("-f"),
    "bad scope": Case("--scope everywhere"),
    "bad boolean": Case("--raw=maybe"),
    "bad level": Case("-v=loud"),
    "bad klog boolean": Case("--logtostderr=maybe"),
    "bad klog size": Case("--log_file_max_size=big"),
    "bad severity": Case("--stderrthreshold=loud"),
    "bad vmodule": Case("--vmodule=x"),
    "bad trace location": Case("--log_backtrace_at=x"),
    "bad syntax": Case("---cert"),
    "flag group": Case(f"{FILE} -v9 -v=1 -oyaml"),
    "shell quotes in a list": Case('--recovery-unseal --recovery-private-key="k.pem","other.pem"'),
    "broken quotes in a list": Case('--recovery-unseal --recovery-private-key=a,kä"x'),
    "text behind a quoted value": Case('--recovery-unseal --recovery-private-key=a,"k"x'),
    "open quotes in a list": Case('--recovery-unseal --recovery-private-key="k'),
    "quotes in quotes, a comma at the end": Case(
        '--recovery-unseal --recovery-private-key="k""x",'
    ),
    "empty list": Case("--recovery-unseal --recovery-private-key= -f sealed.yaml"),
    "quoting of odd characters": Case("--scope=a\"b\\\a\x7f\x01é😀\u200b\U000e0001'"),
    "short flag of an odd character": Case("-'"),
    "level out of range": Case("-v=99999999999"),
    "negative level": Case(f"{FILE} -v=-1"),
    "klog size with a sign": Case(f"{FILE} --log_file_max_size=7"),
    "severity by number": Case(f"{FILE} --stderrthreshold=1"),
    "vmodule with a bad level": Case("--vmodule=a=b"),
    "vmodule with two levels": Case("--vmodule=a=1=2"),
    "vmodule empty": Case(f"{FILE} --vmodule="),
    "trace location": Case(f"{FILE} --log_backtrace_at=a.go:7"),
    "trace location without line": Case("--log_backtrace_at=a.go:0"),
    "trace location empty": Case(f"{FILE} --log_backtrace_at="),
    "lone dash is an operand": Case(f"{FILE} -"),
    "short help in a group": Case("-vh"),
    "boolean by environment": Case(
        f"{SEAL} -n prod --name db", "x", environment={"SEALED_SECRETS_RAW": "true"}
    ),
    "list by environment grows": Case(
        f"{SEAL} --raw -n prod --name db --from-file a",
        environment={"SEALED_SECRETS_FROM_FILE": "b"},
    ),
    "deprecated flag by environment": Case(
        "", SEALED, environment={"SEALED_SECRETS_ROTATE": "true"}
    ),
    "two Secrets' fields in two cases": Case(
        SEAL,
        "metadata: {name: db, namespace: prod}\nMetadata: {labels: {a: b}}\nstringData: {a: b}\n",
    ),
    "metadata of odd types": Case(
        SEAL,
        "metadata: {name: db, namespace: prod, generation: 3, deletionGracePeriodSeconds: 1,\n"
        "  ownerReferences: x}\nstringData: {a: b}\n",
    ),
    "two faults": Case(SEAL, HEAD + "metadata: {name: [a], labels: [a], generation: x}\n"),
    "a generation that is a string": Case(SEAL, HEAD + "metadata: {generation: x}\n"),
    "a boolean where a list is due": Case(SEAL, HEAD + "metadata: {finalizers: true}\n"),
    "a bad certificate": Case(
        "--cert bad.pem -f secret.yaml",
        files={"bad.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
    ),
    "a bad private key": Case(
        "--recovery-unseal --recovery-private-key bad.pem -f sealed.yaml",
        files={"bad.pem": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
    ),
    "re-encrypt and merge formats": Case(f"{SEAL} --merge-into sealed.json -o toml", PLAIN),
    "unseal keeps the template": Case(
        OPEN,
        SEALED + "spec: {encryptedData: {}, template: {immutable: true, metadata: {annotations:\n"
        "  {sealedsecrets.bitnami.com/skip-set-owner-references: 'true'}}}}\n",
    ),
    "unseal namespace-wide": Case(
        OPEN,
        SEALED.replace(
            "namespace: prod",
            "namespace: prod, annotations: {sealedsecrets.bitnami.com/namespace-wide: 'true'}",
        )
        + "spec: {encryptedData: {a: YWJj}}\n",
    ),
    "unseal bad YAML": Case(OPEN, "a: b: c\n"),
    "unseal cut JSON": Case(OPEN, '{"a":'),
    "merge into bad YAML": Case(f"{SEAL} --merge-into f", PLAIN, files={"f": "a: 1\nb: c: d\n"}),
    **{
        f"base64 {text!r}": Case(SEAL, JSON_SECRET % text)
        for text in (
            "YQ",
            "YQ=",
            "YQ==x",
            "Y",
            "YWJj%",
            "YWJjZA",
            "Y=Q=",
            "=",
            "YQ=x",
            "YWI=YQ==",
            "YWJjYWJj=",
            "YQ\\r\\n==",
            "YW\\nJ",
            "YQ=\\n=",
            "é",
            "YWI=\\n",
            "YQ=\\n",
        )
    },
    **{
        f"number {text}": Case(SEAL, PLAIN.replace("a: b", f"a: {text}"))
        for text in (
            "1.0",
            "1e3",
            "1e6",
            "1e-5",
            "123456.5",
            "-0.0",
            "1e21",
            "0.0001",
            ".inf",
            "-.inf",
            ".nan",
            "1_000",
            "0b11",
            "0o17",
            "+5",
            "1.5e+3",
            "16777216.0",
            "18446744073709551615",
            "99999999999999999999",
            "-9223372036854775808",
            "12:30",
            "0x",
            "1.",
            ".5",
            "1e400",
            "~",
            "''",
            "TRUE",
            "nO",
            "2020-01-01",
        )
    },
    "boolean off": Case(f"{FILE} --raw=false --validate=F"),
    "klog flags do nothing": Case(f"{FILE} -v 9 --logtostderr --vmodule a=1"),
    "klog flags have no variables": Case(FILE, environment={"SEALED_SECRETS_V": "loud"}),
}


def make_files() -> dict[str, str | bytes]:
    """Keys and certificates of every kind."""
    mine, other = sealing_keys.pair("one"), sealing_keys.pair("two")
    key = mine.private_key
    pkcs8 = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    now = sealing_keys.NOW
    day = timedelta(days=1)
    secret = HEAD + "metadata: {{name: {name}}}\ndata: {{tls.key: {key}, tls.crt: ''}}\n"
    keys = [
        secret.format(name=pair.name, key=base64.b64encode(pair.private_pem()).decode())
        for pair in (other, mine)
    ]
    items = "".join("- " + one.replace("\n", "\n  ").rstrip() + "\n" for one in keys)
    bare = items.replace(HEAD.replace("\n", "\n  "), "")
    return {
        "c.pem": mine.certificate.pem,
        "k.pem": mine.private_pem(),
        "other.pem": other.private_pem(),
        "pkcs8.pem": pkcs8,
        "chain.pem": mine.certificate.pem + other.certificate.pem,
        "ec.pem": sealing_keys.certificate_pem(sealing_keys.ec_key()),
        "expired.pem": sealing_keys.certificate_pem(key, start=now - 9 * day, end=now - day),
        "future.pem": sealing_keys.certificate_pem(
            key, start=now + 9999 * day, end=now + 99999 * day
        ),
        "small.pem": sealing_keys.certificate_pem(sealing_keys.rsa_key(1024)),
        "key.yaml": keys[1],
        "keys.yaml": f"apiVersion: v1\nkind: List\nitems:\n{items}",
        # What client-go makes of its own list: no kind anywhere.
        "keys.json": json.dumps({"metadata": {}, **yaml.safe_load(f"items:\n{bare}")}),
        "bare-list.yaml": f"items:\n{bare}",
        "secret-list.yaml": f"apiVersion: v1\nkind: SecretList\nitems:\n{bare}",
        "list-v2.yaml": f"apiVersion: v2\nkind: List\nitems:\n{items}",
        "versioned.yaml": f"apiVersion: v1\nitems:\n{bare}",
        "kind-list.yaml": f"kind: List\nitems:\n{items}",
        "bare-key.yaml": keys[1].replace(HEAD, ""),
        "config": CONFIG,
    }


Files = dict[str, str | bytes]
Runner = Callable[..., Outcome]
RECORD = Path(__file__).with_suffix(".json")


def with_sealed(run: Runner, folder: Path, files: Files) -> Files:
    """Add ``sealed.json`` and ``sealed.yaml``: SECRET, sealed by a program."""
    made = dict(files)
    for name in ("sealed.json", "sealed.yaml"):
        arguments = [*FILE.split(), "-w", name]
        done = run(arguments, folder / name, files={**files, "secret.yaml": SECRET})
        assert done.code == 0, done.stderr
        made[name] = done.files[name][1]
    return made


def outcome_of(run: Runner, case: Case, folder: Path, files: Files) -> Outcome:
    """Run one case; ``files`` are those of ``with_sealed``."""
    sealed = str(files["sealed.yaml"])
    stdin = {
        "{sealed}": sealed,
        "{templated}": sealed.replace("  template:\n", TEMPLATED),
    }.get(str(case.stdin), case.stdin)
    done = run(
        case.arguments.replace("{folder}", str(folder)).split(),
        folder,
        files={**files, **case.files, "secret.yaml": case.secret},
        stdin=stdin,
        environment=case.environment,
    )
    small = KeyPair(sealing_keys.rsa_key(1024), None)
    keyring = KeyRing((sealing_keys.pair("one"), small))
    return peers.comparable(done, keyring, parsed=case.parsed)


def recordable(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON, without the certificates, which are others in each run."""
    text = json.dumps(asdict(outcome))
    text = re.sub(r"(-----BEGIN CERTIFICATE-----).*?(-----END)", r"\1...\2", text)
    found: dict[str, Any] = json.loads(text)
    return found


def recorded() -> dict[str, Any]:
    """What the real kubeseal did, by case."""
    found: dict[str, Any] = json.loads(RECORD.read_text())
    return found


def main() -> None:
    """Run the real kubeseal on every case and write down what it does."""

    def run(*arguments: Any, **options: Any) -> Outcome:
        return peers.run(peers.kubeseal(), *arguments, **options)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = with_sealed(run, folder, make_files())
        made = {
            title: recordable(outcome_of(run, case, folder / str(number), files))
            for number, (title, case) in enumerate(CASES.items())
        }
    RECORD.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
