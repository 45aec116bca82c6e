"""Sealed files in every style that people and tools write them in, as many as asked for."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator

from sealer import seal_value
from tests import sealing_keys

Items = dict[str, str]


def values(number: int) -> dict[str, str]:
    """What is sealed in the file of this number."""
    return {"username": f"user-{number}", "password": f"pass-{number}\nwith two lines"}


def plain(number: int, items: Items) -> str:
    """As `seal` writes it, with comments."""
    return (
        f"# file {number}\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"
        f"metadata:\n  name: db-{number}  # strict\n  namespace: prod\nspec:\n"
        f"  encryptedData:\n    # who\n    username: {items['username']} # here\n\n"
        f"    password: '{items['password']}'\n  template:\n    data:\n"
        '      url: "postgres://{{ .username }}"\n    type: Opaque\n'
    )


def crlf(number: int, items: Items) -> str:
    """Windows line ends."""
    return plain(number, items).replace("\n", "\r\n")


def bom(number: int, items: Items) -> str:
    """A byte order mark."""
    return "\ufeff" + plain(number, items)


def flow(number: int, items: Items) -> str:
    """Flow style, keys and values quoted."""
    return (
        "{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, "
        f"metadata: {{name: db-{number}, namespace: prod}}, spec: {{encryptedData: "
        f'{{\'username\': {items["username"]}, "password": "{items["password"]}"}}}}}}\n'
    )


def wrapped(number: int, items: Items) -> str:
    """Block scalars: literal and folded, wrapped at 76."""
    head = plain(number, items).partition("    # who")[0].splitlines()[1:]
    lines = [
        *head,
        "    username: |  # literal",
        *(f"      {line}" for line in textwrap.wrap(items["username"], 76)),
        "    password: >-",
        f"      {items['password']}",
        "  template: {}  # end",
    ]
    return "\n".join(lines) + "\n"


def multi(number: int, items: Items) -> str:
    """Several documents, other kinds among them."""
    other = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}  # kept\ndata: {a: 'b'}\n"
    return f"---\n{other}---\n{plain(number, items)}---\n# nothing but this\n---\n{other}"


def as_list(number: int, items: Items) -> str:
    """A List."""
    body = textwrap.indent(plain(number, items), "    ").lstrip()
    first, rest = body.split("\n", 1)
    return f"apiVersion: v1\nkind: List\nitems:\n  - {first}\n{rest}"


def as_json(number: int, items: Items) -> str:
    """JSON, as kubeseal writes it."""
    manifest = {
        "kind": "SealedSecret",
        "apiVersion": "bitnami.com/v1alpha1",
        "metadata": {"name": f"db-{number}", "namespace": "prod"},
        "spec": {"encryptedData": items, "template": {"metadata": {"name": f"db-{number}"}}},
    }
    return json.dumps(manifest, indent=2) + "\n"


STYLES: tuple[Callable[[int, Items], str], ...] = (
    plain,
    crlf,
    bom,
    flow,
    wrapped,
    multi,
    as_list,
    as_json,
)


def files(count: int, key: str = "one") -> Iterator[tuple[str, str]]:
    """Yield names and texts of sealed files, their styles in turn."""
    certificate = sealing_keys.pair(key).certificate
    for number in range(count):
        style = STYLES[number % len(STYLES)]
        bound = f"prod/db-{number}".encode()
        items = {
            name: seal_value(value.encode(), certificate, bound)
            for name, value in values(number).items()
        }
        suffix = "json" if style is as_json else "yaml"
        yield f"app-{number % 50}/{style.__name__}-{number}.{suffix}", style(number, items)
