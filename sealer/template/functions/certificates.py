"""sprig's functions that make private keys and certificates.

Keys come from the operating system's source through ``cryptography``, not from the rendering's.
"""

from __future__ import annotations

import datetime
import ipaddress
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from sealer.template import pem
from sealer.template.functions.encoding import CorruptError, decode_base64
from sealer.template.registry import CallError, Environment, Group
from sealer.template.times import NANOSECONDS
from sealer.template.values import Object, Slice

if TYPE_CHECKING:
    from cryptography import x509

GROUP = Group()

# An RSA key of 2048 bits takes about 80 ms, one of 4096 about 700 ms, which is far more: it is the
# limit of seconds that holds here, at which a rendering looks at every few hundred steps.
RSA_2048_STEPS: Final = 2_000
RSA_4096_STEPS: Final = 10_000
_SIGNING_STEPS: Final = 1_000


@dataclass(frozen=True, slots=True, repr=False)
class Certificate(Object):
    """A certificate and its private key, both PEM."""

    go_type: ClassVar[str] = "sprig.certificate"

    cert: bytes = b""
    key: bytes = b""

    def fields(self) -> tuple[tuple[str, object], ...]:
        return ("Cert", self.cert), ("Key", self.key)


@dataclass(frozen=True, slots=True, repr=False)
class _Subject:
    """Whom a certificate is for."""

    name: bytes
    days: int
    ips: Slice | None = None
    dns: Slice | None = None
    authority: bool = False


@GROUP.function("genPrivateKey", "func(string) string", takes_environment=True, deterministic=False)
def gen_private_key(environment: Environment, kind: bytes) -> bytes:
    if kind in (b"", b"rsa"):
        environment.spend_with_time(RSA_4096_STEPS)
        return pem.private_key(_rsa_key(4096))
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519

    environment.spend_with_time(_SIGNING_STEPS)
    if kind == b"ecdsa":
        return pem.private_key(ec.generate_private_key(ec.SECP256R1()))
    if kind == b"ed25519":
        return pem.private_key(ed25519.Ed25519PrivateKey.generate())
    if kind == b"dsa":
        environment.spend_with_time(RSA_4096_STEPS)
        return pem.private_key(dsa.generate_private_key(2048))
    return b"Unknown type " + kind


def _rsa_key(bits: int) -> pem.PrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(65537, bits)


def _new_key(environment: Environment) -> pem.PrivateKey:
    environment.spend_with_time(RSA_2048_STEPS)
    return _rsa_key(2048)


@GROUP.function("buildCustomCert", "func(string, string) (sprig.certificate, error)")
def build_custom_cert(encoded: bytes, encoded_key: bytes) -> Certificate:
    try:
        cert, key = decode_base64(encoded), decode_base64(encoded_key)
    except CorruptError:
        raise CallError("unable to decode base64") from None
    pem.certificate(cert)
    pem.parsed_private_key(key)
    return Certificate(cert, key)


@GROUP.function(
    "genCA",
    "func(string, int) (sprig.certificate, error)",
    takes_environment=True,
    deterministic=False,
)
def gen_ca(environment: Environment, name: bytes, days: int) -> Certificate:
    subject = _Subject(name, days, authority=True)
    return _self_signed(environment, subject, _new_key(environment))


@GROUP.function(
    "genCAWithKey",
    "func(string, int, string) (sprig.certificate, error)",
    takes_environment=True,
    deterministic=False,
)
def gen_ca_with_key(environment: Environment, name: bytes, days: int, key: bytes) -> Certificate:
    subject = _Subject(name, days, authority=True)
    return _self_signed(environment, subject, pem.parsed_private_key(key))


@GROUP.function(
    "genSelfSignedCert",
    "func(string, []interface {}, []interface {}, int) (sprig.certificate, error)",
    takes_environment=True,
    deterministic=False,
)
def gen_self_signed(
    environment: Environment, name: bytes, ips: Slice, dns: Slice, days: int
) -> Certificate:
    subject = _Subject(name, days, ips, dns)
    return _self_signed(environment, subject, _new_key(environment))


@GROUP.function(
    "genSelfSignedCertWithKey",
    "func(string, []interface {}, []interface {}, int, string) (sprig.certificate, error)",
    takes_environment=True,
    deterministic=False,
)
def gen_self_signed_with_key(
    environment: Environment, name: bytes, ips: Slice, dns: Slice, days: int, key: bytes
) -> Certificate:
    subject = _Subject(name, days, ips, dns)
    return _self_signed(environment, subject, pem.parsed_private_key(key))


