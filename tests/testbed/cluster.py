"""A real Kubernetes control plane without nodes: etcd, kube-apiserver, kube-controller-manager.

Everything listens on loopback. ``enter_network_namespace`` moves this process into a network of
its own first (root only), with one address more than loopback: the API server's service proxy
dials no loopback address. ``python -m tests.testbed.cluster`` leaves one running to try by hand.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tests.testbed import binaries

ROOT = Path(__file__).parents[2]
POD_ADDRESS = "192.0.2.1"  # RFC 5737: for documentation, and routed nowhere
ADMIN_TOKEN = "admin-token"
_CLONE_NEWNET = 0x40000000
_CONTROLLERS = ",".join(
    f"{name}-controller"
    for name in (
        "clusterrole-aggregation",
        "garbage-collector",
        "namespace",
        "serviceaccount",
        # Checks the expressions of policies against the kinds that they are about.
        "validatingadmissionpolicy-status",
    )
)
Manifest = dict[str, Any]
_GROUPS = {"bitnami.com"}


class StartError(RuntimeError):
    """A component did not come up; the message holds the end of its log."""


def can_have_network() -> bool:
    """Whether this process may make a network namespace."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


def enter_network_namespace() -> None:
    """Move this process into a network of its own; everything must be built before."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    for command in ("link set lo up", f"addr add {POD_ADDRESS}/32 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(what: str, check: Any, seconds: float = 20.0, pause: float = 0.02) -> Any:
    """Poll until ``check()`` is truthy and return that; AssertionError names what never came."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(pause)


class ApiError(Exception):
    """The API server's no."""

    def __init__(self, status: int, body: Manifest) -> None:
        super().__init__(f"{status}: {body.get('message', body)}")
        self.status, self.body = status, body


