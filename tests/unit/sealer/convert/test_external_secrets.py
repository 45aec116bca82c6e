"""What each feature of External Secrets becomes, and what is said of what it cannot become."""

from __future__ import annotations

import pytest

from sealer.convert.names import whole
from sealer.errors import ManifestError, ManyErrors
from sealer.keyvault.names import check_patterns, compile_pattern, key_for, selector
from sealer.keyvault.references import ExpandEntry, FindEntry
from sealer.keyvault.resource import KeyVaultSecret
from tests.testbed import foreign_manifests as foreign
from tests.testbed.conversions import convert, notes, of_kind, secrets
from tests.testbed.foreign_manifests import VERSION


def test_two_template_lines_that_split_a_pfx_are_a_tls_entry() -> None:
    (spec,) = secrets(foreign.PFX)
    assert spec["data"] == [{"tls": {"certificate": "shop-tls", "version": VERSION}}]
    assert spec["template"] == {"type": "kubernetes.io/tls"}


def test_pem_that_is_filtered_is_a_tls_entry_and_merge_keeps_the_raw_key() -> None:
    (spec,) = secrets(foreign.PEM)
    kinds = [next(iter(entry)) for entry in spec["data"]]
    assert kinds == ["tls", "key"]
    assert "omit" not in spec["template"]


def test_a_pfx_split_under_other_names_is_rendered_from_the_tls_entry() -> None:
    text = foreign.PFX.replace("tls.crt:", "server.pem:")
    (spec,) = secrets(text)
    assert spec["template"]["data"] == {"server.pem": '{{ index . "tls.crt" }}'}
    assert spec["template"]["omit"] == ["tls.crt"]


def test_a_template_of_a_raw_keys_name_wins_as_it_did() -> None:
    (spec,) = secrets(foreign.SAME_NAME)
    assert spec["template"]["omit"] == ["AUTH", "raw"]
    merged = foreign.SAME_NAME.replace(
        "      data: {AUTH", "      mergePolicy: Merge\n      data: {AUTH"
    )
    (spec,) = secrets(merged)
    assert spec["template"]["omit"] == ["AUTH"]


def test_names_are_found_and_renamed_as_they_were() -> None:
    (made,) = convert(foreign.RENAMED)
    entries = KeyVaultSecret.from_dict(made.manifest).entries
    first, second, tagged, every = (one for one in entries if isinstance(one, FindEntry))
    prod = {"env": "prod"}
    assert [selector(first)(name, prod) for name in ("app-db-url", "an-app-x")] == [True, False]
    assert key_for(first, "app-db-url") == "DB_URL"
    assert [selector(second)(name, {}) for name in ("the-key", "key-1")] == [True, False]
    assert key_for(second, "xa-by-key") == "xb.ay-key"
    assert [selector(tagged)("x", tags) for tags in (prod, {})] == [True, False]
    assert selector(every)("anything", {})


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        pytest.param("^a|b$", "ax", True, id="anchored-branch"),
        pytest.param("^a|b$", "xb", True, id="other-branch"),
        pytest.param("^a|b$", "xax", False, id="neither"),
        pytest.param("b", "abc", True, id="anywhere"),
        pytest.param("^ab$", "abc", False, id="whole"),
        pytest.param("a|c", "xcx", True, id="free-branches"),
        pytest.param(".*b.*", "abc", True, id="stars-of-its-own"),
        pytest.param("^a.*", "ab", True, id="star-at-the-end"),
        pytest.param(r"a\.*", "xa", True, id="star-of-an-escape"),
        pytest.param(".*|b", "x", True, id="star-in-a-branch"),
    ],
)
def test_a_pattern_matches_what_it_matched(pattern: str, name: str, expected: bool) -> None:
    assert (compile_pattern(whole(pattern)).fullmatch(name) is not None) is expected


@pytest.mark.parametrize(
    ("source", "target", "name", "expected"),
    [
        pytest.param("^app-", "", "app-db-app-x", "db-app-x", id="prefix-goes"),
        pytest.param("-", "_", "a-b-c", "a_b_c", id="dashes"),
        pytest.param("-prod$", ".live", "db-prod", "db.live", id="suffix"),
        pytest.param("^(.*)-(?P<env>.*)$", "$env.$1", "db-prod", "prod.db", id="named-group"),
        pytest.param("(o)(p)", "$2$1", "a-op-b", "a-po-b", id="groups-inside"),
    ],
)
def test_a_rewrite_gives_the_name_it_gave(
    source: str, target: str, name: str, expected: str
) -> None:
    text = foreign.external(f"""\
  dataFrom:
    - find: {{name: {{regexp: x}}}}
      rewrite: [{{regexp: {{source: '{source}', target: '{target}'}}}}]
""")
    (made,) = convert(text)
    (entry,) = KeyVaultSecret.from_dict(made.manifest).entries
    assert isinstance(entry, FindEntry)
    assert not list(check_patterns(entry))
    assert key_for(entry, name) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param(
            'transform: {template: \'{{ .value | upper | replace "-" "_" }}\'}',
            "MY_KEY_1",
            id="env",
        ),
        pytest.param(
            'transform: {template: \'KV_{{ .value | replace "-" "_" | upper }}\'}',
            "KV_MY_KEY_1",
            id="prefix",
        ),
        pytest.param("regexp: {source: '[^a-zA-Z0-9_]', target: '_'}", "my_key_1", id="class"),
        pytest.param(r"regexp: {source: '\W', target: '.'}", "my.key.1", id="not-a-word"),
    ],
)
def test_keys_are_made_of_names_as_they_were(steps: str, expected: str) -> None:
    text = foreign.external(
        f"  dataFrom:\n    - find: {{name: {{regexp: x}}}}\n      rewrite:\n        - {steps}\n"
    )
    (made,) = convert(text)
    (entry,) = KeyVaultSecret.from_dict(made.manifest).entries
    assert isinstance(entry, FindEntry)
    assert key_for(entry, "my-key-1") == expected


