"""Streams to documents and objects: bytes kept, places known, faults located."""

from __future__ import annotations

from typing import Any

import pytest

from sealer.errors import ManifestError, ManyErrors, NoKeyError, Place, SealerError, UnsealError
from sealer.manifest import Document, dotted, read_documents
from sealer.manifest.document import MAX_DOCUMENT_CHARACTERS
from sealer.manifest.nodes import MapNode, ScalarNode, find


def texts(stream: str) -> list[str]:
    return [document.text for document in read_documents(stream, "f")]


@pytest.mark.parametrize(
    ("stream", "parts"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("a: 1\n", ["a: 1\n"], id="one"),
        pytest.param("a: 1\n---\nb: 2", ["a: 1\n", "---\nb: 2"], id="two"),
        pytest.param("---\r\na: 1\r\n---\r\n", ["---\r\na: 1\r\n", "---\r\n"], id="CRLF"),
        pytest.param("# c\n--- # d\na: 1\n", ["# c\n", "--- # d\na: 1\n"], id="comments"),
        pytest.param("a: |\n  ---\n", ["a: |\n  ---\n"], id="indented dashes"),
        pytest.param("----\n", ["----\n"], id="four dashes"),
        pytest.param("--- a: 1\n", ["--- a: 1\n"], id="content behind the dashes"),
        pytest.param('{"a": 1}\n{"b": 2}\n', ['{"a": 1}\n', '{"b": 2}\n'], id="JSON"),
        pytest.param('{"a": 1}{"b": 2}', ['{"a": 1}', '{"b": 2}'], id="JSON on one line"),
        pytest.param('{\n"a": "}{"\n}\n', ['{\n"a": "}{"\n}\n'], id="braces in a string"),
        pytest.param("{a: 1}\n", ["{a: 1}\n"], id="flow YAML"),
    ],
)
def test_a_stream_is_cut_where_kubernetes_cuts_it(stream: str, parts: list[str]) -> None:
    assert texts(stream) == parts
    assert texts("".join(parts)) == parts


def test_documents_know_their_place() -> None:
    stream = '# head\n---\na: 1\n---\n\n---\n{"b": 2}\n'
    places = [
        (document.index, document.first_line, document.json, document.is_empty)
        for document in read_documents(stream, "f")
    ]
    assert places == [
        (1, 1, False, True),
        (1, 2, False, False),
        (1, 4, False, True),
        (2, 6, True, False),
    ]


def test_json_objects_on_later_lines_know_their_lines() -> None:
    documents = list(read_documents('{"a":\n1}{"b":\n2}\n', "f"))
    assert [document.first_line for document in documents] == [1, 2]
    assert [document.value for document in documents] == [{"a": 1}, {"b": 2}]


def test_a_marker_before_json_is_no_part_of_it() -> None:
    [document] = read_documents('---\n{"a": 1}\n', "f")
    assert document.json
    assert document.value == {"a": 1}


def test_text_that_looks_like_json_and_is_none_is_told_as_json() -> None:
    [document] = read_documents('{"a": 1]\n', "f")
    with pytest.raises(ManifestError, match=r"^f:1: not valid JSON: expected ,"):
        _ = document.value


def test_json_that_only_yaml_can_read_is_yaml() -> None:
    [document] = read_documents('{"a": 1,}\n', "f")
    assert not document.json
    assert document.value == {"a": 1}


def test_the_second_json_object_may_be_the_bad_one() -> None:
    good, bad = read_documents('{"a": 1}{"b": }', "f")
    assert good.value == {"a": 1}
    with pytest.raises(ManifestError, match="not valid JSON"):
        _ = bad.value


