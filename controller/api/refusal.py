"""PURE: what the API server answers to a request that it refuses, as our errors.

Its words about a Secret may quote it: a first character that is no JSON, a label, what a policy or
webhook makes of it. Of these only fields, kinds of faults and names are told, with the cure.
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from controller.api.errors import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)

_FAULTS = {
    "FieldValueDuplicate": "is there twice",
    "FieldValueForbidden": "is forbidden",
    "FieldValueInvalid": "is invalid",
    "FieldValueNotFound": "is not found",
    "FieldValueNotSupported": "is not supported",
    "FieldValueRequired": "is required",
    "FieldValueTooLong": "is too long",
    "FieldValueTooMany": "has too many items",
    "FieldValueTypeInvalid": "is of a wrong type",
}
_PLAIN = frozenset({401, 404, 409, 410, 429})
"""Answered without a look at values, unless a webhook or policy chose the number."""
_RIGHTS = re.compile(
    r'\S+ "[^"]*" is forbidden: '
    r'(User "|exceeded quota: |failed quota: |unable to create new content in namespace )'
)
"""The 403 of those who do not look at values, either."""
_WEBHOOK = re.compile(r'(?:Internal error occurred: failed calling|admission) webhook "([^"]+)"')
_POLICY = re.compile(r"""\S+ "[^"]*" is forbidden: (\w+ '[^']+' with binding '[^']+') denied""")
_STORE = re.compile(r"etcdserver: [a-z ]{1,60}")
_MOST = 10
_MAX_MESSAGE = 512


@dataclass(frozen=True, slots=True)
class Refusal:
    """A Status; ``message`` is the API server's own, and not for every eye."""

    status: int
    message: str = field(default="", repr=False)
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, status: int, body: bytes) -> Refusal:
        """Read a body; what is no Status says nothing."""
        try:
            said = json.loads(body)
            details = said.get("details")
            message, reason = str(said.get("message") or ""), str(said.get("reason") or "")
        except (ValueError, AttributeError, RecursionError):
            return cls(status)
        return cls(status, message, reason, details if isinstance(details, dict) else {})

    @property
    def words(self) -> str:
        """The API server's own, where the request held nothing secret."""
        return self.message or f"the API server answers {self.status}"

    def error(
        self, method: str, retry_after: str | None = None, *, about_secret: bool = False
    ) -> ClusterError:
        """Make the typed error of an answer to a request; ``retry_after`` is the header's text."""
        text, hint = self.about_secret() if about_secret else (self.words, None)
        error = _class(method, self.status, self.reason)(text[:_MAX_MESSAGE], hint=hint)
        error.status = self.status
        seconds = retry_after or self.details.get("retryAfterSeconds")
        try:
            error.retry_after = float(seconds) if seconds else None
        except (TypeError, ValueError):
            error.retry_after = None
        return error

    def about_secret(self) -> tuple[str, str | None]:
        """Words and a cure where the request was about a Secret."""
        webhook = _WEBHOOK.match(self.message)
        policy = _POLICY.match(self.message)
        if webhook and self.message.startswith("admission"):
            return f'the admission webhook "{webhook[1]}" denies the Secret', _DENIED
        if webhook:
            return f'the admission webhook "{webhook[1]}" does not answer as it should', _FAILING
        if policy:
            return f"the {policy[1]} denies the Secret", _DENIED
        faults = self._faults()
        if faults:
            text = "; ".join(f"{place} {_FAULTS.get(why, 'is refused')}" for place, why in faults)
            cures = dict.fromkeys(_cure(place, why) for place, why in faults)
            return f"the API server does not take the Secret: {text}", "; ".join(cures)
        if self.status in _PLAIN or (self.status == 403 and _RIGHTS.match(self.message)):
            return self.words, None
        if self.status == 413:
            return "the Secret is too large for the API server", _TOO_LARGE
        store = _STORE.search(self.message)
        return f"the API server answers {self.status}" + (f": {store[0]}" if store else ""), None

    def _faults(self) -> list[tuple[str, str]]:
        """Fields with the kind of their faults."""
        causes = self.details.get("causes") if self.status == 422 else None
        if not isinstance(causes, list):
            return []
        found = [one for one in causes if isinstance(one, dict) and one.get("field")]
        return [(str(one["field"]), str(one.get("reason"))) for one in found[:_MOST]]


_DENIED = "its own words may quote a value and are left out: see its rules"
_FAILING = "see the webhook's pods and its certificate"
_TOO_LARGE = "a Secret holds 1 MiB at most"


def _cure(place: str, why: str) -> str:
    if place == "type":
        return "the type of a Secret never changes: delete it, and it is made anew"
    if why == "FieldValueForbidden" and place in ("data", "immutable"):
        return "an immutable Secret never changes: delete it, and it is made anew"
    if why == "FieldValueTooLong" and place == "data":
        return _TOO_LARGE
    if why == "FieldValueRequired":
        return "the Secret's type demands it"
    if place in ("data[.dockerconfigjson]", "data[.dockercfg]"):
        return "the Secret's type wants JSON there"
    if place.startswith("data["):
        return "a key has letters, digits, '-', '_' and '.' only, and 253 of them at most"
    return "see Kubernetes' rules for names, labels and annotations"


def _class(method: str, status: int, reason: str) -> type[ClusterError]:
    if status == 409 and (reason == "AlreadyExists" or method == "POST"):
        return AlreadyExistsError
    classes: dict[int, type[ClusterError]] = {
        400: InvalidError,
        401: ForbiddenError,
        403: ForbiddenError,
        404: NotFoundError,
        409: ConflictError,
        410: GoneError,
        413: InvalidError,
        422: InvalidError,
    }
    return classes.get(status, UnavailableError)
