"""The page as a file: the same bytes for the same clusters, and whatever they are called."""

from __future__ import annotations

import json
import re

import pytest

from sealer.errors import SealerError, UsageError
from sealer.page import Cluster, build, clusters_in, named, version_in
from sealer.page.document import sources
from tests.sealing_keys import pair

HOSTILE = "</script><script>alert(1)</script><!-- & \"' @@script@@ \\1 日本"


def test_a_page_is_made_again_from_what_stands_in_it() -> None:
    clusters = [Cluster(HOSTILE, pair("one").certificate), Cluster("two", pair("two").certificate)]
    page = build(clusters)
    assert build(clusters_in(page)) == page
    assert [one.name for one in clusters_in(page)] == [HOSTILE, "two"]
    assert version_in(page)
    assert page.count(b"</script>") == 2
    assert b"alert(1)" not in page.split(b'id="clusters">')[0]


def test_clusters_of_equal_names_are_told_apart_by_their_fingerprints() -> None:
    one, two = pair("one").certificate, pair("two").certificate
    assert [each.name for each in named([("a", one), ("b", two)])] == ["a", "b"]
    assert [each.name for each in named([("a", one), ("a", two)])] == [
        f"a ({one.fingerprint[:8]})",
        f"a ({two.fingerprint[:8]})",
    ]
    with pytest.raises(UsageError, match="twice"):
        named([("a", one), ("a", one)])


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb", "a\u202eb", "\x1b[31m"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cluster's name"):
        Cluster(name, pair("one").certificate)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        "{}",
        "[1]",
        "[" * 100_000,
        "[{}]",
        '[{"name": "x", "certificate": 1}]',
        '[{"name": "x", "certificate": "AAAA"}]',
        '[{"name": "x", "certificate": "ü"}]',
    ],
)
def test_what_is_no_page_is_an_error_of_ours(data: str) -> None:
    page = build([Cluster("one", pair("one").certificate)]).decode()
    found = re.search(r'id="clusters">([^<]*)<', page)
    assert found
    with pytest.raises(SealerError):
        clusters_in(page.replace(found[1], data).encode())


def test_the_data_is_plain_json_with_nothing_that_ends_it() -> None:
    page = build([Cluster(HOSTILE, pair("one").certificate)]).decode()
    found = re.search(r'id="clusters">(.*?)</script>', page, re.DOTALL)
    assert found
    [cluster] = json.loads(found[1])
    assert cluster["name"] == HOSTILE
    assert not set("<>&") & set(found[1])
    assert cluster["until"].endswith("Z")


def test_sources_are_small() -> None:
    for name, text in sources().items():
        assert text.count("\n") <= 400, name
        assert "\r" not in text, name
        assert not re.search(r"innerHTML|\beval\b|https?://\w+\.(?!com/example|docker)", text), name
