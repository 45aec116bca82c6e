"""sprig's functions: all are there, tell nothing in errors, end in time, and make real keys."""

from __future__ import annotations

import base64
import binascii
import datetime
import ipaddress
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sealer.errors import TemplateError
from sealer.template.functions import sprig_functions
from sealer.template.registry import Function
from sealer.template.rendering import Template, render
from tests.template import corpus
from tests.template.test_corpus import go_or_skip
from tests.testbed import binaries

CANARY = "c4n4ry-Pässwörd"
SPELLINGS = [
    CANARY,
    repr(CANARY.encode())[2:-1],
    base64.b64encode(CANARY.encode()).decode()[:12],
    base64.b32encode(CANARY.encode()).decode()[:12],
    CANARY.encode().hex()[:16],
    json.dumps(CANARY)[1:-1],
    CANARY.encode("ascii", "replace").decode(),
    CANARY.upper(),
    CANARY[::-1],
    CANARY[:8],
    binascii.hexlify(CANARY[:8].encode(), " ").decode(),
]


def test_the_functions_are_sprigs_with_its_signatures() -> None:
    go_or_skip()
    done = subprocess.run(
        [binaries.path("template-oracle"), "signatures"], capture_output=True, text=True, check=True
    )
    ours = {name: function.written for name, function in sprig_functions().items()}
    assert ours == json.loads(done.stdout)


def test_there_are_208_and_each_is_compared_with_go() -> None:
    words = {
        word.strip("(){}|")
        for group in corpus.groups()
        if group.startswith("sprig-")
        for case in corpus.cases(group)
        for word in case.template.split()
    }
    assert len(sprig_functions()) == 208
    assert sorted(set(sprig_functions()) - words) == []


def test_what_differs_from_rendering_to_rendering_is_known() -> None:
    random = {name for name, each in sprig_functions().items() if not each.deterministic}
    assert random == {
        *("now", "date", "date_in_zone", "dateInZone", "htmlDate", "htmlDateInZone", "ago"),
        *("durationRound", "uuidv4", "randAlpha", "randAlphaNum", "randAscii", "randNumeric"),
        *("randBytes", "randInt", "shuffle", "bcrypt", "htpasswd", "encryptAES", "genPrivateKey"),
        *("genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey"),
        *("genSignedCert", "genSignedCertWithKey"),
    }
    template = Template.parse("cfg", '{{ if .x }}{{ now | date "2006" }}{{ randAlpha 3 }}{{ end }}')
    assert template.nondeterministic == {"now", "date", "randAlpha"}


