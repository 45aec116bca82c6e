"""Certificates and answers from the network: what is in between cannot choose who reads."""

from __future__ import annotations

import ipaddress
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from sealer import SealedSecret, seal
from sealer.secret import Secret
from sealer.unsealing import unseal
from tests.sealing_keys import certificate_pem, pair, ring, rsa_key
from tests.tree import Tree, sealed_yaml

Answers = Callable[[str, bytes], tuple[int, bytes, str]]
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\nstringData: {a: b}\n"


@contextmanager
def server(answers: Answers, tls: Path | None = None) -> Iterator[str]:
    """A loopback server; ``answers`` maps path and body to status, body and Location."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, body, location = answers(self.path, self.rfile.read(length))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    thread = Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{httpd.server_address[1]}"
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that vouches for itself."""
    key = rsa_key(2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "tls.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def theirs(path: str, _: bytes) -> tuple[int, bytes, str]:
    """Somebody else's certificate, and whatever is asked."""
    return 200, pair("two").certificate.pem, ""


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("way", ["--cert", "--controller-url", "rule", "kubeseal"])
def test_https_is_never_followed_to_http(tree: Tree, tls: Path, status: int, way: str) -> None:
    tree.write("s.yaml", SECRET)
    with (
        server(theirs) as plain,
        server(lambda path, _: (status, b"", f"{plain}{path}"), tls) as safe,
    ):
        url = f"{safe}/v1/cert.pem"
        words: tuple[str, ...] = (way, safe if way == "--controller-url" else url, "s.yaml")
        if way == "rule":
            tree.git("init", "-q")
            tree.write(".seal.toml", f'[[rule]]\npath = "*"\ncert = "{url}"\n')
            words = ("s.yaml",)
        elif way == "kubeseal":
            words = ("kubeseal", "--cert", url, "-f", "s.yaml")
        environment = {"SSL_CERT_FILE": str(tls)}
        done = tree.seal(*words, status=1, environment=environment)
    assert done.stdout == ""
    if way != "kubeseal":
        assert "redirects to plain http" in done.stderr


def test_https_is_followed_to_https(tree: Tree, tls: Path) -> None:
    tree.write("s.yaml", SECRET)
    with (
        server(theirs, tls) as there,
        server(lambda path, _: (302, b"", f"{there}{path}"), tls) as here,
    ):
        environment = {"SSL_CERT_FILE": str(tls)}
        done = tree.seal("s.yaml", "--cert", f"{here}/x", environment=environment)
    assert "kind: SealedSecret" in done.stdout


def controller(
    key: str, new: str, change: Callable[[bytes], bytes] = lambda value: value
) -> Answers:
    """One that opens with ``key``, seals for ``new``, and may change values on the way."""

    def one(manifest: dict[str, object]) -> dict[str, object]:
        sealed = SealedSecret.from_dict(manifest)
        secret = unseal(sealed, ring(key))
        data = {name: change(value) for name, value in secret.data.items()}
        changed = Secret(name=secret.name, namespace=secret.namespace, data=data)
        return seal(changed, pair(new).certificate, scope=sealed.scope).to_dict()

    def answers(path: str, body: bytes) -> tuple[int, bytes, str]:
        if path.endswith("cert.pem"):
            return 200, pair(new).certificate.pem, ""
        manifest = json.loads(body)
        if manifest["kind"] == "List":
            made = {**manifest, "items": [one(item) for item in manifest["items"]]}
            return 200, json.dumps(made).encode(), ""
        return 200, json.dumps(one(manifest)).encode(), ""

    return answers


@pytest.mark.parametrize("count", [1, 3])
def test_a_controller_that_answers_with_values_of_another_size_changes_nothing(
    tree: Tree, count: int
) -> None:
    names = [f"db{number}.yaml" for number in range(count)]
    for name in names:
        tree.write(name, sealed_yaml({"password": "hunter2"}))
    before = [(tree.root / name).read_bytes() for name in names]
    with server(controller("one", "two", lambda value: b"attacker's")) as url:
        done = tree.seal("reencrypt", "-i", *names, "--controller-url", url, status=1)
    assert done.stderr.count("its size differs") == count
    assert [(tree.root / name).read_bytes() for name in names] == before


def test_a_controller_that_answers_with_the_same_values_is_believed(tree: Tree) -> None:
    tree.write("db.yaml", sealed_yaml({"password": "hunter2"}))
    with server(controller("one", "two")) as url:
        tree.seal("reencrypt", "-i", "db.yaml", "--controller-url", url)
    assert "two.key" in tree.seal("verify", "db.yaml", "--key", "two.key").stdout


def test_reencrypt_by_another_controller_than_the_rules_is_refused(tree: Tree) -> None:
    tree.git("init", "-q")
    path = tree.write("db.yaml", sealed_yaml({"password": "hunter2"}))
    before = path.read_bytes()
    tree.write(".seal.toml", '[[rule]]\npath = "*"\ncert = "one.pem"\n')
    with server(controller("one", "two")) as url:
        where = ("--controller-url", url)
        told = tree.seal("reencrypt", "-i", "db.yaml", *where, status=1).stderr
        assert "its rule names another certificate" in told
        assert path.read_bytes() == before
        tree.write(".seal.toml", '[[rule]]\npath = "*"\ncert = ["one.pem", "two.pem"]\n')
        tree.seal("reencrypt", "-i", "db.yaml", *where)
    assert path.read_bytes() != before


def test_a_rule_whose_certificate_has_expired_still_tells_its_cluster(tree: Tree) -> None:
    tree.git("init", "-q")
    tree.write("db.yaml", sealed_yaml({"password": "hunter2"}))
    expired = certificate_pem(
        pair("two").private_key,
        start=datetime(2020, 1, 1, tzinfo=UTC),
        end=datetime(2021, 1, 1, tzinfo=UTC),
    )
    tree.write("expired.pem", expired)
    tree.write(".seal.toml", '[[rule]]\npath = "*"\ncert = ["expired.pem", "two.pem"]\n')
    with server(controller("one", "two")) as url:
        tree.seal("reencrypt", "-i", "db.yaml", "--controller-url", url)
    assert "two.key" in tree.seal("verify", "db.yaml", "--key", "two.key").stdout
