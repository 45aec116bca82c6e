"""``seal kubeseal`` and kubeseal against a cluster: our controller in it, and the peer's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sealer.keys.keyfile import read_keys
from sealer.keys.ring import KeyRing
from tests.interop import peers
from tests.testbed.cluster import ControlPlane, wait_for
from tests.testbed.controllers import ours, peer

SERVICE = "sealing"
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: prod, labels: {app: shop}, annotations: {note: keep}}
stringData: {password: hunter2}
"""
BOTH = ("kubeseal", "seal kubeseal")


@dataclass
class Cluster:
    """A namespace with a controller and its Service, and how to reach it."""

    plane: ControlPlane
    namespace: str
    controller: Any

    def ring(self) -> KeyRing:
        """The controller's sealing keys."""
        found = [
            {**one, "apiVersion": "v1", "kind": "Secret"}
            for one in self.plane.api.list("Secret", self.namespace)
            if one.get("type") == "kubernetes.io/tls"
        ]
        return KeyRing.of(read_keys(json.dumps({"kind": "List", "items": found}), "cluster"))

    def run(
        self, program: str, arguments: str, folder: Path, *, stdin: str = "", **files: str
    ) -> peers.Outcome:
        """Run one of BOTH with the flags that lead to this controller."""
        command = {"kubeseal": peers.kubeseal, "seal kubeseal": peers.ours}[program]()
        place = f"--controller-name {SERVICE} --controller-namespace {self.namespace}"
        return peers.run(
            command,
            f"--kubeconfig {self.plane.kubeconfig} {place} {arguments}".split(),
            folder / program,
            files={name.replace("_", "."): text for name, text in files.items()},
            stdin=stdin,
        )

    def both(self, arguments: str, folder: Path, *, stdin: str = "", **files: str) -> list[Any]:
        """Run both and return what can be compared."""
        ring = self.ring()
        outcomes = [self.run(program, arguments, folder, stdin=stdin, **files) for program in BOTH]
        return [peers.comparable(one, ring) for one in outcomes]

    def sealed(self, folder: Path, arguments: str = "") -> str:
        """SECRET, sealed by the real kubeseal for this controller."""
        done = self.run("kubeseal", arguments, folder / "sealed", stdin=SECRET)
        assert done.code == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module", params=["ours", "peer"])
def cluster(
    plane: ControlPlane, network: bool, request: pytest.FixtureRequest
) -> Iterator[Cluster]:
    """Each controller in turn, behind the API server's service proxy."""
    if not network:
        pytest.skip("the service proxy needs a network namespace of its own, thus root")
    namespace = plane.api.namespace(f"sealing-{request.param}")
    flags = ("--all-namespaces=false", "--rate-limit=1000", "--rate-limit-burst=1000")
    start = {"ours": ours, "peer": peer}[request.param]
    with start(plane, *flags, namespace=namespace) as controller:
        plane.publish(namespace, SERVICE, controller.port)
        yield Cluster(plane, namespace, controller)


def broken(sealed: str) -> str:
    """The same under another name, which its ciphertext does not fit."""
    manifest = json.loads(sealed)
    manifest["metadata"]["name"] = "renamed"
    return json.dumps(manifest)


def test_fetch_cert(cluster: Cluster, tmp_path: Path) -> None:
    theirs, mine = cluster.both("--fetch-cert", tmp_path)
    assert mine == theirs
    assert mine.stdout.startswith("-----BEGIN CERTIFICATE-----")
    theirs, mine = cluster.both("--fetch-cert -w c.pem", tmp_path / "file")
    assert mine == theirs
    assert mine.files["c.pem"][0] == 0o600


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        pytest.param("", SECRET, id="json"),
        pytest.param("-o yaml --scope namespace-wide", SECRET, id="yaml"),
        pytest.param("--raw --name db -n prod", "hunter2", id="raw"),
        pytest.param("", "a: b: c", id="not YAML"),
    ],
)
def test_sealing_with_the_clusters_certificate(
    cluster: Cluster, arguments: str, stdin: str, tmp_path: Path
) -> None:
    theirs, mine = cluster.both(arguments, tmp_path, stdin=stdin)
    assert mine == theirs
    assert mine.code or "hunter2" in mine.stdout  # opened, so that it can be compared


def test_validate(cluster: Cluster, tmp_path: Path) -> None:
    sealed = cluster.sealed(tmp_path)
    for name, stdin in {
        "good": sealed,
        "twice": sealed + sealed,
        "renamed": broken(sealed),
        "the second renamed": sealed + broken(sealed),
        "another kind": SECRET,
        "bad item": sealed.replace('"encryptedData": {', '"encryptedData": {"x": "%%",'),
        "no items": json.dumps({"metadata": {"name": "x", "namespace": "y"}}),
    }.items():
        theirs, mine = cluster.both("--validate", tmp_path / name, stdin=stdin)
        assert mine == theirs, name