def calls_that_fail(function: Function) -> Iterator[str]:
    """Give the secret for each parameter in turn, alone, in a list and in a map, and too often."""
    parameters = [*function.signature.fixed, *[function.signature.variadic] * 3]
    known = {
        "string": '"x"',
        "int": "3",
        "uint32": "3",
        "bool": "true",
        "float64": "1.5",
        "[]interface {}": "(list 1)",
        "map[string]interface {}": '(dict "a" 1)',
        "time.Time": '(toDate "2006" "2020")',
        "sprig.certificate": ".secret",
    }
    filled = [known.get(str(each), "1") for each in parameters if each is not None]
    for secret in (".secret", "(list .secret)", "(dict .secret .secret)", "(cat .secret 1)"):
        for at in range(len(filled)):
            yield " ".join([*filled[:at], secret, *filled[at + 1 :]])
        yield " ".join([secret] * len(filled))
        yield " ".join([secret] * 9)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error and all that is kept with it."""
    seen: list[BaseException] = [error]
    while seen:
        yield (each := seen.pop())
        seen += [kept for kept in (each.__cause__, each.__context__) if kept is not None]


@pytest.mark.parametrize("name", sorted(set(sprig_functions()) - {"genPrivateKey"}))
def test_an_error_of_a_function_tells_nothing_of_its_arguments(name: str) -> None:
    for arguments in calls_that_fail(sprig_functions()[name]):
        template = f"{{{{ {name} {arguments} | fail }}}}"
        with pytest.raises(TemplateError) as caught:
            render("cfg", template, {"secret": CANARY.encode()})
        told = " ".join(f"{each} {each!r}" for each in [*chain(caught.value), caught.value.hint])
        assert not [spelling for spelling in SPELLINGS if spelling in told], template


ENDLESS = [
    '{{ repeat 1000000000 "x" }}',
    "{{ range until 1000000000 }}{{ end }}",
    "{{ untilStep 0 9223372036854775807 1 }}",
    "{{ seq 1 1000000000 }}",
    '{{ indent 1000000000 "x" }}',
    '{{ nindent 100000 (repeat 10000 "\\n") }}',
    "{{ randAlpha 1000000000 }}",
    "{{ randBytes 1000000000 }}",
    '{{ wrapWith 1 (repeat 10000 "-") (repeat 10000 "xx") }}',
    '{{ replace "" (repeat 1000 "x") (repeat 10000 "y") }}',
    '{{ regexReplaceAll "" (repeat 10000 "x") (repeat 10000 "y") }}',
    '{{ regexFindAll "a.*b|a" (repeat 500000 "a") -1 }}',
    '{{ regexMatch "((a{30}){30})*b" (repeat 500000 "aa") }}',
    '{{ fromJson (repeat 100000 "[") }}',
    '{{ splitList "" (repeat 1000000 "x") }}',
    '{{ shuffle (repeat 1000000 "x") }}',
    '{{ snakecase (repeat 500000 "aB") }}',
    '{{ semverCompare (repeat 300000 ">1 ") "1.2.3" }}',
    '{{ dateModify (repeat 400000 "0h") (toDate "2006" "2020") }}',
    '{{ date (repeat 250000 "2006") 0 }}',
    "{{ $l := list 1 }}{{ range until 40 }}{{ $l = list $l $l }}{{ end }}{{ toJson $l }}",
    "{{ $l := list 1 }}{{ range until 40 }}{{ $l = list $l $l }}{{ end }}{{ deepCopy $l }}",
    "{{ $l := list 1 }}{{ range until 40 }}{{ $l = list $l $l }}{{ end }}"
    "{{ deepEqual (list $l) (list $l) }}",
    "{{ $l := list 1 }}{{ range until 40 }}{{ $l = concat $l $l }}{{ end }}",
    '{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ $d }}',
    '{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ toJson $d }}',
    '{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ merge $d $d }}',
    '{{ range until 200000 }}{{ $_ := sha512sum "x" }}{{ end }}',
]


@pytest.mark.parametrize("template", ENDLESS)
def test_what_would_take_for_ever_ends_with_an_error(template: str) -> None:
    start = time.process_time()
    with pytest.raises(TemplateError):
        render("cfg", template, {})
    # A second of the reference machine, with room for one that is busy.
    assert time.process_time() - start < 5


def test_functions_load_their_libraries_when_they_are_called() -> None:
    program = (
        "import sys; from sealer.template.rendering import render; render('x', '{{ trim .a }}', "
        "{'a': b' x'}); print([m for m in ('re2', 'bcrypt', 'cryptography', 'zoneinfo') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("kind", "known", "bits"),
    [
        pytest.param("rsa", rsa.RSAPrivateKey, 4096, id="rsa"),
        pytest.param("dsa", dsa.DSAPrivateKey, 2048, id="dsa"),
        pytest.param("ecdsa", ec.EllipticCurvePrivateKey, 256, id="ecdsa"),
        pytest.param("ed25519", ed25519.Ed25519PrivateKey, None, id="ed25519"),
    ],
)
def test_a_private_key_is_of_the_kind_asked_for(kind: str, known: type, bits: int | None) -> None:
    pem = render("cfg", f'{{{{ genPrivateKey "{kind}" }}}}', {})
    key = load_pem_private_key(pem, None)
    assert isinstance(key, known)
    assert getattr(key, "key_size", None) == bits


def test_a_signed_certificate_verifies_and_says_what_was_asked() -> None:
    template = (
        '{{ $ca := genCA "my-ca" 365 }}{{ $c := genSignedCert "db" (list "10.0.0.1" "::1") '
        '(list "db.example" "*.db.example") 30 $ca }}'
        '{{ list $ca.Cert $c.Cert $c.Key | join "\\n==\\n" }}'
    )
    parts = render("cfg", template, {}).split(b"\n==\n")
    ca, cert = (x509.load_pem_x509_certificate(part) for part in parts[:2])
    key = load_pem_private_key(parts[2], None)
    cert.verify_directly_issued_by(ca)
    ca.verify_directly_issued_by(ca)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
    assert key.public_key() == cert.public_key()
    assert cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "db"
    assert ca.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "my-ca"
    assert cert.not_valid_after_utc - cert.not_valid_before_utc == datetime.timedelta(days=30)
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["db.example", "*.db.example"]
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("10.0.0.1"),
        ipaddress.ip_address("::1"),
    ]
    assert [*cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value] == [
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    ]
    constraints = [
        each.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        for each in (ca, cert)
    ]
    assert constraints == [True, False]


FIELDS = [
    '{{ (genCA "my-ca" 365).Cert }}',
    '{{ (genSelfSignedCert "cn" (list "10.0.0.1" "::ffff:1.2.3.4") (list "a.example") 30).Cert }}',
    '{{ (genSelfSignedCert "" nil (list "a.example") 30).Cert }}',
    '{{ (genSelfSignedCertWithKey "cn" nil nil 0 (genPrivateKey "ecdsa")).Cert }}',
    '{{ (genSelfSignedCertWithKey (repeat 9 "service.") nil nil 9 (genPrivateKey "ecdsa")).Cert }}',
    '{{ (genSignedCert "cn" nil (list "b") 10 (genCA "ca" 30)).Cert }}',
    '{{ (genSignedCertWithKey "cn" nil nil 10 (genCA "ca" 30) (genPrivateKey "ed25519")).Cert }}',
]


def described(pem: bytes) -> object:
    """Return all of a certificate but keys, signature, serial number and the hour."""
    cert = x509.load_pem_x509_certificate(pem)
    return (
        cert.version,
        cert.subject.rfc4514_string(),
        cert.issuer.rfc4514_string(),
        cert.signature_algorithm_oid.dotted_string,
        type(cert.public_key()).__name__,
        cert.not_valid_after_utc - cert.not_valid_before_utc,
        sorted(
            (each.oid.dotted_string, each.critical, len(each.value.public_bytes()))
            if each.oid.dotted_string in ("2.5.29.14", "2.5.29.35")
            else (each.oid.dotted_string, each.critical, each.value.public_bytes())
            for each in cert.extensions
        ),
    )


@pytest.mark.filterwarnings("ignore:Attribute's length")
@pytest.mark.parametrize("template", FIELDS)
def test_a_certificate_has_the_fields_of_gos(template: str) -> None:
    go_or_skip()
    case = corpus.Case("certificates", "one", template, {})
    theirs = corpus.ask_go([case])[0]
    assert theirs.output is not None, theirs.error
    assert described(render("cfg", template, {})) == described(theirs.output)


def test_an_aes_text_of_ours_is_read_by_go_and_a_bcrypt_hash_is_its() -> None:
    go_or_skip()
    sealed = render("cfg", '{{ encryptAES "key" "a secret text" }}', {})
    case = corpus.Case("aes", "one", '{{ decryptAES "key" .sealed }}', {"sealed": sealed})
    assert corpus.ask_go([case])[0].output == b"a secret text"
