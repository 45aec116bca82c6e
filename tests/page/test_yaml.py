"""The page's own YAML: written as seal writes it, changed as ``seal set`` and its kin change it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from sealer.changes import noted
from sealer.errors import SealerError
from sealer.manifest import Document, read_documents
from sealer.manifest.document import Resource
from sealer.manifest.edit import put
from sealer.manifest.entries import remove, rename
from sealer.sealed import SealedSecret
from tests.page import scalars
from tests.page.using import modules
from tests.testbed.chromium import Chromium, Tab

ITEMS = ("spec", "encryptedData")
ITEM = "AgB" + "x7/+" * 40 + "Zg=="


@pytest.fixture(scope="module")
def script(browser: Chromium) -> Iterator[Tab]:
    """A tab with the page's modules for YAML, and no page."""
    tab = browser.open("about:blank")
    code = modules("editing.js", "manifest.js", "writing.js")
    names = ["putItem", "renameItem", "removeItem", "putFingerprint", "fingerprintAfter"]
    names += ["documentOf", "readSecret", "readSealed", "plainKind"]
    tab.evaluate(f"(() => {{ {code}\nObject.assign(globalThis, {{ {', '.join(names)} }}); }})()")
    yield tab
    tab.close()


def test_the_vectors_are_what_seal_writes() -> None:
    vectors = json.loads(scalars.FILE.read_text())
    assert vectors == [[text, scalars.written(text)] for text in scalars.texts()]


def test_scalars_are_written_as_seal_writes_them(script: Tab) -> None:
    vectors = json.loads(scalars.FILE.read_text())
    made = script.evaluate(
        f"{json.dumps(vectors)}.map(([text]) => documentOf([['outer', [['value', text],"
        "[text || 'key', 'x']]], ['last', text]]))"
    )
    assert [[text, yaml] for (text, _), yaml in zip(vectors, made, strict=True)] == vectors


def changed(text: str, do: list[str], key: str) -> str | None:
    """What the library makes of a text, None where it refuses."""
    try:
        documents = list(read_documents(text, "x"))
        [at] = [at for at, one in enumerate(documents) if one.kind == "SealedSecret"]
        [found] = documents[at].resources()
        sealed = SealedSecret.from_dict(found.value)
        document = step(documents[at], sealed, do, key)
    except (SealerError, ValueError):
        return None
    after = [*documents[:at], document, *documents[at + 1 :]]
    return "".join(one.text for one in after)


def step(document: Document, sealed: SealedSecret, do: list[str], key: str) -> Document:
    match do:
        case ["putItem", item]:
            document = put(document, (*ITEMS, key), item, base64=True)
            words = noted.after(sealed, [key], "f" * 64)
        case ["renameItem", new]:
            document = rename(document, (*ITEMS, key), new)
            words = noted.after(sealed, [], "", taken={new: key}, removed=[key])
        case _:
            document = remove(document, (*ITEMS, key))
            words = noted.after(sealed, [], "", removed=[key])
    return document if words is None else put(document, noted.PATH, words)


IN_PAGE = """
(([text, [name, ...more], key]) => {
  try {
    const sealed = readSealed(text);
    const functions = { putItem, renameItem, removeItem };
    const after = functions[name](text, key, ...more);
    const kept = sealed.items.filter((one) => name === "putItem" || one.key !== key)
      .map((one) => [one.key, one.key]);
    if (name === "renameItem") kept.push([more[0], key]);
    const fresh = name === "putItem" ? [key] : [];
    const words = fingerprintAfter(sealed.fingerprint, kept, fresh, "f".repeat(64));
    return words === null ? after : putFingerprint(after, words);
  } catch (error) {
    if (!error.word) throw error;
    return null;
  }
})
"""