def test_re_encrypt_says_what_kubeseal_says(cluster: Cluster, tmp_path: Path) -> None:
    for name, stdin in {
        "renamed": broken(cluster.sealed(tmp_path)),
        "another kind": SECRET,
    }.items():
        theirs, mine = cluster.both("--re-encrypt", tmp_path / name, stdin=stdin)
        assert mine == theirs, name
        assert mine.code == 1


@pytest.mark.parametrize("mode", ["--fetch-cert", "--validate", "--re-encrypt"])
@pytest.mark.parametrize(
    "flags",
    [
        pytest.param("--controller-name gone", id="no such Service"),
        pytest.param("--controller-namespace gone", id="no such namespace"),
        pytest.param("--token wrong", id="token that nobody knows"),
        pytest.param("--as nobody", id="user without rights"),
        pytest.param("--as nobody --as-group nobodies --as-uid 7", id="group without rights"),
        pytest.param("--server https://127.0.0.1:1", id="nobody there"),
        pytest.param("--request-timeout 30s --context gone", id="no such context"),
    ],
)
def test_the_api_servers_no(cluster: Cluster, mode: str, flags: str, tmp_path: Path) -> None:
    theirs, mine = cluster.both(f"{mode} {flags}", tmp_path, stdin=SECRET)
    assert mine == theirs
    assert mine.code == 1


def test_a_certificate_the_user_does_not_trust(cluster: Cluster, tmp_path: Path) -> None:
    config = json.loads(cluster.plane.kubeconfig.read_text())
    del config["clusters"][0]["cluster"]["certificate-authority"]
    flags = "--kubeconfig config.json --fetch-cert"
    theirs, mine = cluster.both(flags, tmp_path / "untrusted", config_json=json.dumps(config))
    verdict = ": tls: failed to verify certificate: "
    # Why it is not trusted is each TLS library's own word.
    before, _, why = mine.stderr.partition(verdict)
    assert (mine.code, mine.stdout, before) == (
        theirs.code,
        theirs.stdout,
        theirs.stderr.partition(verdict)[0],
    )
    assert "issuer" in why
    flags += " --insecure-skip-tls-verify"
    theirs, mine = cluster.both(flags, tmp_path / "skipped", config_json=json.dumps(config))
    assert mine == theirs
    assert mine.code == 0


def test_re_encrypt_for_a_new_key_changes_ciphertext_only(cluster: Cluster, tmp_path: Path) -> None:
    sealed = cluster.sealed(tmp_path, "-o yaml")
    text = sealed.replace("metadata:\n", "metadata: # mine\n", 1) + "other: field\n"
    before = len(cluster.ring().keys)
    cluster.controller.process.send(10)  # SIGUSR1: make a key
    wait_for("a new key", lambda: len(cluster.ring().keys) > before)
    newest = KeyRing(cluster.ring().keys[:1])
    fresh = newest.keys[0].certificate
    assert fresh is not None
    wait_for("it is in use", lambda: cluster.controller.get("/v1/cert.pem")[1] == fresh.pem)
    mine = cluster.run("seal kubeseal", "--re-encrypt -f s.yaml", tmp_path / "mine", s_yaml=text)
    assert mine.code == 0, mine.stderr
    again = mine.files["s.yaml"][1]
    assert again != text
    assert peers.opened(again, newest) == peers.opened(text, cluster.ring())
    theirs = cluster.run("kubeseal", "--re-encrypt", tmp_path / "theirs", stdin=sealed)
    assert theirs.code == 0, theirs.stderr
    printed = cluster.run("seal kubeseal", "--re-encrypt", tmp_path / "printed", stdin=sealed)
    manifests = [json.loads(peers.opened(one.stdout, newest)) for one in (theirs, printed)]
    assert manifests[1]["spec"]["encryptedData"] == manifests[0]["spec"]["encryptedData"]
    assert manifests[1]["spec"]["template"]["metadata"]["annotations"] == {"note": "keep"}


def test_re_encrypt_keeps_documents_apart(cluster: Cluster, tmp_path: Path) -> None:
    first = json.loads(cluster.sealed(tmp_path, "--scope cluster-wide"))
    second = {**first, "metadata": {**first["metadata"], "name": "second"}}
    line = json.dumps(first) + json.dumps(second)
    theirs, mine = cluster.both("--re-encrypt", tmp_path / "line", stdin=line)
    names = [one["metadata"]["name"] for one in objects(mine.stdout)]
    assert names == [one["metadata"]["name"] for one in objects(theirs.stdout)]
    assert names == ["db", "second"]
    one = cluster.sealed(tmp_path / "yaml sealed", "-o yaml --scope cluster-wide")
    text = f"# head\n{one}---\n# between\n{one.replace('name: db', 'name: b')}# end\n"
    done = cluster.run("seal kubeseal", "--re-encrypt -f f.yaml", tmp_path / "yaml", f_yaml=text)
    assert done.code == 0, done.stderr
    kept = done.files.get("f.yaml", (0, text))[1]
    ring = cluster.ring()
    assert peers.opened(kept, ring) == peers.opened(text, ring)


