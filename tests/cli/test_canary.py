"""No plaintext, session key or private key is in any output but the intended one.

Canaries are planted in every place that holds a secret; then every command and every failure we
know runs, and all that comes out is searched, in every encoding a leak would have.
"""

from __future__ import annotations

import base64
import json
import subprocess
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sealer
from sealer import crypto, encoding
from sealer.errors import SealerError
from sealer.files.text import open_text
from sealer.manifest.edit import put
from sealer.scope import Scope
from tests.cli import program
from tests.sealing_keys import pair, private_pem, ring, rsa_key

CANARY = "c4n4ry-Plaintext-0f1e2d"
SESSION_KEY = b"c4n4ry-session-key-0123456789abc"


def forms(secret: bytes) -> set[str]:
    """How a secret would look in a text: as it is, base64 at any offset, hex, repr, reversed."""
    found = {secret.decode("latin-1"), secret.hex(), secret[::-1].decode("latin-1")}
    for shift in range(3):
        # Leave out the characters that mix with neighbours.
        found.add(base64.b64encode(b"\0" * shift + secret)[shift + 1 : -4].decode())
    return {form for form in found if len(form) >= 12}


def key_forms() -> set[str]:
    """Pieces of the private keys that the tests use."""
    found: set[str] = set()
    for key in (rsa_key(2048), pair("old").private_key, pair().private_key):
        for pkcs8 in (True, False):
            lines = private_pem(key, pkcs8=pkcs8).decode().splitlines()[1:-1]
            # The first lines hold the modulus, which is public.
            found.update(lines[len(lines) // 2 :])
        numbers = key.private_numbers()
        for number in (numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp):
            found.update((str(number)[:40], f"{number:x}"[:40]))
    return found


SECRETS = forms(CANARY.encode()) | forms(SESSION_KEY) | key_forms()


def leaks(text: str) -> set[str]:
    """The canaries in a text."""
    return {form[:12] for form in SECRETS if form in text}


def test_the_search_finds_what_it_looks_for() -> None:
    encoded = base64.b64encode(f"password={CANARY};".encode()).decode()
    for text in (CANARY, encoded, CANARY.encode().hex(), private_pem(rsa_key(2048)).decode()):
        assert leaks(f"some {text} words")


MANIFESTS = {
    "good": f"stringData: {{password: {CANARY}}}",
    "base64": f"data: {{password: {CANARY}}}",
    "number": "stringData: {password: 12345678901234}",
    "list": f"stringData: [{CANARY}]",
    "mapping": f"stringData: {{password: {{{CANARY}: 1}}}}",
    "twice": f"stringData: {{k: {CANARY}, k: {CANARY}}}",
    "syntax": f'stringData: {{password: "{CANARY}',
    "escape": f'stringData: {{password: "{CANARY}\\q"}}',
    "tag": f"stringData: {{password: !!binary {CANARY}}}",
    "anchor": f"stringData: {{password: *{CANARY}}}",
    "indent": f"stringData:\n  a: 1\n {CANARY}: {CANARY}",
    "control": f"stringData: {{password: {CANARY}\x01}}",
    "noname": f"stringData: {{password: {CANARY}}}",
    "annotated": f"data: {{k: {encoding.encode(CANARY.encode())}}}",
}


def write_manifests(work: Path) -> None:
    for name, body in MANIFESTS.items():
        metadata = "{name: db, namespace: prod}" if name != "noname" else "{}"
        if name == "annotated":
            key = "kubectl.kubernetes.io/last-applied-configuration"
            metadata = f"{{name: db, namespace: prod, annotations: {{{key}: '{CANARY}'}}}}"
        text = f"apiVersion: v1\nkind: Secret\nmetadata: {metadata}\n{body}\n"
        (work / f"{name}.yaml").write_text(text)
    (work / "bad.json").write_text(f'{{"kind": "Secret", "stringData": {{"k": "{CANARY}\\q"}}}}')
    (work / "cut.json").write_text(f'{{"kind": "Secret", "stringData": {{"k": "{CANARY}')
    (work / "latin.yaml").write_bytes(f"kind: Secret\nk: {CANARY}\xe9".encode("latin-1"))
    (work / "broken.key").write_bytes(private_pem(rsa_key(2048))[:-200])
    (work / "value").write_text(CANARY)
    (work / "big").write_text(CANARY * 60_000)


SEAL = "--cert ../keys/cluster.pem"
PLACE = "--name db --namespace prod"
KEY = "--key ../keys/cluster.key"
COMMANDS = [
    *[f"seal {SEAL} {name}.yaml" for name in MANIFESTS],
    *[f"seal --check {name}.yaml" for name in MANIFESTS],
    *[f"merge {SEAL} sealed.yaml {name}.yaml" for name in MANIFESTS],
    f"seal {SEAL} bad.json",
    f"seal {SEAL} cut.json",
    f"seal {SEAL} latin.yaml",
    f"seal {SEAL} good.yaml -o json",
    f"seal {SEAL} good.yaml -w good.yaml/x",
    f"seal {SEAL} good.yaml --output-dir value",
    "seal --cert ../keys/expired.pem good.yaml",
    "seal --cert ../keys/cluster.key good.yaml",
    "seal --cert good.yaml good.yaml",
    f"raw {SEAL} {PLACE} value",
    f"raw {SEAL} {PLACE} big",
    f"raw {SEAL} value",
    f"unseal sealed.yaml {KEY} -w opened.yaml",
    "unseal sealed.yaml --key ../keys/old.key",
    f"unseal moved.yaml {KEY}",
    f"unseal damaged.yaml {KEY}",
    "unseal sealed.yaml --key broken.key",
    "unseal sealed.yaml --key ../keys/ec.key",
    "unseal sealed.yaml --key good.yaml",
    "unseal sealed.yaml --key latin.yaml",
    f"unseal good.yaml {KEY}",
    f"verify sealed.yaml {KEY}",
    "verify sealed.yaml --key ../keys/backup.yaml",
    f"verify moved.yaml {KEY}",
    f"verify good.yaml {KEY}",
    f"reencrypt sealed.yaml {KEY} --cert ../keys/old.pem",
    f"reencrypt sealed.yaml --key ../keys/old.key {SEAL}",
    f"reencrypt damaged.yaml {KEY} --cert ../keys/old.pem",
    "keygen --bits 2048 --cert-out new.pem --key-out new.key",
    "cert ../keys/cluster.pem",
    "cert ../keys/cluster.key",
    "cert good.yaml",
]


def test_no_command_says_a_secret(work: Path) -> None:
    write_manifests(work)
    make_sealed(work)
    for command in COMMANDS:
        words = command.split()
        verbose = [] if words[0] == "completion" else ["--verbose"]
        done = subprocess.run(
            [program.SEAL, *words, *verbose],
            cwd=work,
            env=program.environment(work),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "internal error" not in done.stderr, command
        assert not leaks(done.stdout + done.stderr), command
    assert CANARY in base64.b64decode(json.loads(opened(work))["data"]["password"]).decode(), (
        "the canary was never there"
    )


def make_sealed(work: Path) -> None:
    secret = sealer.Secret(name="db", namespace="prod", data={"password": CANARY.encode()})
    certificate = sealer.Certificate.from_pem((work / "../keys/cluster.pem").read_bytes())
    text = sealer.to_yaml(sealer.seal(secret, certificate).to_dict())
    (work / "sealed.yaml").write_text(text)
    (work / "moved.yaml").write_text(text.replace("namespace: prod", "namespace: other"))
    item = sealer.seal(secret, certificate).encrypted_data["password"]
    whole = encoding.decode(item)
    damaged = encoding.encode(whole[:-1] + bytes([whole[-1] ^ 1]))
    (work / "damaged.yaml").write_text(
        sealer.to_yaml(
            {
                "apiVersion": "bitnami.com/v1alpha1",
                "kind": "SealedSecret",
                "metadata": {"name": "db", "namespace": "prod"},
                "spec": {"encryptedData": {"password": damaged}},
            }
        )
    )


def opened(work: Path) -> str:
    done = subprocess.run(
        [program.SEAL, "unseal", "sealed.yaml", *KEY.split(), "-o", "json"],
        cwd=work,
        env=program.environment(work),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_bug_of_ours_says_where_and_not_what(work: Path) -> None:
    # A command that fails in a way nobody thought of, the secret in its exception.
    code = f"""
import click, sys
from sealer.cli import _ui
@click.command()
def broken():
    raise RuntimeError({CANARY!r})
sys.exit(_ui.run(broken, "seal"))
"""
    done = subprocess.run(
        [program.BIN / "python", "-c", code], capture_output=True, text=True, check=False, cwd=work
    )
    assert done.returncode == 1
    assert done.stderr.startswith("seal: error: internal error: RuntimeError in __main__:6\n")
    assert not leaks(done.stdout + done.stderr)


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception, its causes and its contexts."""
    seen: set[int] = set()
    left = [error]
    while left:
        one = left.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            left += [other for other in (one.__cause__, one.__context__) if other is not None]
            left += getattr(one, "errors", ())


def everything_of(error: BaseException) -> str:
    """All that a log, a debugger or an error tracker would write of an exception."""
    parts = ["".join(traceback.format_exception(error))]
    for one in chain(error):
        parts += [str(one), repr(one), repr(one.args), repr(getattr(one, "__dict__", {}))]
        parts += [repr(getattr(one, name, "")) for name in ("doc", "object", "problem_mark")]
    return "\n".join(parts)


def sealed(key: bytes = SESSION_KEY, label: bytes = b"prod/db") -> bytes:
    return crypto._encrypt_with_session_key(
        pair().certificate.public_key, CANARY.encode(), label, key
    )


def read_all(text: str) -> None:
    for document in sealer.read_documents(text, "f"):
        for resource in document.resources():
            sealer.Secret.from_dict(resource.value)


def legacy(plaintext: str) -> sealer.SealedSecret:
    item = sealer.seal_value(plaintext.encode(), pair().certificate, b"")
    metadata = {"name": "a", "annotations": Scope.CLUSTER_WIDE.annotations}
    return sealer.SealedSecret(metadata=metadata, encrypted_data={}, legacy_data=item)


def read_lines(path: Path) -> None:
    with open_text(str(path)) as (lines, _):
        list(lines)


def manifest(name: str) -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\n{MANIFESTS[name]}\n"


PEM = private_pem(pair().private_key)
FAILURES: list[Any] = [
    *[
        pytest.param(lambda _, name=name: read_all(manifest(name)), id=name)
        for name in MANIFESTS
        if name not in ("good", "noname", "annotated")
    ],
    pytest.param(lambda _: read_all(f'{{"kind": "Secret", "k": "{CANARY}\\q"}}'), id="json"),
    pytest.param(lambda _: read_all(f'{{"kind": "Secret", "k": "{CANARY}'), id="cut json"),
    pytest.param(lambda _: read_all(f"k: {CANARY}\ud800"), id="surrogate"),
    pytest.param(lambda _: sealer.unseal(legacy(CANARY), ring()), id="legacy, no JSON"),
    pytest.param(
        lambda _: sealer.unseal(legacy(f'{{"data": {{"k": "{CANARY}"}}}}'), ring()), id="legacy"
    ),
    pytest.param(lambda _: encoding.decode(CANARY), id="base64"),
    pytest.param(lambda _: encoding.decode(f"{CANARY}é"), id="base64, not ASCII"),
    pytest.param(
        lambda _: crypto.decrypt(pair().private_key, sealed()[:-1] + b"\0", b"prod/db"),
        id="damaged",
    ),
    pytest.param(lambda _: crypto.decrypt(pair().private_key, sealed(), b"other"), id="moved"),
    pytest.param(lambda _: ring("two", "three").open(sealed(), b"prod/db"), id="no key"),
    pytest.param(lambda _: sealer.KeyPair.from_pem(PEM[:700] + PEM[-30:]), id="broken key"),
    pytest.param(
        lambda _: sealer.read_keys(PEM.decode().replace("-----END", "END"), "k"), id="no end"
    ),
    pytest.param(lambda _: sealer.Certificate.from_pem(PEM), id="key for a certificate"),
    pytest.param(
        lambda _: sealer.KeyPair.from_pem(PEM, pair("two").certificate.pem),
        id="another's certificate",
    ),
    pytest.param(
        lambda _: put(next(iter(sealer.read_documents(f"a: {CANARY}\n", "f"))), ("a", "b"), "x"),
        id="no room",
    ),
    pytest.param(
        lambda path: read_lines(_written(path, f"{CANARY}\xe9".encode("latin-1"))), id="latin-1"
    ),
]


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("fail", FAILURES)
def test_no_exception_carries_a_secret_along(
    fail: Callable[[Path], object], tmp_path: Path
) -> None:
    with pytest.raises((SealerError, ValueError)) as caught:
        fail(tmp_path / "file")
    error = caught.value
    # The source lines of this file name the canary; those of the library are what counts.
    text = everything_of(error).replace("{CANARY}", "")
    assert not leaks(text), text


def test_no_public_type_shows_a_secret() -> None:
    secret = sealer.Secret(
        name="db",
        namespace="prod",
        data={"password": CANARY.encode()},
        metadata={"annotations": {"a": CANARY}},
    )
    [document] = sealer.read_documents(manifest("good"), "f")
    [resource] = document.resources()
    shown = [
        secret,
        document,
        resource,
        document.node,
        pair(),
        sealer.KeyPair.from_pem(PEM),
        ring("one", "two"),
        sealer.seal(secret, pair().certificate),
        pair().certificate,
        sealer.NoKeyError("no", reasons=(("k", "r"),)),
    ]
    public = {type(one).__name__ for one in shown}
    assert {"Secret", "Document", "Resource", "KeyPair", "SealingKeyPair", "KeyRing"} <= public
    for one in shown:
        text = repr(one) + str(one) + f"{one}"
        if not isinstance(one, sealer.SealedSecret):  # its template holds annotations, by design
            assert not leaks(text), type(one)
