"""Finds the cluster: a kubeconfig, or a pod's service account; the one importer of its client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from controller.api.errors import ClusterError
from controller.api.kubernetes import KubernetesCluster


async def connect(
    *, kubeconfig: str = "", context: str = "", qps: float = 0, burst: int = 0
) -> KubernetesCluster:
    """Connect with a kubeconfig, or as a pod does; ClusterError says what is missing."""
    from kubernetes.aio import client, config

    configuration = client.Configuration()
    try:
        if kubeconfig:
            load_file: Callable[..., Awaitable[None]] = config.load_kube_config
            await load_file(
                config_file=kubeconfig,
                context=context or None,
                client_configuration=configuration,
                persist_config=False,
            )
        else:
            load: Callable[..., None] = config.load_incluster_config
            load(client_configuration=configuration)
    except (config.ConfigException, OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"cannot find the cluster: {type(error).__name__}",
            hint="in a pod mount the service account; elsewhere give --kubeconfig",
        ) from None
    configuration.retries = None
    # No limit: a watch of each namespace holds a connection, and none was left for the work.
    configuration.connection_pool_maxsize = 0
    # aiohttp would look for ~/.netrc and the proxy before each request: a tenth of all time.
    configuration.client_session_kwargs = {"trust_env": False}
    configuration.proxy = configuration.proxy or _environment_proxy(configuration.host)
    return KubernetesCluster(client.ApiClient(configuration), qps=qps, burst=burst)


def _environment_proxy(url: str) -> str | None:
    parts = urlsplit(url)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return None
    return getproxies().get(parts.scheme)
