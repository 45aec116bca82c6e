"""What the chart gives the pod of a private cloud, tried: authority, own CA, and a real proxy."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from tests.chart.helm import container, render
from tests.chart.test_vault_rights import world
from tests.e2e.test_key_vault import single
from tests.testbed.controllers import ours
from tests.testbed.vault_world import World, environment

__all__ = ["world"]
BUNDLE = "/etc/sealer/ca/bundle.pem"


class Proxy:
    """A forward proxy that knows CONNECT, and every name as this machine."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked: set[str] = set()
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def close(self) -> None:
        """End, after all whom it serves."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._tunnel, args=(client,)))
            self._threads[-1].start()

    def _tunnel(self, client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            method, target, _ = head.split(b"\r\n")[0].decode().split()
            assert method == "CONNECT"
            self.asked.add(target)
            port = int(target.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port)) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=_copy, args=(server, client))
                back.start()
                _copy(client, server)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_a_vault_is_reached_through_the_proxy_and_the_api_server_is_not(
    world: World, tmp_path: Path
) -> None:
    proxy = Proxy()
    values = {
        "keyVault": {
            "enabled": True,
            "serviceAccounts": ["*"],
            "vaultSuffixes": [world.azure.suffix],
            "authorityHost": world.azure.login,
        },
        "proxy": {"url": proxy.url},
        "caBundle": {"secret": "corp-ca"},
    }
    pod = container(render(values))
    given = {one["name"]: one["value"] for one in pod["env"] if "value" in one}
    assert given["SSL_CERT_FILE"] == BUNDLE
    # What Kubernetes would do: expand the reference, mount the bundle.
    given["NO_PROXY"] = given["NO_PROXY"].replace("$(KUBERNETES_SERVICE_HOST)", "127.0.0.1")
    given["SSL_CERT_FILE"] = str(world.azure.authority.bundle)
    own = environment(world.azure, tmp_path)
    flags = [one for one in pod["args"] if one.startswith(("--key-vault", "--vault"))]
    # No name resolves but through the proxy.
    (tmp_path / "sitecustomize.py").unlink()
    with ours(
        world.plane,
        *flags,
        "--all-namespaces=false",
        "--key-renew-period=0",
        namespace=world.namespace,
        environment={"PYTHONPATH": own["PYTHONPATH"], **given},
        name=world.namespace,
    ):
        world.vault()
        world.secret(single("password", "db-password"))
        world.wait_data({"password": b"from the vault"})
    proxy.close()
    vault = world.azure.url(world.store.name).removeprefix("https://")
    assert vault in proxy.asked
    assert len(proxy.asked) == 2, "the vault, and the token endpoint"
    assert not any(target.startswith("127.0.0.1") for target in proxy.asked)