@pytest.mark.parametrize(
    ("extract", "rewrite", "fields"),
    [
        pytest.param(
            "{key: a}", "", {"Logging:Level": "Logging_Level", "a.b-c": "a.b-c"}, id="default"
        ),
        pytest.param(
            "{key: a, conversionStrategy: None}", "", {"a:b": "a:b", "ok": "ok"}, id="none"
        ),
        pytest.param(
            "{key: a}",
            "{regexp: {source: '^db-(.*)$', target: 'DB_$1'}}",
            {"db-user": "DB_user", "db:x": "db_x"},
            id="renamed",
        ),
        pytest.param(
            "{key: a}",
            "{regexp: {source: '[^a-zA-Z0-9_]', target: '_'}}",
            {"a:b-c.d": "a_b_c_d"},
            id="class",
        ),
        pytest.param(
            "{key: a}",
            '{transform: {template: \'{{ .value | upper | replace "-" "_" }}\'}}',
            {"my-key": "MY_KEY"},
            id="env",
        ),
    ],
)
def test_the_fields_of_an_object_get_the_keys_they_had(
    extract: str, rewrite: str, fields: dict[str, str]
) -> None:
    """Source: esutils.ConvertKeys of external-secrets, after its rewrite."""
    text = foreign.external(f"  dataFrom:\n    - extract: {extract}\n      rewrite: [{rewrite}]\n")
    (made,) = convert(text)
    (entry,) = KeyVaultSecret.from_dict(made.manifest).entries
    assert isinstance(entry, ExpandEntry)
    assert {field: key_for(entry, field) for field in fields} == fields


def test_a_path_of_another_store_is_doubted() -> None:
    text = foreign.external("  data: [{secretKey: a, remoteRef: {key: secret/data/db}}]\n")
    assert "is its store of Azure?" in notes(text)


def test_a_key_was_a_jwk_and_a_property_keeps_its_dots() -> None:
    (spec,) = secrets(foreign.LOST)
    entries = {one["key"]: one["from"] for one in spec["data"] if "key" in one}
    assert entries["jwk"] == {"key": "sign", "as": "JWK"}
    assert entries["deep"] == {"secret": "json", "property": "a.b.0", "decode": "Base64URL"}
    assert {"expand": {"secret": "more", "version": VERSION, "case": "Key"}} in spec["data"]


@pytest.mark.parametrize(
    "words",
    [
        "metadataPolicy Fetch gave the tags of db",
        "the property of json is a gjson query",
        "decodingStrategy Auto of json guesses",
        "extract of json with a property",
        "extract of cert/shop has no match",
        "rewrite.merge has no match here",
        "decodingStrategy of extract more",
        "the generator Password pw",
        "creationPolicy None",
        "templateFrom literal for Data",
        "templateFrom configMap texts (t)",
        "spec.target.template.metadata.finalizers",
    ],
)
def test_what_is_lost_is_told(words: str) -> None:
    assert words in notes(foreign.LOST)


def test_a_field_that_nobody_knows_is_told() -> None:
    text = foreign.external("  data: [{secretKey: a, remoteRef: {key: a, novel: {x: 1}}}]\n")
    assert "spec.data.remoteRef.novel has no match here" in notes(text)
    assert "azurekv.novel has no match here" in notes(foreign.store("      novel: x\n"))
    assert "spec.parameters.odd has no match here" in notes(foreign.TLS)


def test_a_second_store_makes_a_secret_that_adds_to_the_first() -> None:
    first, second = secrets(foreign.TWO_STORES)
    assert (first["vaultRef"]["name"], second["vaultRef"]["name"]) == ("azure", "other")
    assert second["target"] == {"name": "app", "creation": "Merge"}