def objects(text: str) -> list[Any]:
    """The JSON objects of a text."""
    found, decoder = [], json.JSONDecoder()
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def test_the_rows_of_the_page_that_need_a_cluster(cluster: Cluster, tmp_path: Path) -> None:
    for name, stdin in {"nothing": "", "garbage": "a: b: c", "a list": "- a\n"}.items():
        theirs, mine = cluster.both("--validate", tmp_path / name, stdin=stdin)
        assert (theirs.code, theirs.stderr) == (0, "")
        assert (mine.code, mine.stderr.partition(".")[0]) == (1, "error: no sealed secrets found")
    theirs, mine = cluster.both("--re-encrypt -f f.yaml", tmp_path / "empty", f_yaml="- a\n")
    assert theirs.files == {"f.yaml": (0o600, "")}
    assert (mine.code, mine.files) == (1, {})
    if cluster.namespace.endswith("peer"):
        sealed = cluster.sealed(tmp_path)
        theirs, mine = cluster.both("--re-encrypt", tmp_path / "fields", stdin=sealed)
        assert "labels" not in json.loads(theirs.stdout)["spec"]["template"]["metadata"]
        assert json.loads(mine.stdout)["spec"]["template"]["metadata"]["labels"] == {"app": "shop"}


def test_variables_lead_to_the_controller(cluster: Cluster, tmp_path: Path) -> None:
    for program in (peers.kubeseal(), peers.ours()):
        done = peers.run(
            [*program, "--fetch-cert"],
            [],
            tmp_path / Path(program[0]).name / "run",
            files={},
            environment={
                "KUBECONFIG": str(cluster.plane.kubeconfig),
                "SEALED_SECRETS_CONTROLLER_NAME": SERVICE,
                "SEALED_SECRETS_CONTROLLER_NAMESPACE": cluster.namespace,
            },
        )
        assert done.code == 0, done.stderr
        assert done.stdout.encode() == cluster.controller.get("/v1/cert.pem")[1]


@pytest.mark.parametrize(
    "user",
    [
        pytest.param({"tokenFile": "folder/token"}, id="token file beside the kubeconfig"),
        pytest.param(
            {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1",
                    "command": "sh",
                    "args": ["login"],
                    "interactiveMode": "Never",
                }
            },
            id="plugin",
        ),
        pytest.param({}, id="nothing, and a token by flag"),
    ],
)
def test_ways_to_log_in(cluster: Cluster, user: dict[str, Any], tmp_path: Path) -> None:
    config = json.loads(cluster.plane.kubeconfig.read_text())
    token = config["users"][0]["user"]["token"]
    config["users"][0]["user"] = user
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": token},
    }
    files = {
        "config": json.dumps(config),
        "folder/token": token,
        "login": f"echo '{json.dumps(credential)}'",
    }
    flags = "--kubeconfig config --fetch-cert" + ("" if user else f" --token {token}")
    theirs, mine = cluster.both(flags, tmp_path, **files)
    assert mine == theirs
    assert (mine.code, mine.stderr) == (0, "")


def test_in_a_pod_its_own_cluster_is_asked(cluster: Cluster, tmp_path: Path) -> None:
    account = tmp_path / "account"
    account.mkdir()
    config = json.loads(cluster.plane.kubeconfig.read_text())
    (account / "token").write_text(config["users"][0]["user"]["token"])
    (account / "ca.crt").write_bytes(cluster.plane.ca.read_bytes())
    (account / "namespace").write_text("prod")
    target = "/var/run/secrets/kubernetes.io/serviceaccount"
    script = f'mkdir -p {target} && mount --bind {account} {target} && exec "$0" "$@"'
    place = f"--controller-name {SERVICE} --controller-namespace {cluster.namespace}"
    outcomes = [
        peers.comparable(
            peers.run(
                ["unshare", "--mount", "sh", "-c", script, *program],
                place.split(),
                tmp_path / Path(program[0]).name,
                files={},
                stdin=SECRET.replace(", namespace: prod", ""),
                environment={
                    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                    "KUBERNETES_SERVICE_PORT": str(cluster.plane.port),
                },
            ),
            cluster.ring(),
        )
        for program in (peers.kubeseal(), peers.ours())
    ]
    assert outcomes[1] == outcomes[0]
    assert "hunter2" in outcomes[1].stdout
