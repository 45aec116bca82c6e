"""What each feature of the CSI driver and of akv2k8s becomes, and what is said of the rest."""

from __future__ import annotations

import pytest

from tests.testbed import foreign_manifests as foreign
from tests.testbed.conversions import convert, notes, of_kind, secrets
from tests.testbed.foreign_manifests import VERSION


@pytest.mark.parametrize(
    ("steps", "decode", "text"),
    [
        pytest.param("[base64decode]", "Base64", None, id="decode"),
        pytest.param("[trim, base64decode]", "Base64", None, id="space-is-no-matter"),
        pytest.param("[base64encode]", None, '{{ index . "v" | b64enc }}', id="encode"),
        pytest.param(
            "[base64decode, trim, base64decode]",
            "Base64",
            '{{ index . "v" | trim | b64dec }}',
            id="twice",
        ),
    ],
)
def test_transforms_keep_their_order(steps: str, decode: str | None, text: str | None) -> None:
    output = f"{{transform: {steps}, secret: {{name: s, dataKey: v}}}}"
    (spec,) = secrets(foreign.akv("{name: a, type: secret}", output))
    assert spec["data"][0]["from"].get("decode") == decode
    assert spec.get("template", {}).get("data", {}).get("v") == text


def test_what_is_to_be_substituted_stays_as_it_is() -> None:
    text = foreign.provider("{objectName: a}").replace("keyvaultName: Shop", "keyvaultName: ${KV}")
    (vault,) = of_kind(text, "KeyVault")
    assert vault["url"] == "https://${KV}.vault.azure.net"


def test_a_certificate_and_its_key_are_one_tls_entry() -> None:
    pair, leaf, two = secrets(foreign.TLS)
    assert pair["data"][0] == {"tls": {"certificate": "site"}}
    assert pair["data"][1] == {"key": "pub.pem", "from": {"key": "pub"}}
    assert leaf["data"] == [{"tls": {"certificate": "site", "chain": "LeafOnly"}}]
    assert two["data"][1]["from"] == {"certificate": "site", "version": VERSION, "as": "Key"}
    told = notes(foreign.TLS)
    assert "only mounted as files, and in no Secret: other" in told
    assert "nowhere is not among the objects" in told


def test_a_pair_keeps_its_version_and_the_keys_beside_it() -> None:
    text = foreign.provider(
        f"{{objectName: site, objectType: secret, objectVersion: {VERSION}}}",
        "    - secretName: pair\n      type: kubernetes.io/tls\n"
        "      data: [{objectName: site, key: tls.crt}, {objectName: site, key: tls.key},"
        " {objectName: site, key: all.pem}]\n",
    )
    (spec,) = secrets(text)
    assert spec["data"][0] == {"tls": {"certificate": "site", "version": VERSION}}
    assert spec["data"][1]["key"] == "all.pem"


def test_a_pair_of_objects_without_a_key_is_the_pair_that_was_meant() -> None:
    text = foreign.provider(
        "{objectName: site, objectType: cert}",
        "    - secretName: pair\n      type: kubernetes.io/tls\n"
        "      data: [{objectName: site, key: tls.crt}, {objectName: site, key: tls.key}]\n",
    )
    (spec,) = secrets(text)
    assert spec["data"] == [{"tls": {"certificate": "site"}}]
    assert "has no private key" in notes(text)


def test_versions_in_a_folder_and_types_that_the_driver_does_not_know() -> None:
    text = foreign.provider(
        "{objectName: db, objectType: secret, objectAlias: DB, objectVersionHistory: 3}",
        "    - secretName: db\n      type: odd\n"
        "      data: [{objectName: DB/0, key: now}, {objectName: DB/1, key: before}]\n",
        "    tenantId: old\n    tenantID: new\n",
    )
    (spec,) = secrets(text)
    assert spec["data"] == [
        {"key": "now", "from": {"secret": "db"}},
        {"key": "before", "from": {"secret": "db", "history": 2}},
    ]
    assert spec["target"] == {"type": "Opaque"}
    assert "before was DB/1: here that version is before.1" in notes(text)
    assert "only mounted as files" not in notes(text)
    (vault,) = of_kind(text, "KeyVault")
    assert vault["auth"]["workloadIdentity"]["tenantId"] == "new"


def test_formats_and_encodings_of_mounted_files() -> None:
    (spec,) = secrets(foreign.FILES)
    entries = {one["key"]: one["from"] for one in spec["data"]}
    assert entries == {
        "p": {"certificate": "p", "version": VERSION, "as": "PFX"},
        "text.pfx": {"secret": "q"},
        "r": {"certificate": "r", "as": "PEM"},
        "s": {"secret": "s", "decode": "Hex", "history": 2},
    }
    told = notes(foreign.FILES)
    assert "the files s/0, s/1 are the keys s, s.1" in told
    assert "filePermission of s" in told
    assert "nodePublishSecretRef" in told


def test_classes_of_one_vault_share_it_and_odd_ones_have_their_own() -> None:
    text = f"{foreign.NODE_A}---\n{foreign.NODE_B}---\n{foreign.ANOTHER}"
    vaults = of_kind(text, "ClusterKeyVault")
    assert [[a["namespaces"] for a in one["allow"]] for one in vaults] == [
        [["shop"], ["mail"]],
        [["shop"]],
    ]
    assert [one["vaultRef"]["name"] for one in secrets(text)] == ["shop", "shop", "shop-2"]


def test_several_of_akv2k8s_that_fill_one_secret_are_one() -> None:
    first, other = secrets(foreign.TOGETHER)
    assert [one["key"] for one in first["data"]] == ["A", "B"]
    assert other["target"] == {"name": "both", "creation": "Merge"}
    assert convert(foreign.TOGETHER)[0].manifest["metadata"]["name"] == "mykv"


def test_types_of_akv2k8s_fill_the_keys_they_filled() -> None:
    specs = secrets(foreign.TYPES)
    made = {spec["target"]["name"]: spec for spec in specs}
    assert made["a"]["template"]["data"].keys() == {"username", "password"}
    assert [made[name]["data"][0]["key"] for name in "bc"] == [
        ".dockerconfigjson",
        "ssh-privatekey",
    ]
    assert [made[name]["data"] for name in "df"] == [[{"tls": {"certificate": n}}] for n in "df"]
    assert made["e"]["data"] == [{"key": "crt", "from": {"certificate": "e", "as": "Leaf"}}]
    expand = {"secret": "g", "version": VERSION, "format": "YAML"}
    assert made["g"]["data"] == [{"expand": expand}]
    assert made["i"]["data"] == [{"key": "v", "from": {"secret": "i", "decode": "Base64"}}]
    assert made["i"]["template"] == {"data": {"v": '{{ index . "v" | trim }}'}, "omit": ["v"]}
