"""PFX and PEM in every order and cipher that people import into a vault."""

from __future__ import annotations

import base64
import itertools
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from controller.keyvault.target.certificate import credential, parse
from controller.keyvault.target.values import BadValueError
from tests.testbed.pfx import costly_pfx


def _issue(name: str, key: Any, issuer: str, issuer_key: Any) -> x509.Certificate:
    now = datetime.now(UTC)

    def title(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    return (
        x509.CertificateBuilder()
        .subject_name(title(name))
        .issuer_name(title(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=name != "leaf", path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


class Chain:
    """Leaf, two intermediates and a root; elliptic curves but for the leaf's key."""

    def __init__(self, leaf_key: Any) -> None:
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
        root, upper, lower = keys
        self.key = leaf_key
        self.root = _issue("root", root, "root", root)
        self.upper = _issue("upper", upper, "root", root)
        self.lower = _issue("lower", lower, "upper", upper)
        self.leaf = _issue("leaf", leaf_key, "lower", lower)
        self.stranger = _issue("stranger", keys[0], "nobody", keys[1])
        self.all = [self.leaf, self.lower, self.upper, self.root]

    def pfx(self, rest: list[x509.Certificate], encryption: Any = None) -> bytes:
        encryption = encryption or NoEncryption()
        made = pkcs12.serialize_key_and_certificates(None, self.key, self.leaf, rest, encryption)
        return base64.b64encode(made)

    def pem(self, certificates: list[x509.Certificate], *, key_first: bool = True) -> bytes:
        form = PrivateFormat.PKCS8
        key: bytes = self.key.private_bytes(Encoding.PEM, form, NoEncryption())
        chain = b"".join(one.public_bytes(Encoding.PEM) for one in certificates)
        return key + chain if key_first else chain + key


KEYS = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ec": ec.generate_private_key(ec.SECP384R1()),
}


def names(pem: bytes) -> list[str]:
    loaded = x509.load_pem_x509_certificates(pem)
    return [one.subject.rfc4514_string().removeprefix("CN=") for one in loaded]


@pytest.mark.parametrize("kind", KEYS)
def test_the_chain_is_leaf_first_whatever_order_it_was_imported_in(kind: str) -> None:
    chain = Chain(KEYS[kind])
    for order in itertools.permutations(chain.all):
        for key_first in (True, False):
            bundle = parse(chain.pem([*order], key_first=key_first))
            assert names(bundle.tls("Full")["tls.crt"]) == ["leaf", "lower", "upper", "root"]
    for order in itertools.permutations(chain.all[1:]):
        bundle = parse(chain.pfx([*order]))
        assert names(bundle.tls("Full")["tls.crt"]) == ["leaf", "lower", "upper", "root"]


def test_ca_crt_is_the_root_and_the_chain_is_as_long_as_asked() -> None:
    bundle = parse(Chain(KEYS["ec"]).pfx(Chain(KEYS["ec"]).all[1:]))
    assert names(bundle.tls("Full")["tls.crt"]) == ["leaf"]  # a stranger's chain is left out
    chain = Chain(KEYS["ec"])
    bundle = parse(chain.pem([*chain.all, chain.stranger]))
    assert names(bundle.tls("Full")["ca.crt"]) == ["root"]
    assert names(bundle.tls("NoRoot")["tls.crt"]) == ["leaf", "lower", "upper"]
    assert names(bundle.tls("LeafOnly")["tls.crt"]) == ["leaf"]
    assert names(bundle.form("Chain")) == ["lower", "upper", "root"]
    assert names(bundle.form("Leaf")) == ["leaf"]


def test_without_a_root_there_is_no_ca_crt() -> None:
    chain = Chain(KEYS["ec"])
    bundle = parse(chain.pem([chain.leaf, chain.lower]))
    assert set(bundle.tls("Full")) == {"tls.crt", "tls.key"}


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(("-keypbe", "NONE", "-certpbe", "NONE", "-nomac"), id="none"),
        pytest.param(("-keypbe", "AES-256-CBC", "-certpbe", "AES-256-CBC"), id="aes-256"),
        pytest.param(
            ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"), id="3des"
        ),
        pytest.param(
            ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-RC2-40", "-legacy"), id="rc2"
        ),
    ],
)
def test_ciphers_old_and_new_open_with_the_empty_password(
    flags: tuple[str, ...], tmp_path: Path
) -> None:
    chain = Chain(KEYS["rsa"])
    (tmp_path / "in.pem").write_bytes(chain.pem(chain.all))
    # pyca writes no PFX under an empty password; this is how Azure's look.
    command = ["openssl", "pkcs12", "-export", "-in", "in.pem", "-passout", "pass:", *flags]
    pfx = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    bundle = parse(base64.b64encode(pfx))
    assert bundle.form("PFX") == pfx
    assert names(bundle.tls("Full")["tls.crt"]) == ["leaf", "lower", "upper", "root"]
    key = load_pem_private_key(bundle.tls("Full")["tls.key"], None)
    assert key.public_key() == chain.key.public_key()


def test_a_pem_certificate_becomes_a_pfx_that_opens() -> None:
    chain = Chain(KEYS["rsa"])
    made = parse(chain.pem(chain.all)).form("PFX")
    key, leaf, rest = pkcs12.load_key_and_certificates(made, None)
    assert key is not None
    assert leaf == chain.leaf
    assert len(rest) == 3
    assert names(parse(chain.pem(chain.all)).form("PEM")) == ["leaf", "lower", "upper", "root"]


def _bent(certificate: x509.Certificate, old: bytes, new: bytes) -> bytes:
    """The certificate as PEM with some of its bytes changed."""
    der = certificate.public_bytes(Encoding.DER)
    assert old in der
    body = base64.encodebytes(der.replace(old, new))
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"


P256, UNKNOWN_CURVE = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030106")


@pytest.mark.parametrize("key_first", [True, False])
def test_a_certificate_of_an_unknown_algorithm_is_passed_over(key_first: bool) -> None:
    chain = Chain(KEYS["rsa"])
    unknown = _bent(chain.stranger, P256, UNKNOWN_CURVE)
    rest = chain.pem(chain.all, key_first=key_first)
    for pem in (unknown + rest, rest + unknown):
        crt = parse(pem).tls("Full")["tls.crt"]
        assert names(crt) == ["leaf", "lower", "upper", "root"]


def test_a_certificate_that_is_all_there_is_and_of_an_unknown_algorithm_is_a_bad_value() -> None:
    chain = Chain(KEYS["rsa"])
    unknown = _bent(chain.stranger, P256, UNKNOWN_CURVE)
    with pytest.raises(BadValueError, match="fits none"):
        parse(chain.pem([]) + unknown)


def test_a_certificate_whose_names_are_no_text_is_a_bad_value() -> None:
    chain = Chain(KEYS["rsa"])
    bent = _bent(chain.leaf, b"lower", b"\xff\xfe\xfd\xfc\xfb")
    with pytest.raises(BadValueError, match="cannot be read"):
        parse(chain.pem([]) + bent)


def test_a_certificate_without_its_key_is_an_error_that_says_so() -> None:
    chain = Chain(KEYS["rsa"])
    bundle = parse(b"".join(one.public_bytes(Encoding.PEM) for one in chain.all))
    assert names(bundle.form("Leaf")) == ["leaf"]
    with pytest.raises(BadValueError, match="no private key"):
        bundle.tls("Full")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"canary", id="no-base64"),
        pytest.param(base64.b64encode(b"canary"), id="no-pfx"),
        pytest.param(
            b"-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----", id="bad-pem"
        ),
    ],
)
def test_what_is_no_certificate_is_refused_without_being_quoted(value: bytes) -> None:
    with pytest.raises(BadValueError) as caught:
        parse(value)
    assert "canary" not in str(caught.value)


