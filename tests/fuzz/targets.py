"""What is fuzzed: a function a reader of strangers' bytes, which raises for a finding alone.

Every refusal is one of our own errors, with no word of the input in it where the input may be a
secret; anything else that comes out is a bug. Imported under instrumentation, so that what is
imported here is what the fuzzer sees: keep the imports in this file to what is fuzzed.
"""

from __future__ import annotations

import base64
import contextlib
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from controller.http.bodies import read_json, read_yaml, sealed_secrets
from controller.keyvault.target import certificate as vault_certificate
from controller.keyvault.target.pfx import iterations
from controller.keyvault.target.values import BadValueError
from sealer.config.rules import RuleFile, matches
from sealer.encoding import decode, encode
from sealer.errors import SealerError, TemplateError, UnsealError
from sealer.keys.certificate import Certificate
from sealer.keys.der import certificate_parts
from sealer.keys.keyfile import read_keys
from sealer.keys.ring import KeyRing
from sealer.keys.succession import announced
from sealer.kubeseal.kubeconfig import Kubeconfig
from sealer.manifest import Document, read_documents, to_json, to_yaml
from sealer.sealed import SealedSecret
from sealer.secret import Secret
from sealer.template.functions import all_functions
from sealer.template.lexer import Kind, Lexer
from sealer.template.parser import parse

MAX_BYTES = 4096
"""Longer inputs find what shorter ones find, and slower."""
_LABEL = b"prod/db"
_FLAGS = (
    *("namespace", "context", "cluster", "user", "server", "tls-server-name", "proxy-url"),
    *("certificate-authority", "token", "username", "password", "client-certificate"),
    *("client-key", "as", "as-uid", "as-group", "request-timeout", "insecure-skip-tls-verify"),
)


def read_yaml_stream(data: bytes) -> None:
    """A stream of documents; what was read is written, and read as the same again."""
    for document in _documents(data):
        value = document.value
        for write in (to_yaml, to_json):
            (again,) = read_documents(write(value), "again")
            assert _as_kubernetes(again.value) == _as_kubernetes(value), (
                "what was written reads as something else"
            )


def read_json_stream(data: bytes) -> None:
    """The same for JSON, in which the syntax of its own reader is met at once."""
    read_yaml_stream(b'{"a": ' + data + b"}")
    read_yaml_stream(b"[" + data + b"]")


def read_manifests(data: bytes) -> None:
    """Secrets and SealedSecrets of a stream; a SealedSecret survives its own writing."""
    for document in _documents(data):
        with _refused():
            for resource in document.resources():
                with _refused():
                    Secret.from_dict(resource.value)
                with _refused():
                    sealed = SealedSecret.from_dict(resource.value)
                    again = SealedSecret.from_dict(sealed.to_dict())
                    assert again.encrypted_data == sealed.encrypted_data


def open_envelope(data: bytes) -> None:
    """A ciphertext, as bytes and as base64: nothing opens that was not sealed."""
    for ciphertext in (data, _decoded(data)):
        try:
            _ring().open(ciphertext, _LABEL)
        except UnsealError:
            continue
        raise AssertionError("a ciphertext that nobody sealed opens")


def lex_template(data: bytes) -> None:
    """Tokens, whose last is the end or an error, and whose places are in order."""
    tokens = Lexer(data.decode(errors="replace")).tokens()
    assert tokens[-1].kind in (Kind.EOF, Kind.ERROR)
    places = [token.position for token in tokens]
    assert places == sorted(places)


def parse_template(data: bytes) -> None:
    """A template, as Key Vault's and SealedSecrets' are parsed."""
    with contextlib.suppress(TemplateError, RecursionError):
        parse("t", data.decode(errors="replace"), all_functions())


def read_der(data: bytes) -> None:
    """A certificate's DER, and the PEM around it."""
    with contextlib.suppress(ValueError):
        certificate_parts(data)
    lines = base64.encodebytes(data)
    pem = b"-----BEGIN CERTIFICATE-----\n" + lines + b"-----END CERTIFICATE-----\n"
    for text in (pem, data):
        with _refused():
            Certificate.from_pem(text)


def read_pfx(data: bytes) -> None:
    """The headers of a PFX, and what a vault's certificate is taken for where that is cheap."""
    with contextlib.suppress(ValueError):
        if iterations(data) > 1000:
            return
    for value in (base64.b64encode(data), data):
        with contextlib.suppress(BadValueError):
            vault_certificate.parse(value)


def read_body(data: bytes) -> None:
    """What verify and rotate are sent."""
    with contextlib.suppress(SealerError, RecursionError):
        value = read_json(data)
        sealed_secrets(read_yaml(data) if value is None else value)


def read_kubeconfig(data: bytes) -> None:
    """A kubeconfig as ``seal kubeseal`` reads it."""
    flags = dict.fromkeys(_FLAGS, "")
    path = _scratch() / "kubeconfig"
    path.write_bytes(data)
    for question in (Kubeconfig.place, Kubeconfig.resolve):
        with _refused():
            question(Kubeconfig(flags, {}, str(path)))


def read_rules(data: bytes) -> None:
    """A ``.seal.toml``, its globs and its outputs."""
    with contextlib.suppress(tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        value = tomllib.loads(data.decode())
        with _refused():
            rules = RuleFile.from_dict(value, ".", ".seal.toml")
            for path in ("a.yaml", "apps/prod/db.yaml"):
                rule = rules.rule_for(path)
                if rule and rule.output:
                    assert not rule.target(path, "certs/prod.pem").startswith(("/", "../"))
            for allowance in rules.allowances:
                matches(allowance.path, "apps/prod/db.yaml")


def read_key_files(data: bytes) -> None:
    """Private keys as people give them, and what a network answers for a list of keys."""
    with _refused():
        read_keys(data.decode(errors="replace"), "a file")
    known = _certificate()
    assert not announced(data, by="ab" * 32, certificate=known), "nobody announced it"


TARGETS: dict[str, Callable[[bytes], None]] = {
    "yaml": read_yaml_stream,
    "json": read_json_stream,
    "manifests": read_manifests,
    "envelope": open_envelope,
    "template-lexer": lex_template,
    "template-parser": parse_template,
    "der": read_der,
    "pfx": read_pfx,
    "http-body": read_body,
    "kubeconfig": read_kubeconfig,
    "rules": read_rules,
    "keys": read_key_files,
}


def _as_kubernetes(value: Any) -> Any:
    """The same with numbers as the API server holds them: JSON's have any length here."""
    if isinstance(value, dict):
        return {key: _as_kubernetes(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_kubernetes(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        with contextlib.suppress(OverflowError):
            return float(value)
    return value


@contextmanager
def _refused() -> Iterator[None]:
    with contextlib.suppress(SealerError):
        yield


def _documents(data: bytes) -> Iterator[Document]:
    with _refused():
        for document in read_documents(data.decode(errors="replace"), "s"):
            if not document.is_empty:
                with _refused():
                    yield _readable(document)


def _readable(document: Document) -> Document:
    """The document, or what is wrong with it."""
    _ = document.value
    return document


def _decoded(data: bytes) -> bytes:
    try:
        return decode(data.decode())
    except ValueError:
        return decode(encode(data))


@cache
def _ring() -> KeyRing:
    from tests.sealing_keys import ring

    return ring("fuzz")


@cache
def _certificate() -> Certificate:
    from tests.sealing_keys import pair

    return pair("fuzz").certificate


@cache
def _scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-"))
