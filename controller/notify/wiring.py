"""Wiring of the notifications: the configuration in, tasks and a listener out; none by default."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from controller.api.errors import ClusterError
from controller.api.kubernetes import KubernetesCluster
from controller.events.recorder import Recorder
from controller.halves import Spawn
from controller.metrics import Metrics
from controller.notify.applied import Applied
from controller.notify.notice import Owner
from controller.notify.notifier import Notifier, pause, poster
from controller.notify.receivers import read_receivers
from controller.settings import Settings

_LOG = logging.getLogger(__name__)
_PLACES = {
    "kustomize.toolkit.fluxcd.io": ("v1", "kustomizations"),
    "helm.toolkit.fluxcd.io": ("v2", "helmreleases"),
}


class Notifying:
    """Make it on the event loop; without a configuration it does nothing and holds nothing."""

    def __init__(
        self,
        settings: Settings,
        cluster: KubernetesCluster,
        recorder: Recorder,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._notifier: Notifier | None = None
        receivers = read_receivers(settings.notify_config) if settings.notify_config else ()
        if not receivers:
            return
        import aiohttp

        self._cluster = cluster
        # Proxies from the environment are honoured: receivers are outside of the cluster.
        self._session = aiohttp.ClientSession(trust_env=True)
        self._notifier = Notifier(
            receivers,
            post=poster(self._session),
            look=self._look,
            now=now,
            sleep=pause,
            counted=lambda name, result: metrics.notifications.labels(name, result).inc(),
        )
        recorder.listeners.append(self._notifier.hear)

    def start(self, spawn: Spawn) -> None:
        """Start its tasks."""
        for name, work in (self._notifier.tasks() if self._notifier else {}).items():
            spawn(name, work)

    async def close(self, seconds: float) -> None:
        """Send what is gathered and end."""
        if self._notifier is not None:
            await self._notifier.flush(seconds)
            await self._session.close()

    async def _look(self, owner: Owner) -> Applied:
        """What Flux applied last by it; nothing where we may not look."""
        version, plural = _PLACES[owner.group]
        place = (quote(owner.namespace, safe=""), plural, quote(owner.name, safe=""))
        path = f"/apis/{owner.group}/{version}/namespaces/{'/'.join(place)}"
        try:
            return Applied.read(await self._cluster.request("GET", path))
        except ClusterError as error:
            _LOG.debug("no revision", extra={"owner": owner.name, "why": error.message})
            return Applied()
