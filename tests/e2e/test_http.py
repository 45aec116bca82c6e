"""The HTTP endpoints: what kubeseal, the API server's proxy and Kubernetes ask of them."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sealer import Scope
from sealer.keys.certificate import Certificate
from sealer.page import Cluster, build
from tests.e2e.conftest import World, new_pair
from tests.testbed import binaries
from tests.testbed.cluster import (
    ApiError,
    ControlPlane,
    Manifest,
    StartError,
    free_port,
    wait_for,
)
from tests.testbed.controllers import NAMESPACE, SERVICE, Controller, ours


@pytest.fixture(scope="module")
def controller(plane: ControlPlane, pair: Any, network: bool) -> Iterator[Controller]:
    """A controller that the API server's proxy reaches, without a rate limit in the way."""
    with ours(plane, "--rate-limit=1000", "--rate-limit-burst=1000", "--page") as running:
        if network:
            plane.publish(NAMESPACE, SERVICE, running.port)
        yield running
        if network:
            plane.unpublish(NAMESPACE, SERVICE)


def post(controller: Controller, path: str, manifest: Any) -> tuple[int, bytes]:
    """POST a manifest as JSON."""
    return controller.ask("POST", path, json.dumps(manifest).encode())


def test_health_and_certificate(world: World, controller: Controller) -> None:
    assert controller.get("/healthz") == (200, b"ok\n")
    assert controller.get("/readyz") == (200, b"ok\n")
    status, pem = controller.get("/v1/cert.pem")
    assert (status, pem) == (200, world.certificate.pem)


def test_the_page_is_that_of_seal_for_the_newest_certificate(
    world: World, controller: Controller
) -> None:
    certificate = Certificate.from_pem(world.certificate.pem)
    page = build([Cluster("this cluster", certificate)])
    assert controller.get("/v1/page") == (200, page)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        pytest.param("GET", "/v1/verify", 405, id="verify-by-get"),
        pytest.param("DELETE", "/v1/cert.pem", 405, id="cert-by-delete"),
        pytest.param("POST", "/v1/rotate", 500, id="rotate-of-nothing"),
        pytest.param("POST", "/v1/verify", 500, id="verify-of-nothing"),
        pytest.param("GET", "/", 404, id="root"),
        pytest.param("GET", "/v1/other", 404, id="unknown"),
    ],
)
def test_methods_and_paths_are_checked(
    controller: Controller, method: str, path: str, code: int
) -> None:
    assert controller.ask(method, path, b"" if method == "POST" else None)[0] == code


def test_verify_says_yes_or_no_and_nothing_more(world: World, controller: Controller) -> None:
    good = world.sealed()
    assert post(controller, "/v1/verify", good) == (200, b"")
    moved = {**good, "metadata": {**good["metadata"], "name": "moved"}}
    assert post(controller, "/v1/verify", moved) == (409, b"")
    assert post(controller, "/v1/verify", {"kind": "ConfigMap"})[0] == 500
    assert controller.ask("POST", "/v1/verify", b"\xff\xfe garbage")[0] == 500
    two = json.dumps(good) + "\n---\n" + json.dumps(good)
    assert controller.ask("POST", "/v1/verify", two.encode())[0] == 500


def test_templates_are_not_rendered_so_that_they_are_no_oracle(
    world: World, controller: Controller
) -> None:
    manifest = world.sealed()
    manifest["spec"]["template"]["data"] = {
        "x": '{{ if hasPrefix "s" .password }}{{ fail "" }}{{ end }}'
    }
    assert post(controller, "/v1/verify", manifest)[0] == 200
    assert post(controller, "/v1/rotate", manifest)[0] == 200


def test_rotate_changes_ciphertext_of_old_keys_and_nothing_else(
    world: World, controller: Controller
) -> None:
    manifest = world.sealed(template={"labels": {"a": "1"}, "annotations": {"b": "2"}})
    manifest["metadata"].update({"labels": {"outer": "1"}, "uid": "kept"})
    manifest["metadata"]["annotations"]["outer"] = "2"
    manifest["spec"]["template"].update({"data": {"t": "{{ .password }}"}, "unknown": [1]})
    manifest["spec"]["other"] = {"deep": None}
    status, body = post(controller, "/v1/rotate", manifest)
    assert (status, json.loads(body)) == (200, manifest)


def test_rotate_cannot_widen_a_scope(world: World, controller: Controller) -> None:
    manifest = world.sealed()
    wide = Scope.CLUSTER_WIDE.annotations
    manifest["spec"]["template"]["metadata"]["annotations"] = {**wide, "kept": "1"}
    answer = json.loads(post(controller, "/v1/rotate", manifest)[1])
    assert answer["spec"]["template"]["metadata"]["annotations"] == {"kept": "1"}
    assert Scope.of(answer["metadata"].get("annotations", {})) is Scope.STRICT