def test_labels_that_were_copied_are_the_targets_without_those_that_track() -> None:
    (made,) = convert(foreign.OLD)
    assert made.manifest["spec"]["target"] == {
        "labels": {"app": "shop"},
        "annotations": {"team": "x"},
    }
    assert made.manifest["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] == "1"
    assert made.manifest["spec"]["refresh"] == "Once"
    assert made.manifest["spec"]["data"] == [{"expand": {"secret": "app-json", "case": "Key"}}]


def test_a_cluster_external_secret_is_one_for_each_namespace() -> None:
    made = [one.manifest["metadata"] for one in convert(foreign.EVERYWHERE)]
    assert [one["namespace"] for one in made] == ["a", "b", "replace-me"]
    assert {one["name"] for one in made} == {"pull-secret"}
    assert "chose namespaces by labels" in notes(foreign.EVERYWHERE)


def test_a_store_with_the_nodes_identity_is_followed_by_what_reads_it() -> None:
    text = f"{foreign.NODE}---\n{foreign.external('  refreshInterval: 90s')}\n"
    text += "  data: [{secretKey: a, remoteRef: {key: a}}]\n"
    (vault,) = of_kind(text, "ClusterKeyVault")
    assert vault["allow"] == [{"namespaces": ["shop"], "objects": ["*"]}]
    assert vault["auth"] == {"managedIdentity": {"clientId": "REPLACE-ME"}}
    assert vault["poll"] == {"interval": "90s"}
    (secret,) = secrets(text)
    assert secret["vaultRef"] == {"name": "shop-azure", "kind": "ClusterKeyVault"}


def test_namespace_patterns_do_not_open_a_vault_to_everybody() -> None:
    (vault,) = of_kind(foreign.REGEXES, "ClusterKeyVault")
    assert "allow" not in vault
    assert vault["auth"]["workloadIdentity"]["namespace"] == "replace-me"


def test_a_store_of_another_cloud_takes_its_readers_with_it() -> None:
    other = "apiVersion: external-secrets.io/v1\nkind: SecretStore\n"
    other += "metadata: {name: azure, namespace: shop}\nspec: {provider: {aws: {}}}\n"
    made = convert(f"{other}---\n{foreign.SAME_NAME}")
    assert [one.manifest for one in made] == [{}, {}]
    assert "reads the store azure, which is not of Azure" in made[1].notes[0]


def test_a_pfx_with_a_password_is_left_to_a_person() -> None:
    text = foreign.PFX.replace("pkcs12cert", 'pkcs12cert \\"pw\\"')
    text = text.replace("pkcs12key", 'pkcs12key \\"pw\\"')
    (spec,) = secrets(text)
    assert spec["data"][0]["key"] == "pfx"
    assert "does not run here" in notes(text)


def test_what_may_be_missing_is_optional() -> None:
    text = foreign.external("  dataFrom: [{extract: {key: a, emptyResultPolicy: Ignore}}]\n")
    made = {"secret": "a", "optional": True, "case": "Key"}
    assert secrets(text)[0]["data"] == [{"expand": made}]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param(
            foreign.external("  data: [x]\n"), ("spec", "data", 0), id="entry-is-no-mapping"
        ),
        pytest.param(foreign.external("  data: {a: b}\n"), ("spec", "data"), id="data-is-no-list"),
        pytest.param(
            foreign.external("  data: [{secretKey: on, remoteRef: {key: a}}]\n"),
            ("spec", "data", 0, "secretKey"),
            id="boolean",
        ),
        pytest.param(
            foreign.external(
                "  target: {deletionPolicy: Never}\n  data: [{secretKey: a, remoteRef: {key: a}}]\n"
            ),
            ("spec", "target", "deletionPolicy"),
            id="unknown-word",
        ),
        pytest.param(
            foreign.akv("a", "{}"), ("spec", "vault", "object"), id="object-is-no-mapping"
        ),
        pytest.param(
            foreign.provider("{objectName: a").replace("{objectName: a", "objectName: [a"),
            ("spec", "parameters", "objects"),
            id="objects-cannot-be-read",
        ),
    ],
)
def test_a_broken_shape_is_told_with_its_place(text: str, path: tuple[str | int, ...]) -> None:
    with pytest.raises((ManifestError, ManyErrors)) as raised:
        convert(text)
    error = raised.value
    faults = error.errors if isinstance(error, ManyErrors) else [error]
    assert [getattr(fault, "path", None) for fault in faults] == [path]


def test_a_policy_that_has_no_match_is_told() -> None:
    data = "  data: [{secretKey: a, remoteRef: {key: a}}]\n"
    text = foreign.external(f"  target: {{creationPolicy: CreateOrMerge}}\n{data}")
    assert "CreateOrMerge has no match here" in notes(text)
    with pytest.raises((ManifestError, ManyErrors), match="is no creationPolicy"):
        convert(foreign.external(f"  target: {{creationPolicy: Novel}}\n{data}"))
    text = foreign.external(f"  target: {{creationPolicy: Merge, immutable: true}}\n{data}")
    assert "immutable is left out" in notes(text)
