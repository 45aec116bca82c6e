"""What is remembered of a SealedSecret between two looks at it, and what its manifest says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.api.cluster import Manifest
from controller.conditions import Outcome, condition_of, conditions
from controller.drift.repairs import Repairs
from controller.sealed.status import is_synced
from sealer.scope import SCOPE_ANNOTATIONS

Key = tuple[str, str]
"""Namespace and name."""


@dataclass(slots=True)
class Record:
    """What is remembered of a SealedSecret between two runs."""

    uid: str = ""
    """The SealedSecret's, as last seen."""
    version: str = ""
    """The SealedSecret's newest resourceVersion that was seen, read or written."""
    trigger: tuple[Any, ...] = ()
    """What, when it changes, asks for a new run."""
    synced: tuple[Any, ...] = ()
    """The trigger whose Secret was brought in line, and nothing was told to have failed since."""
    status: Mapping[str, Any] | None = None
    """The status as last seen or written."""
    outcome: Outcome | None = None
    tries: int = 0
    """Failures in a row since something changed."""
    final: bool | None = None
    """Whether the last failure was one that only a person can cure."""
    unwritten: int = 0
    """Times in a row that the status could not be written."""
    secret_version: str = ""
    """The Secret's resourceVersion when it was last looked at or written."""
    seen_version: str = ""
    """The Secret's resourceVersion in the last watch event."""
    reported_version: str = ""
    """The Secret's resourceVersion whose drift was told of."""
    repairs: Repairs = field(default_factory=Repairs)
    mine: bool = False
    """Whether it was ours to work on when it was last seen, or the members changed."""
    instance: str = ""
    key: str = ""
    """Fingerprint of the sealing key that opened it last."""

    def saw(self, body: Mapping[str, Any]) -> None:
        """Note which SealedSecret it is by now."""
        if not self.is_older(body):
            self.uid = body["metadata"]["uid"]
            self.version = body["metadata"]["resourceVersion"]

    def is_older(self, body: Mapping[str, Any]) -> bool:
        """Whether a newer state of the SealedSecret is known than this.

        Watches are late: they bring what was before our own writes, and the end of an object
        after the beginning of the next of its name. resourceVersions of one kind can be compared
        (kubernetes.io/docs/reference/using-api/api-concepts, KEP-5504); what is no number is new.
        """
        version = body["metadata"]["resourceVersion"]
        if not (version.isdecimal() and self.version.isdecimal()):
            return False
        return int(version) < int(self.version)


@dataclass(frozen=True, slots=True)
class Case:
    """One SealedSecret in work."""

    key: Key
    body: Manifest
    record: Record

    @property
    def name(self) -> str:
        """Its namespace and name, for the log."""
        return "/".join(self.key)


@dataclass(frozen=True, slots=True)
class Done:
    """What a run found and did."""

    written: bool = False
    drift: tuple[str, ...] = ()
    """Names of what was edited in a Secret that had been right."""


def key_of(body: Mapping[str, Any]) -> Key:
    """Namespace and name of an object."""
    return body["metadata"]["namespace"], body["metadata"]["name"]


def trigger(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes a SealedSecret another one: its spec, by generation, and its scope."""
    metadata = body["metadata"]
    annotations = metadata.get("annotations") or {}
    scopes = tuple(sorted((key, annotations.get(key)) for key in SCOPE_ANNOTATIONS))
    gone = "deletionTimestamp" in metadata
    return metadata.get("uid"), metadata.get("generation"), scopes, gone


def is_new(body: Mapping[str, Any]) -> bool:
    """Whether nobody has tried it yet."""
    return not conditions(body.get("status"))


def says_synced(body: Mapping[str, Any]) -> bool:
    """Whether its status says that this generation was synced."""
    return is_synced(body.get("status"), body["metadata"].get("generation", 0))


def says_failed(body: Mapping[str, Any]) -> bool:
    """Whether its status says that the last try failed."""
    return condition_of(body.get("status"), "Synced").get("status") == "False"
