"""Where the controller is, as users say it: a URL, or a Service in a kubeconfig's cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sealer.cluster.answer import TIMEOUT_SECONDS

DEFAULT_NAME = "sealed-secrets-controller"
DEFAULT_NAMESPACE = "kube-system"


@dataclass(frozen=True, slots=True)
class Location:
    """Where the controller is, as users tell: a URL, or a Service in a kubeconfig's cluster."""

    name: str = DEFAULT_NAME
    namespace: str = DEFAULT_NAMESPACE
    url: str = ""
    kubeconfig: str | None = None
    context: str | None = None
    config: Mapping[str, Any] | None = field(default=None, repr=False)
    """A kubeconfig already read; ``kubeconfig`` and ``context`` do not count then."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent along with every request, such as those that impersonate a user."""
    timeout: float | None = TIMEOUT_SECONDS
    """Seconds a request may take, None for no limit."""