@dataclass
class Api:
    """A plain client for tests; paths as the API server has them."""

    url: str
    ca: Path
    token: str = ADMIN_TOKEN
    _pool: urllib3.PoolManager | None = None

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Manifest:
        """Send one request; ApiError for any status from 400 on."""
        if self._pool is None:
            self._pool = urllib3.PoolManager(ca_certs=str(self.ca), retries=False, maxsize=8)
        answer = self._pool.request(
            method,
            self.url + path,
            body=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": content_type},
            timeout=30,
        )
        try:
            parsed: Manifest = json.loads(answer.data) if answer.data else {}
        except ValueError:
            parsed = {"message": answer.data.decode(errors="replace")}
        if answer.status >= 400:
            raise ApiError(answer.status, parsed)
        return parsed

    def create(self, manifest: Mapping[str, Any]) -> Manifest:
        """Create an object."""
        return self.request("POST", place(manifest), manifest)

    def get(self, kind: str, namespace: str, name: str) -> Manifest:
        """Return an object."""
        return self.request("GET", f"{_collection(kind, namespace)}/{name}")

    def find(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """Return an object, None where there is none."""
        try:
            return self.get(kind, namespace, name)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: str, namespace: str = "") -> list[Manifest]:
        """Return all objects of a kind."""
        items: list[Manifest] = self.request("GET", _collection(kind, namespace))["items"]
        return items

    def patch(self, kind: str, namespace: str, name: str, change: Any, sub: str = "") -> Manifest:
        """Merge-patch an object, or a subresource of it."""
        path = f"{_collection(kind, namespace)}/{name}{sub}"
        return self.request("PATCH", path, change, "application/merge-patch+json")

    def replace(self, manifest: Mapping[str, Any]) -> Manifest:
        """Put an object."""
        return self.request("PUT", f"{place(manifest)}/{manifest['metadata']['name']}", manifest)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object."""
        self.request("DELETE", f"{_collection(kind, namespace)}/{name}")

    def namespace(self, name: str) -> str:
        """Make a namespace."""
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name


_PLURALS = {
    "SealedSecret": ("/apis/bitnami.com/v1alpha1", "sealedsecrets"),
    "CustomResourceDefinition": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
    "ClusterRole": ("/apis/rbac.authorization.k8s.io/v1", "clusterroles"),
    "ClusterRoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings"),
    "Role": ("/apis/rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "KeyVault": ("/apis/keyvault.sealer.dev/v1alpha1", "keyvaults"),
    "ClusterKeyVault": ("/apis/keyvault.sealer.dev/v1alpha1", "clusterkeyvaults"),
    "KeyVaultSecret": ("/apis/keyvault.sealer.dev/v1alpha1", "keyvaultsecrets"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases"),
    "ValidatingAdmissionPolicy": (
        "/apis/admissionregistration.k8s.io/v1",
        "validatingadmissionpolicies",
    ),
    "ValidatingAdmissionPolicyBinding": (
        "/apis/admissionregistration.k8s.io/v1",
        "validatingadmissionpolicybindings",
    ),
    "Endpoints": ("/api/v1", "endpoints"),
}


def _collection(kind: str, namespace: str) -> str:
    group, plural = _PLURALS.get(kind, ("/api/v1", f"{kind.lower()}s"))
    return f"{group}/namespaces/{namespace}/{plural}" if namespace else f"{group}/{plural}"


def place(manifest: Mapping[str, Any]) -> str:
    """Return the collection that an object is in."""
    return _collection(manifest["kind"], manifest["metadata"].get("namespace", ""))


@dataclass
class Process:
    """A component: started, logged to a file, stopped by its own id."""

    name: str
    command: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.command, stdout=log, stderr=log, env={**os.environ, **self.environment}
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._child is not None
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.poll() is None

    def send(self, number: int) -> None:
        """Send it a signal."""
        assert self._child is not None
        self._child.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Stop it and return its exit code."""
        if self._child is None:
            return 0
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGCONT)
            self._child.send_signal(number)
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
            raise
        finally:
            self._child = None

    def text(self) -> str:
        """What it has logged."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_until(self, what: str, check: Any, seconds: float = 30) -> None:
        """Wait for it to come up; StartError with its log if it does not."""
        deadline = time.monotonic() + seconds
        while not check():
            if not self.running or time.monotonic() > deadline:
                raise StartError(f"{self.name}: {what}\n{self.text()[-3000:]}")
            time.sleep(0.02)


class ControlPlane:
    """etcd, API server and controller manager in one folder; every part can be stopped alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, etcd_port, peer_port = free_port(), free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self._etcd_url = f"http://127.0.0.1:{etcd_port}"
        self._tokens = {ADMIN_TOKEN: ("admin", "system:masters")}
        write_certificates(folder)
        self.ca = folder / "ca.crt"
        self.etcd = self._process("etcd", self._etcd_flags(peer_port))
        self.apiserver = self._process("kube-apiserver", self._apiserver_flags())
        self.manager = self._process("kube-controller-manager", self._manager_flags())
        self.api = Api(self.url, self.ca)
        self.kubeconfig = self.write_kubeconfig("admin", ADMIN_TOKEN)
        self.accounts: Callable[[str, Sequence[str]], Path] | None = None
        """Gives the kubeconfig of the controller's account in a namespace, for its flags."""

    def start(self) -> None:
        """Start everything and install our CRDs."""
        self._write_tokens()
        self.etcd.start()
        self.start_apiserver()
        # The garbage collector looks for new kinds every 30 s only: they come first.
        self.install_crds()
        self.manager.start()

    def start_apiserver(self) -> None:
        """Start the API server and wait until it is ready."""
        self.apiserver.start()
        self.apiserver.wait_until("not ready", self._is_ready, 60)

    def stop(self) -> None:
        """Stop everything."""
        for process in (self.manager, self.apiserver):
            if process.running:
                process.send(signal.SIGKILL)
            process.stop(signal.SIGKILL)
        self.etcd.stop(signal.SIGKILL)

    def install_crds(self) -> None:
        """Create the CRDs of ``crds/`` and wait until they are served."""
        for path in sorted((ROOT / "crds").glob("*.yaml")):
            self.kubectl("apply", "--server-side", "-f", str(path))
        names = [one["metadata"]["name"] for one in self.api.list("CustomResourceDefinition")]
        if names:
            targets = [f"crd/{name}" for name in names]
            self.wait_established(*targets)
            wait_for("the kinds are discovered", lambda: self._groups() >= _GROUPS)

    def wait_established(self, *crds: str) -> None:
        """Wait until these CRDs are served, named as kubectl takes them."""

        def are() -> bool:
            try:
                self.kubectl("wait", "--for=condition=Established", "--timeout=20s", *crds)
            except AssertionError as error:
                # kubectl gives up on one that has no status yet.
                if "accessor error" not in str(error):
                    raise
                return False
            return True

        wait_for("the CRDs are established", are)

    def forget_before(self, version: str) -> None:
        """Let etcd drop its history before a resourceVersion, as it does every five minutes."""
        body = json.dumps({"revision": version, "physical": True})
        answer = urllib3.request("POST", f"{self._etcd_url}/v3/kv/compaction", body=body)
        if answer.status != 200:
            raise AssertionError(answer.data.decode())

    def kubectl(self, *arguments: str, text: str | None = None, check: bool = True) -> str:
        """Run the real kubectl as admin and return what it prints."""
        command = [str(binaries.path("kubectl")), "--kubeconfig", str(self.kubeconfig)]
        done = subprocess.run(
            [*command, *arguments], input=text, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def write_kubeconfig(self, name: str, token: str) -> Path:
        """Write a kubeconfig with one context and return its path."""
        path = self.folder / f"{name}.kubeconfig"
        cluster = {"server": self.url, "certificate-authority": str(self.ca)}
        # JSON is YAML, too.
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "testbed", "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": "testbed", "user": name}}],
            "current-context": name,
        }
        path.write_text(json.dumps(config))
        return path

    def service_account_token(self, namespace: str, name: str, seconds: int = 3600) -> str:
        """Return a token for a service account that exists."""
        body = {"spec": {"expirationSeconds": seconds}}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        token: str = self.api.request("POST", path, body)["status"]["token"]
        return token

    def publish(self, namespace: str, name: str, port: int, *, port_name: str = "http") -> None:
        """Make a Service that leads to a port of this machine, for the API server's proxy.

        The proxy dials only addresses of Pods: so there is one, with our address as its own.
        """
        labels = {"app": name}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {"nodeName": "nowhere", "containers": [{"name": "c", "image": "none"}]},
        }
        made = self.api.create(pod)
        status = {"podIP": POD_ADDRESS, "podIPs": [{"ip": POD_ADDRESS}], "phase": "Running"}
        self.api.patch("Pod", namespace, name, {"status": status}, "/status")
        ports = [{"port": port, "targetPort": port, "name": port_name}]
        service = {"spec": {"ports": ports}, "metadata": {"name": name, "namespace": namespace}}
        self.api.create({"apiVersion": "v1", "kind": "Service", **service})
        target = {
            "kind": "Pod",
            "name": name,
            "namespace": namespace,
            "uid": made["metadata"]["uid"],
        }
        subset = {
            "addresses": [{"ip": POD_ADDRESS, "targetRef": target}],
            "ports": [{"port": port, "name": port_name}],
        }
        self.api.create(
            {
                "apiVersion": "v1",
                "kind": "Endpoints",
                "metadata": {"name": name, "namespace": namespace},
                "subsets": [subset],
            }
        )

    def unpublish(self, namespace: str, name: str) -> None:
        """Take away what ``publish`` made, at once: no kubelet will end the Pod.

        The Endpoints go with the Service.
        """
        self.api.delete("Service", namespace, name)
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        self.api.request("DELETE", path, {"gracePeriodSeconds": 0})

    def _groups(self) -> set[str]:
        return {group["name"] for group in self.api.request("GET", "/apis")["groups"]}

    def _process(self, name: str, flags: Mapping[str, str]) -> Process:
        command = [str(binaries.path(name)), *(f"--{key}={value}" for key, value in flags.items())]
        return Process(name, command, self.folder / f"{name}.log")

    def _etcd_flags(self, peer_port: int) -> dict[str, str]:
        peer = f"http://127.0.0.1:{peer_port}"
        return {
            "name": "testbed",
            "data-dir": str(self.folder / "etcd"),
            "listen-client-urls": self._etcd_url,
            "advertise-client-urls": self._etcd_url,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"testbed={peer}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        }

    def _apiserver_flags(self) -> dict[str, str]:
        folder = self.folder
        return {
            "etcd-servers": self._etcd_url,
            "bind-address": "127.0.0.1",
            "secure-port": str(self.port),
            "tls-cert-file": str(folder / "server.crt"),
            "tls-private-key-file": str(folder / "server.key"),
            "authorization-mode": "RBAC",
            "token-auth-file": str(folder / "tokens.csv"),
            "disable-admission-plugins": "ServiceAccount",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": str(folder / "sa.pub"),
            "service-account-signing-key-file": str(folder / "sa.key"),
            "service-cluster-ip-range": "198.51.100.0/24",
            "advertise-address": POD_ADDRESS,
            "endpoint-reconciler-type": "none",
        }

    def _manager_flags(self) -> dict[str, str]:
        return {
            "kubeconfig": str(self.folder / "admin.kubeconfig"),
            "controllers": _CONTROLLERS,
            "leader-elect": "false",
            "secure-port": "0",
        }

    def _write_tokens(self) -> None:
        lines = [
            f'{token},{user},{user},"{groups}"' for token, (user, groups) in self._tokens.items()
        ]
        (self.folder / "tokens.csv").write_text("\n".join(lines) + "\n")

    def _is_ready(self) -> bool:
        try:
            self.api.request("GET", "/readyz")
        except (ApiError, urllib3.exceptions.HTTPError):
            return False
        return True


def write_certificates(folder: Path) -> None:
    """Write a CA, the API server's certificate, and the key that signs service account tokens."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("testbed-ca")
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False
        )
        .add_extension(_CA_USAGE, critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    addresses = [x509.IPAddress(ip_address(one)) for one in ("127.0.0.1", POD_ADDRESS)]
    names = [x509.DNSName("localhost"), x509.DNSName("kubernetes.default.svc"), *addresses]
    certificate = (
        _builder(_name("kube-apiserver"), ca_name, key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    signer = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = serialization.Encoding.PEM
    (folder / "ca.crt").write_bytes(ca.public_bytes(pem))
    (folder / "server.crt").write_bytes(certificate.public_bytes(pem))
    (folder / "server.key").write_bytes(_private(key))
    (folder / "sa.key").write_bytes(_private(signer))
    public = signer.public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    (folder / "sa.pub").write_bytes(public.public_bytes(pem, spki))


_CA_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365))
    )


def _private(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@contextmanager
def control_plane() -> Iterator[ControlPlane]:
    """A control plane in a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="testbed-") as name:
        plane = ControlPlane(Path(name))
        try:
            plane.start()
            yield plane
        finally:
            plane.stop()


def client_context(ca: Path) -> ssl.SSLContext:
    """Return a TLS context that trusts the control plane."""
    return ssl.create_default_context(cafile=str(ca))


def end_by_signals() -> None:
    """Let SIGTERM and SIGINT end this program as Ctrl-C does, started with ``&`` as well."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def main() -> None:
    """Keep one running, our controller with it, until it is interrupted."""
    from tests.testbed.controllers import ours

    end_by_signals()
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl"):
        binaries.path(name)
    with control_plane() as plane, ours(plane) as controller:
        print(f"export KUBECONFIG={plane.kubeconfig}")
        print(f"export PATH={binaries.path('kubectl').parent}:$PATH")
        print(f"# seal with --controller-url http://127.0.0.1:{controller.port}", flush=True)
        print("Ctrl-C ends it", file=sys.stderr, flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print(file=sys.stderr)


if __name__ == "__main__":
    main()