def test_a_pfx_with_a_password_is_refused() -> None:
    chain = Chain(KEYS["ec"])
    with pytest.raises(BadValueError, match="password"):
        parse(chain.pfx([], BestAvailableEncryption(b"secret")))


def test_pem_that_cannot_be_read_says_why() -> None:
    made = Chain(KEYS["ec"])
    chain = made.leaf.public_bytes(Encoding.PEM)
    form, cipher = PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    locked = made.key.private_bytes(Encoding.PEM, form, cipher)
    with pytest.raises(BadValueError, match="has a password"):
        parse(locked + chain)
    with pytest.raises(BadValueError, match=r"two characters \\n"):
        parse(made.pem(made.all).replace(b"\n", rb"\n"))


def test_a_credential_is_read_from_pem_and_from_the_bytes_of_a_pfx() -> None:
    chain = Chain(rsa.generate_private_key(65537, 2048))
    from_pem = credential(chain.pem(chain.all[::-1]))
    from_pfx = credential(base64.b64decode(chain.pfx(chain.all[1:])))
    assert from_pem == from_pfx == chain.pem(chain.all)


def test_a_credential_that_would_sign_slowly_or_not_at_all_is_refused() -> None:
    chain = Chain(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(BadValueError, match="has no RSA key"):
        credential(chain.pem(chain.all))
    with pytest.raises(BadValueError, match="more than 1000000 rounds"):
        credential(costly_pfx(0x7FFFFFFF))
