"""Objects as Go's serializers write them; expectations are what kubeseal 0.36.6 printed."""

from __future__ import annotations

from sealer.kubeseal.writing import object_meta, write

MANAGED = {
    "apiVersion": "v1",
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:type": {}, "f:data": {"f:a": {}, ".": {}}},
    "manager": "kubectl",
    "operation": "Update",
    "subresource": "status",
    "time": "2026-01-01T00:00:00Z",
}
OWNER = {
    "uid": "u",
    "name": "n",
    "kind": "K",
    "controller": True,
    "blockOwnerDeletion": False,
    "apiVersion": "v1",
}


def test_entries_of_lists_have_the_fields_in_gos_order() -> None:
    meta = object_meta({"managedFields": [MANAGED], "ownerReferences": [OWNER], "name": "db"})
    assert list(meta) == ["name", "ownerReferences", "managedFields"]
    assert list(meta["ownerReferences"][0]) == [
        "apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion",
    ]  # fmt: skip
    assert list(meta["managedFields"][0]) == [
        "manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource",
    ]  # fmt: skip
    assert list(meta["managedFields"][0]["fieldsV1"]) == ["f:type", "f:data"]
    assert object_meta({"managedFields": ["odd"]}) == {"managedFields": ["odd"]}


def test_keys_that_yaml_gives_a_meaning_are_quoted() -> None:
    assert write({"<<": "x", "=": "z"}, "yaml") == '---\n"<<": x\n"=": z\n'