def test_rotate_of_what_no_key_opens_fails(world: World, controller: Controller) -> None:
    manifest = world.sealed()
    manifest["metadata"]["name"] = "moved"
    assert post(controller, "/v1/rotate", manifest)[0] == 500


def test_a_body_beyond_ten_mebibytes_is_refused(controller: Controller) -> None:
    assert controller.ask("POST", "/v1/verify", b" " * (10 * 2**20 + 1))[0] == 413


def test_yaml_is_taken_while_it_is_small(world: World, controller: Controller) -> None:
    lines = [
        "apiVersion: bitnami.com/v1alpha1",
        "kind: SealedSecret",
        f"metadata: {{name: db, namespace: {world.namespace}}}",
        f"spec: {json.dumps(world.sealed()['spec'])}",
    ]
    body = "\n".join(lines).encode()
    assert controller.ask("POST", "/v1/verify", body) == (200, b"")
    status, answer = controller.ask("POST", "/v1/verify", body + b"\n# more" * 50_000)
    assert (status, b"send it as JSON" in answer) == (413, True)


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/rotate"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a": [' + b"1," * (5 * 2**20 - 10) + b"1]}", id="json"),
        pytest.param(b"- a\n" * 2**16, id="yaml"),
        pytest.param(b"- a\n" * (5 * 2**19), id="much-yaml"),
        pytest.param(
            b'{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"x",'
            b'"namespace":"y"},"spec":{"encryptedData":{'
            + b",".join(b'"%090d":"AgAA"' % number for number in range(99_000))
            + b"}}}",
            id="many-items",
        ),
    ],
)
def test_no_body_holds_up_the_unsealing(
    world: World, controller: Controller, path: str, body: bytes
) -> None:
    done = threading.Event()
    codes: list[int] = []

    def post() -> None:
        while not done.is_set():
            codes.append(controller.ask("POST", path, body)[0])

    with ThreadPoolExecutor(3) as clients:
        for _ in range(3):
            clients.submit(post)
        try:
            wait_for("the clients are at it", lambda: len(codes) >= 3)
            started = time.monotonic()
            world.apply(world.sealed())
            world.wait_data({"password": b"s3cr3t"})
            seconds = time.monotonic() - started
        finally:
            done.set()
    # A tenth of a second on an idle machine; whoever held up the unsealing would take many.
    assert seconds < 3
    assert set(codes) <= {413, 500}


def test_the_rate_limit_holds_for_a_peer_whatever_header_it_sends(
    world: World, start: Callable[..., Any]
) -> None:
    import urllib.error
    import urllib.request

    manifest = json.dumps(world.sealed()).encode()
    with start("--label-selector=none=none") as limited:
        codes, headers = [], {}
        for number in range(5):
            request = urllib.request.Request(
                f"http://127.0.0.1:{limited.port}/v1/verify",
                data=manifest,
                headers={"X-Forwarded-For": f"203.0.113.{number}"},
            )
            try:
                with urllib.request.urlopen(request) as answer:  # noqa: S310
                    codes.append(answer.status)
                    assert answer.headers["X-Ratelimit-Limit"] == "3"
            except urllib.error.HTTPError as error:
                codes.append(error.code)
                headers = dict(error.headers)
        assert codes == [200, 200, 200, 429, 429]
        assert int(headers["Retry-After"]) >= 1
        assert limited.get("/v1/cert.pem")[0] == 200


