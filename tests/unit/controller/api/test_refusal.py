"""What is told of the API server's refusals of a Secret: never a word of its values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.api.errors import ClusterError, ForbiddenError, InvalidError, UnavailableError
from controller.api.refusal import Refusal

SHY = "hunter2"


def refused(
    status: int, message: str, *causes: dict[str, str], reason: str = "", method: str = "PATCH"
) -> ClusterError:
    """The error of a Status as API servers write it."""
    details: dict[str, Any] = {"name": "db", "kind": "Secret"}
    if causes:
        details["causes"] = list(causes)
    body = {"kind": "Status", "message": message, "reason": reason, "details": details}
    refusal = Refusal.read(status, json.dumps(body).encode())
    assert SHY not in repr(refusal)
    return refusal.error(method, about_secret=True)


def cause(place: str, reason: str, message: str = SHY) -> dict[str, str]:
    return {"field": place, "reason": reason, "message": message}


@pytest.mark.parametrize(
    ("place", "reason", "text", "cure"),
    [
        pytest.param(
            "data[.dockerconfigjson]", "FieldValueInvalid", "is invalid", "wants JSON", id="docker"
        ),
        pytest.param("data[tls.crt]", "FieldValueRequired", "is required", "type", id="tls"),
        pytest.param("data[a b]", "FieldValueInvalid", "is invalid", "letters", id="key"),
        pytest.param("data", "FieldValueTooLong", "is too long", "1 MiB", id="big"),
        pytest.param("data", "FieldValueForbidden", "is forbidden", "delete it", id="immutable"),
        pytest.param("type", "FieldValueInvalid", "is invalid", "delete it", id="type"),
        pytest.param("metadata.labels", "FieldValueInvalid", "is invalid", "labels", id="label"),
        pytest.param("metadata.name", "NewKindOfFault", "is refused", "names", id="unknown"),
    ],
)
def test_a_fault_is_told_by_field_kind_and_cure(
    place: str, reason: str, text: str, cure: str
) -> None:
    error = refused(422, f'Secret "db" is invalid: {place}: {SHY}', cause(place, reason))
    assert isinstance(error, InvalidError)
    assert f"{place} {text}" in error.message
    assert cure in (error.hint or "")
    assert SHY not in error.message + (error.hint or "")


def test_several_faults_are_told_with_each_cure_once() -> None:
    faults = [cause(f"data[{key}]", "FieldValueRequired") for key in ("tls.crt", "tls.key")]
    error = refused(422, "", *faults)
    assert error.message.endswith("data[tls.crt] is required; data[tls.key] is required")
    assert error.hint == "the Secret's type demands it"


@pytest.mark.parametrize("status", [400, 401, 403, 409, 413, 422, 429, 500])
@pytest.mark.parametrize(
    ("message", "who"),
    [
        pytest.param(
            f'admission webhook "vet.example" denied the request: {SHY}', "vet.example", id="hook"
        ),
        pytest.param(
            f"secrets \"db\" is forbidden: ValidatingAdmissionPolicy 'vet' with binding 'all' "
            f"denied request: {SHY}",
            "ValidatingAdmissionPolicy 'vet' with binding 'all'",
            id="policy",
        ),
    ],
)
def test_who_denies_is_named_and_not_quoted(status: int, message: str, who: str) -> None:
    error = refused(status, message, {"message": message, "reason": SHY, "field": SHY})
    assert who in error.message
    assert SHY not in error.message + (error.hint or "")


@pytest.mark.parametrize(
    ("status", "message", "told"),
    [
        pytest.param(
            500,
            f"failed to create typed patch object (shop/db; /v1, Kind=Secret): .data.a: expected "
            f"string, got &value.valueUnstructured{{Value:{SHY}}}",
            "500",
            id="patch",
        ),
        pytest.param(400, f"Secret in version v1 cannot be handled: {SHY}", "400", id="decoding"),
        pytest.param(422, f'Secret "db" is invalid: {SHY}', "422", id="no-causes"),
        pytest.param(403, f'secrets "db" is forbidden: [x denied request: {SHY}]', "403", id="403"),
        pytest.param(500, f"etcdserver: request timed out: {SHY}", "request timed out", id="etcd"),
        pytest.param(413, f"Request entity too large: {SHY}", "too large", id="huge"),
        pytest.param(
            500,
            f'Internal error occurred: failed calling webhook "vet.example": failed to call '
            f'webhook: an error on the server ("{SHY}") has prevented the request',
            "vet.example",
            id="broken-webhook",
        ),
    ],
)
def test_what_might_quote_is_left_out(status: int, message: str, told: str) -> None:
    error = refused(status, message)
    assert told in error.message
    assert SHY not in error.message + (error.hint or "")


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        pytest.param(
            403,
            'secrets "db" is forbidden: User "system:serviceaccount:kube-system:sealer" cannot '
            'patch resource "secrets" in API group "" in the namespace "shop"',
            ForbiddenError,
            id="rights",
        ),
        pytest.param(
            403, 'secrets "db" is forbidden: exceeded quota: few', ForbiddenError, id="quota"
        ),
        pytest.param(
            409, 'Apply failed with 1 conflict: conflict with "kubectl"', ClusterError, id="apply"
        ),
        pytest.param(429, "Too many requests", UnavailableError, id="busy"),
    ],
)
def test_what_cannot_quote_is_told_as_it_is(
    status: int, message: str, kind: type[ClusterError]
) -> None:
    error = refused(status, message)
    assert isinstance(error, kind)
    assert error.message == message


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"null", b"[]", b'"x"', b'{"details": 7, "message": null}', b"[" * 100_000],
)
def test_a_body_that_is_no_status_is_told_by_its_number(body: bytes) -> None:
    for about_secret in (False, True):
        error = Refusal.read(503, body).error("GET", about_secret=about_secret)
        assert isinstance(error, UnavailableError)
        assert error.message == "the API server answers 503"


def test_without_a_secret_the_api_servers_own_words_are_told() -> None:
    body = json.dumps({"message": "status.objects: Invalid value", "details": {"causes": None}})
    assert (
        Refusal.read(422, body.encode()).error("PATCH").message == "status.objects: Invalid value"
    )


@pytest.mark.parametrize("seconds", [3, "soon", None, {}])
def test_retry_after_is_read_where_it_is_a_number(seconds: Any) -> None:
    body = json.dumps({"details": {"retryAfterSeconds": seconds}}).encode()
    assert Refusal.read(429, body).error("GET").retry_after == (3 if seconds == 3 else None)
    assert Refusal.read(429, body).error("GET", "7").retry_after == 7