def documents(chance: random.Random, count: int) -> Iterator[tuple[str, list[str], str]]:
    """SealedSecrets as people lay them out, and as nobody would, each with a change to make."""
    one = chance.choice
    for _ in range(count):
        pad = one(["  ", "  ", "    ", " "])
        keys = chance.sample(["a", "tls.crt", '"10"', "'q'", "__proto__", '"a.b"', "long-key"], 3)
        items = [_entry(chance, pad, key) for key in keys[: chance.randint(0, 3)]]
        noted_ = one(["", f"    sealer.dev/certificate-fingerprint: {'e' * 64}\n"])
        noted_ = one([noted_, noted_, noted_.replace("e" * 64, f'"{"e" * 64} a={"d" * 64}"')])
        scope = one(["", '    sealedsecrets.bitnami.com/namespace-wide: "true"\n'])
        annotations = f"  annotations:\n{scope}{noted_}" if scope or noted_ else ""
        data = "".join(items) or one(["{}", "", "{ }"])
        head = (
            f"{pad}encryptedData:{one(['', ' # sealed'])}\n"
            if items
            else f"{pad}encryptedData: {data}\n"
        )
        parts = [
            one(["", "---\n", "# above\n", "--- # first\n", "\ufeff"]),
            "apiVersion: bitnami.com/v1alpha1\n",
            one(
                [
                    "kind: SealedSecret\n",
                    "kind:   SealedSecret # kind\n",
                    '"kind": "SealedSecret"\n',
                ]
            ),
            f"metadata:\n{one(['  # note', '  name: db'])}\n  name: x\n".replace(
                "  name: db\n  name", "  name"
            ),
            annotations,
            "spec:\n",
            *([head, "".join(items)] if items else [head]),
            one(["", "\n", "    # a comment\n", "# end\n"]),
            f"{pad}template:\n{pad}  type: Opaque\n" if chance.random() < 0.6 else "",
            one(
                ["", "", "---\nkind: ConfigMap\n", "---\nkind: Thing\na: {b: [c, &d e]}\n", "\n\n"]
            ),
        ]
        text = "".join(parts)
        text = one([text, text, text.rstrip("\n"), text.replace("\n", "\r\n")])
        key = one([*keys, "new"]).strip("\"'")
        do = one(
            [
                ["putItem", ITEM],
                ["putItem", ITEM],
                ["renameItem", one(["new", "10", "yes"])],
                ["removeItem"],
            ]
        )
        yield text, do, key


def _entry(chance: random.Random, pad: str, key: str) -> str:
    item, inner = "AgA" + "b/+9" * chance.randint(8, 40), pad + "  "
    wrapped = "".join(f"{inner}  {item[at : at + 20]}\n" for at in range(0, len(item), 20))
    mark = chance.choice(["|", "|-", ">-", ">", "|+"])
    return inner + chance.choice(
        [
            f"{key}: {item}\n",
            f"{key}: {item}\n",
            f"{key}:   {item} # why\n",
            f'{key}: "{item}"\n',
            f"{key}: '{item}'\n",
            f"{key}: {mark}\n{wrapped}",
            f"{key}: {mark} # wrapped\n{wrapped}\n",
            f"{key}: &anchor {item}\n",
            f"{key}:\n{inner}  {item}\n",
            f'{key}: "{item}\\\n{inner}  {item}"\n',
            f"# commented\n{inner}{key}: {item}\n",
        ]
    )


def test_changes_are_those_of_the_library_or_are_refused(script: Tab) -> None:
    cases = list(documents(random.Random(7), 1500))  # noqa: S311 the same each time
    made = script.evaluate(f"{json.dumps(cases)}.map({IN_PAGE})")
    wanted = [changed(*case) for case in cases]
    differing = [
        (case, page, library)
        for case, page, library in zip(cases, made, wanted, strict=True)
        if page is not None and page != library
    ]
    assert differing == []
    done = sum(page is not None for page in made)
    possible = sum(library is not None for library in wanted)
    # What the page refuses are layouts that few people write.
    assert done > 0.6 * possible > 400


@pytest.mark.parametrize(
    ("text", "word"),
    [
        pytest.param('{"kind": "SealedSecret"}', "yaml.json", id="json"),
        pytest.param("apiVersion: v1\nkind: List\nitems: []\n", "yaml.list", id="list"),
        pytest.param("kind: SealedSecret\nspec: {a: b}\n", "yaml.flow", id="flow"),
        pytest.param("kind: SealedSecret\nspec: &a\n  b: c\n", "yaml.anchor", id="anchor"),
        pytest.param("kind: SealedSecret\nspec: !!map\n  b: c\n", "yaml.anchor", id="tag"),
        pytest.param("kind: SealedSecret\na: b\n  c\n", "yaml.lines", id="lines"),
        pytest.param("kind: SealedSecret\na: 1\na: 2\n", "yaml.twice", id="twice"),
        pytest.param("kind: SealedSecret\nyes: 2\n", "yaml.key", id="boolean-key"),
        pytest.param("kind: SealedSecret\n\ta: 2\n", "yaml.layout", id="tab"),
        pytest.param("kind: SealedSecret\na: \x07\n", "yaml.character", id="bell"),
        pytest.param("kind: SealedSecret\na: b\u2028c\n", "yaml.character", id="separator"),
        pytest.param("kind: SealedSecret\n---\nkind: SealedSecret\n", "manifest.several", id="two"),
        pytest.param("kind: ConfigMap\n", "manifest.kind", id="other"),
        pytest.param("- " * 3000 + "a", "manifest.kind", id="deep-list"),
        pytest.param("kind: SealedSecret\na:\n  " + "- " * 3000 + "b\n", "yaml.layout", id="deep"),
        pytest.param("kind: SealedSecret\n<<: x\n", "yaml.anchor", id="merge"),
    ],
)
def test_what_cannot_be_changed_exactly_is_refused_in_words(
    script: Tab, text: str, word: str
) -> None:
    attempt = f"try {{ return readSealed({json.dumps(text)}); }} catch (e) {{ return e.word; }}"
    asked = f"(() => {{ {attempt} }})()"
    assert script.evaluate(asked) == word


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("kind: SealedSecret\na:" + " " * 300_000 + "x\n", id="blanks"),
        pytest.param("kind: SealedSecret\na: |\n" + "\n" * 300_000 + "  x\n", id="lines"),
        pytest.param(
            "kind: SealedSecret\n" + "".join(f"k{n}: |\n  x\n" for n in range(50_000)), id="blocks"
        ),
        pytest.param("kind: SealedSecret\n" + "k" * 1_000_000, id="one-word"),
        pytest.param('kind: SealedSecret\na: "' + "\\\\" * 500_000, id="escapes"),
    ],
)
def test_no_text_keeps_the_page_for_long(script: Tab, text: str) -> None:
    asked = (
        "(() => { const start = performance.now(); try { readSealed(TEXT); } catch (e) {"
        "if (!e.word) throw e; } return performance.now() - start; })()"
    )
    # Quadratic work on these takes minutes.
    assert script.evaluate(asked.replace("TEXT", json.dumps(text))) < 10_000


