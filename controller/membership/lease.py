"""A member's Lease as a value, and the manifest that says it (coordination.k8s.io/v1)."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

GROUP_LABEL: Final = "sealer.dev/group"
"""On a Lease: which members share work with each other."""
_MEMBER: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,240}[a-z0-9])?")
_MAX_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds. The defaults are those of client-go's leader election."""

    duration: float = 15.0
    """How long a member that is silent is taken for alive."""
    deadline: float = 10.0
    """How old the last renewal may be when a write is begun."""
    retry: float = 2.0
    """Between renewals."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What one controller calls itself."""

    member: str
    namespace: str
    group: str
    pod: str = ""
    pod_uid: str = ""
    """Of the pod that owns the Lease; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What a Lease says, as far as it concerns others."""

    member: str
    stamp: str
    """Another one at each renewal. It is compared with itself only: nobody's clock is trusted."""
    duration: float
    uid: str
    version: str
    pod_uid: str = ""
    """Of the pod that owns it."""

    @classmethod
    def read(cls, manifest: Mapping[str, Any]) -> Lease | None:
        """Return it; None for what no member of ours wrote."""
        metadata, spec = manifest.get("metadata") or {}, manifest.get("spec") or {}
        member, seconds = spec.get("holderIdentity"), spec.get("leaseDurationSeconds")
        # A name of another form could be anybody's in a log, and one that is not the Lease's own
        # could stand for several members.
        if not isinstance(member, str) or not _MEMBER.fullmatch(member):
            return None
        if metadata.get("name") != member or not isinstance(seconds, int):
            return None
        return cls(
            member=member,
            stamp=str(spec.get("renewTime")),
            duration=float(max(1, min(seconds, _MAX_SECONDS))),
            uid=str(metadata.get("uid")),
            version=str(metadata.get("resourceVersion")),
            pod_uid=_owner(metadata),
        )


def member_name(base: str, token: str) -> str:
    """Return a name for a member: the pod's or the host's, and a random part (a DNS subdomain)."""
    plain = re.sub(r"[^a-z0-9.-]+", "-", base.lower()).strip(".-")[:200].strip(".-")
    return f"{plain or 'sealer'}-{token}"


def group_of(*what: object) -> str:
    """Return the label's value for those that serve the same: namespaces, selector, features."""
    text = json.dumps(what, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def manifest(me: Identity, times: Times, *, joined: datetime, now: datetime) -> dict[str, Any]:
    """Return the Lease to create, or with a resourceVersion to put in place of the last."""
    metadata: dict[str, Any] = {
        "name": me.member,
        "namespace": me.namespace,
        "labels": {GROUP_LABEL: me.group, "app.kubernetes.io/managed-by": "sealer"},
    }
    if me.pod and me.pod_uid:
        metadata["ownerReferences"] = [
            {"apiVersion": "v1", "kind": "Pod", "name": me.pod, "uid": me.pod_uid}
        ]
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": me.member,
            "leaseDurationSeconds": math.ceil(times.duration),
            "acquireTime": _micro(joined),
            "renewTime": _micro(now),
        },
    }


def _owner(metadata: Mapping[str, Any]) -> str:
    for one in metadata.get("ownerReferences") or ():
        if one.get("kind") == "Pod":
            return str(one.get("uid"))
    return ""


def _micro(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