def test_a_document_has_a_limit() -> None:
    line = "x" * (MAX_DOCUMENT_CHARACTERS // 4)
    with pytest.raises(ManifestError, match="f:1: a document beyond 64 MiB"):
        list(read_documents(iter([line] * 5), "f"))


def test_a_stream_of_lines_is_read_as_it_comes() -> None:
    def lines() -> Any:
        yield "a: 1\n"
        yield "---\n"
        raise AssertionError("read on too early")

    assert next(read_documents(lines(), "f")).value == {"a": 1}


@pytest.mark.parametrize(
    ("text", "kind", "version"),
    [
        ("kind: Secret\napiVersion: v1\n", "Secret", "v1"),
        ("kind: [x]\napiVersion: 1\n", "", ""),
        ("- 1\n", "", ""),
        ("", "", ""),
    ],
)
def test_kind_and_version_are_words_or_empty(text: str, kind: str, version: str) -> None:
    document = Document(text)
    assert (document.kind, document.api_version) == (kind, version)


def test_an_object_without_words_has_a_title_all_the_same() -> None:
    [resource] = Document("kind: {a: b}\napiVersion: 1\nmetadata: {name: 7}\n").resources()
    assert (resource.kind, resource.api_version, resource.title) == ("", "", "object")
    [resource] = Document("kind: Secret\nmetadata: x\n").resources()
    assert resource.title == "Secret"
    [resource] = Document("kind: Secret\nmetadata: {namespace: prod}\n").resources()
    assert resource.title == "Secret prod/?"
    [resource] = Document("kind: Secret\nmetadata: {name: db, namespace: prod}\n").resources()
    assert resource.title == "Secret prod/db"


def test_line_ends_are_noticed() -> None:
    assert Document("a: 1\r\n").newline == "\r\n"
    assert Document("a: 1\n").newline == "\n"


LIST = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: a}
- kind: List
  items:
  - {kind: ConfigMap, metadata: {name: b}}