@GROUP.function(
    "genSignedCert",
    "func(string, []interface {}, []interface {}, int, sprig.certificate) "
    "(sprig.certificate, error)",
    takes_environment=True,
    deterministic=False,
)
def gen_signed(
    environment: Environment, name: bytes, ips: Slice, dns: Slice, days: int, ca: Certificate
) -> Certificate:
    subject = _Subject(name, days, ips, dns)
    return _signed(environment, subject, _new_key(environment), ca)


@GROUP.function(
    "genSignedCertWithKey",
    "func(string, []interface {}, []interface {}, int, sprig.certificate, string) "
    "(sprig.certificate, error)",
    takes_environment=True,
    deterministic=False,
)
def gen_signed_with_key(
    environment: Environment,
    name: bytes,
    ips: Slice,
    dns: Slice,
    days: int,
    ca: Certificate,
    key: bytes,
) -> Certificate:
    subject = _Subject(name, days, ips, dns)
    return _signed(environment, subject, pem.parsed_private_key(key), ca)


def _self_signed(environment: Environment, subject: _Subject, key: pem.PrivateKey) -> Certificate:
    return _issued(environment, subject, key, None, key)


def _signed(
    environment: Environment, subject: _Subject, key: pem.PrivateKey, ca: Certificate
) -> Certificate:
    issuer = pem.certificate(ca.cert)
    return _issued(environment, subject, key, issuer, pem.parsed_private_key(ca.key))


def _issued(
    environment: Environment,
    subject: _Subject,
    key: pem.PrivateKey,
    issuer: x509.Certificate | None,
    signer: pem.PrivateKey,
) -> Certificate:
    """Build and sign; ValueError and TypeError of the library are faults of what was asked."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    environment.spend_with_time(_SIGNING_STEPS)
    if not isinstance(signer, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        if not isinstance(signer, ed25519.Ed25519PrivateKey):
            raise CallError("certificates are signed with RSA, ECDSA or Ed25519")
        algorithm = None
    else:
        algorithm = hashes.SHA256()
    try:
        with warnings.catch_warnings():
            # Of names longer than X.520 allows, the issuer's too.
            warnings.simplefilter("ignore", UserWarning)
            builder = _builder(environment, subject, key, issuer)
            made = builder.sign(signer, algorithm)
    except (ValueError, TypeError, OverflowError):
        raise CallError("error creating certificate") from None
    return Certificate(
        made.public_bytes(serialization.Encoding.PEM),
        pem.private_key(key),
    )


def _builder(
    environment: Environment,
    subject: _Subject,
    key: pem.PrivateKey,
    issuer: x509.Certificate | None,
) -> x509.CertificateBuilder:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    name = _name(subject.name.decode())
    now = datetime.datetime.fromtimestamp(environment.now() // NANOSECONDS, datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(key.public_key())  # type: ignore[arg-type]
        .serial_number(int.from_bytes(environment.random(16), "big") or 1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=subject.days))
        .add_extension(_usage(subject.authority), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(subject.authority, None), critical=True)
    )
    if subject.authority:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())  # type: ignore[arg-type]
        builder = builder.add_extension(identifier, critical=False)
    if issuer is not None and (identifier_of := _identifier(issuer)) is not None:
        builder = builder.add_extension(identifier_of, critical=False)
    names = _alternative_names(subject)
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName(names), critical=not subject.name
        )
    return builder


def _name(text: str) -> x509.Name:
    """Return a name of a common name alone; of an empty one, none."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    if not text:
        return x509.Name([])
    # X.520 ends at 64 bytes and Go does not, and names of services in a cluster are often longer.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text, _validate=False)])


def _usage(authority: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier | None:
    from cryptography import x509

    try:
        found = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return None
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)


def _alternative_names(subject: _Subject) -> list[x509.GeneralName]:
    from cryptography import x509

    names: list[x509.GeneralName] = []
    for dns in subject.dns or ():
        if not isinstance(dns, bytes):
            raise CallError("error processing alternate dns name: not a string")
        names.append(x509.DNSName(dns.decode()))
    for ip in subject.ips or ():
        if not isinstance(ip, bytes):
            raise CallError("error parsing ip: not a string")
        try:
            address = ipaddress.ip_address(ip.decode())
        except ValueError:
            raise CallError("error parsing ip") from None
        if isinstance(address, ipaddress.IPv6Address):
            if address.scope_id is not None:
                raise CallError("error parsing ip")
            address = address.ipv4_mapped or address
        names.append(x509.IPAddress(address))
    return names