def kubeseal(
    plane: ControlPlane, *arguments: str, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the real kubeseal against the cluster."""
    command = [str(binaries.path("kubeseal")), "--kubeconfig", str(plane.kubeconfig)]
    return subprocess.run(
        [*command, *arguments], input=text, capture_output=True, text=True, check=False
    )


def seal(plane: ControlPlane, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run our command line against the cluster."""
    import sys

    command = [str(Path(sys.executable).parent / "seal"), *arguments]
    return subprocess.run(
        [*command, "--kubeconfig", str(plane.kubeconfig)],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


SECRET = """\
apiVersion: v1
kind: Secret
metadata: {{name: db, namespace: {}}}
stringData: {{password: s3cr3t}}
"""


@pytest.mark.usefixtures("network")
def test_real_kubeseal_fetches_seals_validates_and_re_encrypts(
    world: World, controller: Controller
) -> None:
    plane = world.plane
    assert kubeseal(plane, "--fetch-cert").stdout.encode() == world.certificate.pem
    sealed = kubeseal(plane, text=SECRET.format(world.namespace))
    assert sealed.returncode == 0, sealed.stderr
    assert kubeseal(plane, "--validate", text=sealed.stdout).returncode == 0
    broken: Manifest = json.loads(sealed.stdout)
    broken["metadata"]["name"] = "other"
    refused = kubeseal(plane, "--validate", text=json.dumps(broken))
    assert refused.returncode == 1
    assert "unable to decrypt sealed secret: other" in refused.stderr
    again = kubeseal(plane, "--re-encrypt", text=sealed.stdout)
    assert json.loads(again.stdout) == json.loads(sealed.stdout)
    world.apply(json.loads(again.stdout))
    world.wait_data({"password": b"s3cr3t"})


@pytest.mark.usefixtures("network")
def test_our_command_line_does_the_same(
    world: World, controller: Controller, tmp_path: Path
) -> None:
    plane, saved = world.plane, tmp_path / "c.pem"
    shown = seal(plane, "cert", "-w", str(saved))
    assert saved.read_bytes() == world.certificate.pem, shown.stderr
    sealed = seal(plane, "-o", "json", text=SECRET.format(world.namespace))
    assert sealed.returncode == 0, sealed.stderr
    file = tmp_path / "sealed.yaml"
    file.write_text(sealed.stdout)
    assert seal(plane, "verify", str(file)).returncode == 0
    assert seal(plane, "reencrypt", str(file)).stdout == sealed.stdout
    broken = json.loads(sealed.stdout)
    broken["metadata"]["name"] = "other"
    file.write_text(json.dumps(broken))
    refused = seal(plane, "verify", str(file))
    assert refused.returncode == 1
    assert "other" in refused.stderr
    by_url = [f"--controller-url=http://127.0.0.1:{controller.port}"]
    assert seal(plane, "-o", "json", *by_url, text=SECRET.format(world.namespace)).returncode == 0


class Recorder(BaseHTTPRequestHandler):
    """Answers anything, and remembers the headers that came."""

    seen: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        """Answer."""
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.mark.usefixtures("network")
def test_the_api_servers_proxy_sends_nobodys_token_along(plane: ControlPlane) -> None:
    with ThreadingHTTPServer(("", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            plane.publish("default", "recorder", server.server_port)
            path = "/api/v1/namespaces/default/services/http:recorder:http/proxy/v1/verify"
            wait_for("the proxy finds it", lambda: proxied(plane, path))
        finally:
            server.shutdown()
            plane.unpublish("default", "recorder")
    headers = Recorder.seen[-1]
    assert "x-forwarded-for" in headers
    assert not {"authorization", "x-remote-user", "impersonate-user"} & headers.keys()


def proxied(plane: ControlPlane, path: str) -> bool:
    """POST with the administrator's token; whether it arrived."""
    try:
        plane.api.request("POST", path, {})
    except (ApiError, ValueError):
        return bool(Recorder.seen)
    return True


def test_the_same_is_served_by_tls_and_renewed_files_are_read(
    world: World, start: Callable[..., Any], tmp_path: Path
) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"

    def renew() -> bytes:
        pair = new_pair()
        assert pair.certificate is not None
        key.write_bytes(pair.private_pem())
        certificate.write_bytes(pair.certificate.pem)
        return pair.certificate.pem

    def served() -> bytes:
        return ssl.get_server_certificate(("127.0.0.1", port)).encode()

    first, port = renew(), free_port()
    files = (f"--tls-cert-file={certificate}", f"--tls-key-file={key}")
    with start(f"--listen-tls-addr=127.0.0.1:{port}", *files) as controller:
        assert served() == first
        second = renew()
        wait_for("the renewed one", lambda: served() == second)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with closing(HTTPSConnection("127.0.0.1", port, context=context)) as client:
            client.request("GET", "/v1/cert.pem")
            assert client.getresponse().read() == world.certificate.pem
        key.write_text("")
        certificate.write_bytes(first)
        assert served() == second
        assert served() == second
        assert controller.get("/v1/cert.pem") == (200, world.certificate.pem)


def test_tls_without_its_files_does_not_start(start: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot serve TLS"):  # noqa: SIM117 it raises there
        with start("--listen-tls-addr=127.0.0.1:0", f"--tls-cert-file={tmp_path / 'none'}"):
            pass


def test_metrics_have_the_peers_names(controller: Controller) -> None:
    assert controller.metric("sealed_secrets_controller_build_info") == 0
    assert (
        controller.metric("sealed_secrets_controller_http_requests_total", path="/healthz")
        is not None
    )
    assert controller.metric("sealed_secrets_controller_keys") == 1
    assert controller.metric("process_resident_memory_bytes") is not None