"""


def test_a_list_is_taken_apart_at_any_depth() -> None:
    found = list(Document(LIST).resources())
    assert [(one.title, one.path) for one in found] == [
        ("Secret a", ("items", 0)),
        ("ConfigMap b", ("items", 1, "items", 0)),
    ]


def test_the_items_of_a_secret_list_are_secrets() -> None:
    text = "apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: a}\n- {kind: Other}\n"
    found = list(Document(text).resources())
    assert [(one.kind, one.api_version) for one in found] == [("Secret", "v1"), ("Other", "")]


def test_a_list_of_other_things_than_objects_is_told() -> None:
    with pytest.raises(ManifestError, match=r"^f:3: items\[0\]: an item is a string$"):
        list(Document("kind: List\nitems:\n- x\n", "f").resources())


def test_items_that_are_no_list_are_left_alone() -> None:
    [resource] = Document("kind: SecretList\nitems: x\n").resources()
    assert resource.kind == "SecretList"


def test_the_objects_come_before_the_faults_of_their_document() -> None:
    found = Document("kind: Secret\na: 1\na: 2\non: 1\n", "f").resources()
    assert next(found).kind == "Secret"
    with pytest.raises(ManyErrors, match="twice"):
        next(found)
    with pytest.raises(ManifestError, match="a Kubernetes manifest is a mapping, not a list"):
        list(Document("- 1\n", "f").resources())


def test_places_are_put_before_every_kind_of_error() -> None:
    text = "kind: SealedSecret\nmetadata: {name: db}\nspec:\n  encryptedData:\n    k: AQ==\n"
    [resource] = Document(text, "f", first_line=10, index=2).resources()
    by_path = resource.locate(ManifestError("is bad", path=("spec", "encryptedData"), hint="cure"))
    assert by_path.message == "f:13: SealedSecret db (document 2): spec.encryptedData: is bad"
    assert by_path.hint == "cure"
    by_line = resource.locate(ManifestError("is bad", line=1))
    assert by_line.message == "f:11: SealedSecret db (document 2): is bad"
    by_key = resource.locate(NoKeyError("no", key="k", reasons=(("a", "b"),)))
    assert isinstance(by_key, NoKeyError)
    assert by_key.message == "f:14: SealedSecret db (document 2): spec.encryptedData.k: no"
    assert by_key.reasons == (("a", "b"),)
    assert str(by_key) == by_key.message
    many = resource.locate(ManyErrors([UnsealError("x"), SealerError("y")]))
    assert many.message.count("f:10: SealedSecret db") == 2


def test_a_place_is_a_value_whatever_the_file_is_called() -> None:
    text = "kind: Secret\nmetadata: {name: db}\ndata: {a.b: 1}\n"
    [resource] = Document(text, "a: b:7: c.yaml", first_line=10).resources()
    located = resource.locate(ManifestError("is: bad", path=("data", "a.b")))
    assert located.problem == "is: bad"
    assert located.place == Place("a: b:7: c.yaml", 12, "Secret db", ("data", "a.b"))
    assert located.place.spot == "a: b:7: c.yaml:12"
    assert located.message == 'a: b:7: c.yaml:12: Secret db: data["a.b"]: is: bad'


def test_what_has_a_place_in_its_file_keeps_it_and_another_one_is_told_before_it() -> None:
    [resource] = Document("kind: A\n", "f").resources()
    located = resource.locate(SealerError("x"))
    assert resource.locate(located) is located
    elsewhere = Document("kind: B\n", "g").locate(ManifestError("y"))
    assert resource.locate(elsewhere).message == "f:1: A: g:1: y"


def test_a_missing_field_is_placed_at_its_nearest_parent() -> None:
    document = Document("a:\n  b:\n  - x\n", "f")
    for path, line in (
        (("a", "c"), 1),
        (("a", "b", 0), 3),
        (("a", "b", 9), 2),
        (("a", "b", "z"), 2),
    ):
        assert document.locate(ManifestError("x", path=path)).message.startswith(f"f:{line}: ")
    assert document.line(("a", "b", 0)) == 3
    assert Document("", "f", first_line=7).line(("a",)) == 7
    assert Document("", "f").locate(ManifestError("x")).message == "f:1: x"
    [resource] = Document("kind: A\n", "f").resources()
    assert resource.locate(SealerError("x")).message == "f:1: A: x"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ((), ""),
        (("data", "password"), "data.password"),
        (("items", 2, "data", "a.b"), 'items[2].data["a.b"]'),
        (("a-b", "_c"), "a-b._c"),
    ],
)
def test_paths_are_written_for_people(path: tuple[str | int, ...], words: str) -> None:
    assert dotted(path) == words


def test_nodes_are_found_through_lists_and_merges() -> None:
    node = Document(
        "a: &x {b: 1}\nc: {<<: [*x, z], d: [5]}\ne: {b: 2, <<: *x}\nf: {<<: {g: 1}}\n"
        "h: {<<: {b: 1}, <<: [{b: 3}, {b: 4}], i: 5}\n"
    ).node
    assert node is not None

    def text(*path: str | int) -> str | None:
        found = find(node, path)
        return found.text if isinstance(found, ScalarNode) else None

    assert text("c", "b") == "1"
    assert text("c", "d", 0) == "5"
    assert text("e", "b") == "1"
    assert text("c", "d", 1) is None
    assert text("f", "b") is None
    assert text("h", "b") == "3"
    assert text("h", "i") == "5"
    assert text("a", "b", "c") is None


def test_reprs_show_no_text() -> None:
    [document] = read_documents("kind: Secret\nstringData: {a: canary}\n", "f")
    [resource] = document.resources()
    assert "canary" not in repr(document) + repr(resource)


def test_a_place_is_told_once() -> None:
    (document,) = read_documents("kind: Secret\nmetadata: {name: db}\n", "a.yaml")
    (resource,) = document.resources()
    told = document.locate(ManifestError("is wrong", path=("kind",)))
    assert resource.locate(told) is told


def test_a_key_that_is_no_text_is_passed_over_where_values_are_looked_up() -> None:
    node = Document("1: x\na: b\n", "f").node
    assert isinstance(node, MapNode)
    assert list(node.values()) == ["a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: Secret\ntrue: x\n", True),
        ("kind: SealedSecret\n", True),
        ("kind: List\n", True),
        ("kind: Secret\nkind: A\n", True),
        ("k: &k {kind: Secret}\n<<: *k\n", True),
        ("kind: !!binary U2VjcmV0\n", True),
        ("- a\n- {kind: Secret}\n", True),
        ("words\n", True),
        ("kind: A\ntrue: x\n", False),
        ("a: b\n", False),
        ("- a\n- {kind: A}\n", False),
        ("# nothing\n", False),
    ],
)
def test_what_may_hold_secrets_is_told_by_its_kind_whatever_is_wrong(
    text: str, expected: bool
) -> None:
    assert Document(text).may_hold_secrets is expected
