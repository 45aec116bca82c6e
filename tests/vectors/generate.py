"""Make the vectors with the real kubeseal: ``python -m tests.vectors.generate`` (needs Go).

Ciphertext is random, so every run makes other files; kubeseal is asked about each of them, and
what it says is written down or the run fails.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.vectors.vector import HERE, Vector
from tests.vectors.workshop import (
    DATA,
    SIZES,
    STRICT,
    Workshop,
    changed,
    expected,
    flipped,
    in_block,
    item_changed,
    items_set,
    metadata_set,
    scope,
    spec_set,
    template_set,
    with_user,
    wrapped,
)

Row = tuple[str, str, str, dict[str, Any]]


def scenarios(shop: Workshop) -> Iterator[Row]:
    """Yield name, outcome with a comment, manifest, and what else the vector has."""
    yield from _successes(shop)
    yield from _keys(shop)
    yield from _moves(shop)
    yield from _damages(shop)
    yield from _malformed(shop)
    yield from _templates(shop)
    yield from _legacy(shop)


def _successes(shop: Workshop) -> Iterator[Row]:
    plain = shop.seal()
    wide = {"annotations": scope("namespace-wide")}
    everywhere = {"annotations": scope("cluster-wide")}
    yield "strict", "success: bound to namespace and name", plain, {"secret": expected()}
    yield "strict-yaml", "success: as YAML", shop.seal("-o", "yaml"), {"secret": expected()}
    for word, metadata in (("namespace-wide", wide), ("cluster-wide", everywhere)):
        sealed = shop.seal("--scope", word)
        secret = expected(metadata=metadata)
        yield word, f"success: {word}", sealed, {"secret": secret}
        moved = changed(sealed, metadata_set(name="renamed"))
        secret = expected(metadata={**metadata, "name": "renamed"})
        yield f"{word}-renamed", "success: the name does not bind", moved, {"secret": secret}
    moved = changed(shop.seal("--scope", "cluster-wide"), metadata_set(namespace="other"))
    secret = expected(metadata={**everywhere, "namespace": "other"})
    yield "cluster-wide-moved", "success: the namespace does not bind", moved, {"secret": secret}
    both = changed(
        shop.seal("--scope", "cluster-wide"),
        metadata_set(annotations={**scope("namespace-wide"), **scope("cluster-wide")}),
    )
    secret = expected(metadata=everywhere)
    yield "both-scopes", "success: cluster-wide wins over namespace-wide", both, {"secret": secret}
    not_true = changed(plain, metadata_set(annotations=scope("cluster-wide", "True")))
    yield (
        "scope-not-true",
        "success: only the word true declares a scope",
        not_true,
        {"secret": expected()},
    )
    template = changed(
        plain, template_set(metadata={**STRICT, "annotations": scope("cluster-wide")})
    )
    yield (
        "scope-in-template",
        "success: the template declares no scope",
        template,
        {"secret": expected(metadata=everywhere)},
    )
    yield from _values(shop)


def _values(shop: Workshop) -> Iterator[Row]:
    for name, data in {
        "empty-value": {"nothing": b""},
        "binary": {"all": bytes(range(256)), "newlines": b"\r\n\r\n"},
        "long": {"big": b"0123456789abcdef" * 256},
        "awkward-keys": {".dot": b"1", "under_score": b"2", "0755": b"3", "true": b"4"},
        "unicode": {"text": "ü€😀\u2028".encode()},
    }.items():
        yield name, f"success: {name}", shop.seal(data=data), {"secret": expected(data)}
    sealed = shop.seal(
        metadata={**STRICT, "labels": {"app": "shop"}, "annotations": {"note": "x"}},
        type="kubernetes.io/basic-auth",
        immutable=True,
    )
    secret = expected(
        metadata={"labels": {"app": "shop"}, "annotations": {"note": "x"}},
        type="kubernetes.io/basic-auth",
        immutable=True,
    )
    yield "template", "success: labels, annotations, type, immutable", sealed, {"secret": secret}
    named = {"metadata": {"name": "else", "namespace": "else"}}
    yield (
        "template-named",
        "success: the template's name does not count",
        changed(shop.seal(), template_set(**named)),
        {"secret": expected()},
    )
    yield (
        "no-template",
        "success: no template at all",
        changed(shop.seal(), lambda manifest: manifest["spec"].pop("template")),
        {"secret": expected()},
    )
    yield (
        "unknown-fields",
        "success: fields that nobody knows",
        changed(shop.seal(), lambda manifest: manifest.update(other=1, status={"x": [1]})),
        {"secret": expected()},
    )
    renamed = {"pass": DATA["password"], "user": DATA["user"]}
    yield (
        "item-renamed",
        "success: an item's key does not bind",
        changed(
            shop.seal(), items_set(lambda items: {"pass": items["password"], "user": items["user"]})
        ),
        {"secret": expected(renamed)},
    )
    swapped = {"password": DATA["user"], "user": DATA["password"]}
    yield (
        "items-swapped",
        "success: nor do items of one SealedSecret",
        changed(shop.seal(), items_set(lambda i: {"password": i["user"], "user": i["password"]})),
        {"secret": expected(swapped)},
    )
    yield from _spelling(shop)


def _spelling(shop: Workshop) -> Iterator[Row]:
    lines = changed(shop.seal(), items_set(lambda i: {k: wrapped(v) for k, v in i.items()}))
    yield (
        "base64-lines",
        "success: line ends in base64 are passed over",
        lines,
        {"secret": expected()},
    )
    text = shop.seal("-o", "yaml")
    block = re.sub(r"^( +)(user|password): (A\S+)$", in_block, text, flags=re.MULTILINE)
    yield "base64-block", "success: base64 in a block scalar", block, {"secret": expected()}
    yield "crlf", "success: CRLF", text.replace("\n", "\r\n"), {"secret": expected()}
    commented = "# head\n" + text.replace("spec:", "spec: # the rest") + "# end\n"
    yield "comments", "success: comments", commented, {"secret": expected()}


def _keys(shop: Workshop) -> Iterator[Row]:
    for bits in SIZES:
        yield (
            f"rsa-{bits}",
            f"success: a key of {bits} bits",
            shop.seal(key=str(bits)),
            {"secret": expected(), "keys": (f"{bits}.pem",)},
        )
    sealed = shop.seal()
    for name, keys, comment in (
        ("pkcs8", ("2048-pkcs8.pem",), "PKCS#8"),
        ("key-secret", ("secret.json",), "a key Secret"),
        ("key-list", ("ring.json",), "a List of key Secrets, the last of which fits"),
        ("several-keys", ("4096.pem", "other.pem", "2048.pem", "1024.pem"), "several key files"),
    ):
        yield (
            f"key-{name}".replace("key-key", "key"),
            f"success: {comment}",
            sealed,
            {"secret": expected(), "keys": keys},
        )
    items = {"items": ("password", "user")}
    yield "wrong-key", "no-key: a key of the same size", sealed, {"keys": ("other.pem",), **items}
    yield "wrong-size", "no-key: a key of another size", sealed, {"keys": ("4096.pem",), **items}
    other = json.loads(shop.seal(key="other"))["spec"]["encryptedData"]
    mixed = changed(sealed, items_set(lambda i: {**i, "user": other["user"]}))
    yield "one-item-of-another-key", "no-key: one item only", mixed, {"items": ("user",)}
    yield (
        "two-keys-two-items",
        "success: each item has a key of its own",
        mixed,
        {"secret": expected(), "keys": ("2048.pem", "other.pem")},
    )


def _moves(shop: Workshop) -> Iterator[Row]:
    plain = shop.seal()
    wide, everywhere = shop.seal("--scope", "namespace-wide"), shop.seal("--scope", "cluster-wide")
    items = {"items": ("password", "user")}
    for name, sealed, fields in (
        ("renamed", plain, {"name": "other"}),
        ("moved", plain, {"namespace": "other"}),
        ("slash", plain, {"namespace": "prod/db", "name": ""}),
        ("namespace-wide-moved", wide, {"namespace": "other"}),
        ("widened-to-namespace", plain, {"annotations": scope("namespace-wide")}),
        ("widened-to-cluster", plain, {"annotations": scope("cluster-wide")}),
        ("widened-from-namespace", wide, {"annotations": scope("cluster-wide")}),
        ("narrowed-to-strict", wide, {"annotations": {}}),
        ("narrowed-to-namespace", everywhere, {"annotations": scope("namespace-wide")}),
        ("case-of-name", plain, {"name": "DB"}),
    ):
        extra: dict[str, Any] = dict(items)
        outcome = "no-key"
        if name == "slash":
            outcome, extra = "malformed", {"kubeseal": "refuses: as no key"}
        yield (
            name,
            f"{outcome}: {name.replace('-', ' ')}",
            changed(sealed, metadata_set(**fields)),
            extra,
        )


def _damages(shop: Workshop) -> Iterator[Row]:
    plain = shop.seal()
    user: dict[str, Any] = {"items": ("user",)}
    for name, outcome, change in (
        ("flipped-in-the-wrapped-key", "no-key", flipped(100)),
        ("flipped-in-the-value", "item-failure", flipped(-17)),
        ("flipped-in-the-tag", "item-failure", flipped(-1)),
        ("flipped-in-the-length", "item-failure", flipped(0)),
        ("cut-in-the-tag", "item-failure", lambda item: item[:-1]),
        ("cut-in-the-wrapped-key", "item-failure", lambda item: item[:200]),
        ("cut-in-the-length", "item-failure", lambda item: item[:1]),
        ("cut-to-nothing", "item-failure", lambda _: b""),
        ("tag-alone", "item-failure", lambda item: item[:258] + item[-16:]),
        ("grown", "item-failure", lambda item: item + b"\0"),
        ("length-zero", "item-failure", lambda item: b"\0\0" + item[2:]),
    ):
        yield (
            name,
            f"{outcome}: {name.replace('-', ' ')}",
            item_changed(plain, "user", change),
            user,
        )
    for name, text in (
        ("not-base64", "%%%%"),
        ("base64-unpadded", "QUI"),
        ("base64-url", "-_-_"),
        ("base64-space", "QU I="),
    ):
        yield (
            name,
            f"item-failure: {name.replace('-', ' ')}",
            changed(plain, items_set(partial(with_user, text))),
            user,
        )
    both = item_changed(item_changed(plain, "user", flipped(-1)), "password", flipped(-1))
    yield "every-item-damaged", "item-failure: both are told", both, {"items": ("password", "user")}


def _malformed(shop: Workshop) -> Iterator[Row]:
    plain = shop.seal()
    accepts = "accepts: "
    for name, text, note in (
        ("not-yaml", "a: b: c\n", "refuses"),
        ("a-list", "- a\n", "refuses"),
        ("a-scalar", "sealed\n", "refuses"),
        ("cut-json", plain[:200], "refuses"),
        ("another-kind", changed(plain, lambda m: m.update(kind="Secret")), "refuses"),
        (
            "another-version",
            changed(plain, lambda m: m.update(apiVersion="bitnami.com/v2")),
            "refuses",
        ),
        ("no-kind", changed(plain, lambda m: m.pop("kind")), accepts + "takes it for granted"),
        ("name-is-a-number", changed(plain, metadata_set(name=5)), "refuses"),
        (
            "namespace-is-a-boolean",
            shop.seal("-o", "yaml").replace("namespace: prod", "namespace: n"),
            "refuses",
        ),
        (
            "items-are-a-list",
            changed(plain, spec_set(encryptedData=["x"])),
            accepts + "without items",
        ),
        ("item-is-a-number", changed(plain, items_set(lambda i: {**i, "user": 5})), "refuses"),
        ("template-is-a-list", changed(plain, spec_set(template=[])), "refuses"),
        ("data-and-encrypted-data", changed(plain, spec_set(data="QUJD")), "refuses"),
        ("no-name", changed(plain, metadata_set(name="")), "refuses: as no key"),
        ("no-namespace", changed(plain, metadata_set(namespace="")), "refuses: as no key"),
    ):
        extra = {"kubeseal": note} if note != "refuses" else {}
        yield name, f"malformed: {name.replace('-', ' ')}", text, extra
    twice = shop.seal("-o", "yaml").replace("  name: db\n", "  name: db\n  name: db\n", 1)
    yield (
        "duplicate-key",
        "malformed: a key that is there twice",
        twice,
        {"kubeseal": accepts + "takes the last"},
    )


def _templates(shop: Workshop) -> Iterator[Row]:
    plain = shop.seal()
    url = {"url": 'postgres://{{ .user }}:{{ .password | b64enc }}@db/{{ index . "user" | upper }}'}
    rendered = b"postgres://app:Y29ycmVjdCBob3JzZQ==@db/APP"
    yield (
        "template-data",
        "success: a value made of others",
        changed(plain, template_set(data=url)),
        {"secret": expected({**DATA, "url": rendered})},
    )
    missing = {"x": "[{{ .gone }}]"}
    yield (
        "template-missing-key",
        "success: a key that is not there",
        changed(plain, template_set(data=missing)),
        {"secret": expected({**DATA, "x": b"[<no value>]"})},
    )
    for name, text in (
        ("syntax", "{{ .user"),
        ("unknown-function", "{{ nope .user }}"),
        ("forbidden-function", '{{ env "HOME" }}'),
        ("fail", "{{ fail .password }}"),
        ("wrong-arguments", "{{ index . 1 2 }}"),
    ):
        yield (
            f"template-{name}",
            f"template-failure: {name.replace('-', ' ')}",
            changed(plain, template_set(data={"made": text})),
            {"items": ("made",)},
        )


def _legacy(shop: Workshop) -> Iterator[Row]:
    refuses = {"kubeseal": "refuses: spec.data is switched off in it"}
    for name, declared in (
        ("legacy", {}),
        ("legacy-namespace-wide", scope("namespace-wide")),
        ("legacy-cluster-wide", scope("cluster-wide")),
    ):
        metadata = {**STRICT, **({"annotations": declared} if declared else {})}
        sealed = shop.seal_legacy(metadata, type="Opaque")
        secret = expected(metadata={k: v for k, v in metadata.items() if v}, type="Opaque")
        yield (
            name,
            "success: a whole Secret in spec.data",
            json.dumps(sealed, indent=2) + "\n",
            {"secret": secret, **refuses},
        )
    strict = json.dumps(shop.seal_legacy(STRICT))
    yield (
        "legacy-renamed",
        "no-key: spec.data is bound, too",
        changed(strict, metadata_set(name="other")),
        {"items": ("data",)},
    )

    def flip(manifest: dict[str, Any]) -> None:
        blob = base64.b64decode(manifest["spec"]["data"])
        manifest["spec"]["data"] = base64.b64encode(flipped(-1)(blob)).decode()

    yield (
        "legacy-damaged",
        "item-failure: a damaged spec.data",
        changed(strict, flip),
        {"items": ("data",)},
    )


def main() -> None:
    """Write all vectors anew; exit 1 where kubeseal says otherwise than a vector."""
    (HERE / "keys").mkdir(exist_ok=True)
    for old in HERE.glob("*.vector"):
        old.unlink()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(Path(folder))
        for name, words, manifest, extra in scenarios(shop):
            outcome, comment = words.split(": ", 1)
            vector = Vector(
                name=name,
                expect=outcome,
                comment=comment,
                manifest=manifest,
                **{"keys": ("2048.pem",), **extra},
            )
            opened = shop.opened(vector)
            if (opened is not None) != vector.kubeseal_succeeds:
                wrong.append(f"{name}: kubeseal {'refuses' if opened is None else 'accepts'} it")
            (HERE / f"{name}.vector").write_bytes(vector.text().encode())
    sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