def test_a_list_of_documents_of_every_other_kind_is_kept(script: Tab) -> None:
    text = "kind: A\na: {b: c}\n---\n" + sealed_text() + "---\nb: [&x 1, *x]\nkind: B\n"
    after = script.evaluate(f"putItem({json.dumps(text)}, 'new', 'AgB')")
    assert after == text.replace("    a: AgA\n", "    a: AgA\n    new: AgB\n")


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param("kind:\n  Secret", id="below"),
        pytest.param("? kind\n: Secret", id="asked"),
        pytest.param("kind: !!str Secret", id="tagged"),
        pytest.param("kind: &kind Secret", id="anchored"),
        pytest.param('kind: "S\\x65cret"', id="escaped"),
        pytest.param('"k\\u0069nd": Secret', id="escaped-key"),
        pytest.param("kind: >-\n  Secret", id="folded"),
        pytest.param("kind: ConfigMap\nkind: Secret", id="twice"),
        pytest.param('{"kind": "Secret",\n"a": 1}', id="json"),
        pytest.param("{\nkind: Thing\n}", id="flow"),
    ],
)
def test_a_document_that_does_not_say_its_kind_plainly_is_refused(script: Tab, beside: str) -> None:
    asked = "(() => { try { readSealed(TEXT); return ''; } catch (e) { return e.word; } })()"
    sealed = sealed_text()
    for text in (f"{sealed}---\n{beside}\n", f"---\n# x\n{beside}\n---\n{sealed}"):
        found = script.evaluate(asked.replace("TEXT", json.dumps(text)))
        assert found in ("manifest.unclear", "manifest.several")
    plain = f"---\n# nothing\n---\nkind: A # ours\ndata: {{a: &b [1]}}\n---\n{sealed}"
    assert script.evaluate(asked.replace("TEXT", json.dumps(plain))) == ""


def sealed_text() -> str:
    return (
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: x\n"
        "spec:\n  encryptedData:\n    a: AgA\n"
    )


def resource_of(text: str) -> Resource:
    [document] = read_documents(text, "x")
    [found] = document.resources()
    return found


def secrets(chance: random.Random, count: int) -> Iterator[str]:
    """Secrets in clear whose values are scalars of every style."""
    plain = [
        *scalars.texts()[:90],
        "some words",
        "a,b",
        "x # y",
        "x  # y",
        "'it''s'",
        '"\\u00fc\\n"',
    ]
    block = [
        "|\n    one\n     two\n",
        "|-\n    one\n\n    two\n",
        ">\n    one\n    two\n\n    three\n",
    ]
    block += ["|+\n    one\n\n", ">-\n    one\n\n\n    two\n", "|2\n    one\n"]
    for _ in range(count):
        entries = ""
        for key in ("a", "b", "c"):
            value = chance.choice(block) if chance.random() < 0.3 else f"{chance.choice(plain)}\n"
            entries += f"  {key}: {value}"
        yield f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\nstringData:\n{entries}"


def test_values_of_a_pasted_secret_are_those_that_seal_reads(script: Tab) -> None:
    from sealer.secret import Secret

    texts = list(secrets(random.Random(3), 1200))  # noqa: S311 the same each time
    asked = (
        f"{json.dumps(texts)}.map((text) => {{ try {{ return readSecret(text).items.map((one) => "
        "[one.key, new TextDecoder('utf-8', { ignoreBOM: true }).decode(one.bytes)]); }"
        "catch (error) { if (!error.word) throw error; return null; } })"
    )
    read: list[Any] = script.evaluate(asked)
    taken = 0
    for text, page in zip(texts, read, strict=True):
        if page is None:
            continue
        taken += 1
        secret = Secret.from_dict(resource_of(text).value)
        assert dict(page) == {key: value.decode() for key, value in secret.data.items()}, text
    assert taken > 150
