from __future__ import annotations

import pytest

from controller.reasons import Reason, Whose


def test_a_word_of_a_status_is_found_again_and_no_other() -> None:
    assert Reason.of("NoKey") is Reason.NO_KEY
    assert Reason.of("Foreign") is None


@pytest.mark.parametrize("reason", Reason)
def test_what_breaks_an_object_is_a_warning(reason: Reason) -> None:
    if reason.row.failing:
        assert reason.is_warning
    if reason.row.final:
        assert not reason.row.passing


@pytest.mark.parametrize(
    ("reason", "kind", "word"),
    [
        pytest.param(Reason.FUSE, "KeyVault", "VaultFuse", id="vault"),
        pytest.param(Reason.FUSE, "ClusterKeyVault", "VaultFuse", id="cluster-vault"),
        pytest.param(Reason.FUSE, "KeyVaultSecret", "Fuse", id="who-uses-it"),
        pytest.param(Reason.UNSEAL_FAILED, "SealedSecret", "ErrUnsealFailed", id="sealed"),
    ],
)
def test_the_words_of_a_vault_are_told_from_those_of_its_users(
    reason: Reason, kind: str, word: str
) -> None:
    assert reason.on(kind) == word


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        pytest.param(Reason.THROTTLED, Reason.THROTTLED, id="passes"),
        pytest.param(Reason.OBJECT_NOT_FOUND, Reason.OBJECT_NOT_FOUND, id="of-an-object"),
        pytest.param(Reason.BAD_VALUE, Reason.BAD_VALUE, id="of-a-value"),
        pytest.param(Reason.FORBIDDEN, Reason.VAULT_NOT_READY, id="of-the-vault"),
        pytest.param(Reason.UNKNOWN_CLOUD, Reason.VAULT_NOT_READY, id="of-its-manifest"),
        pytest.param(Reason.INTERNAL_ERROR, Reason.VAULT_NOT_READY, id="ours-at-the-vault"),
    ],
)
def test_what_is_wrong_with_a_vault_stands_in_its_own_status(reason: Reason, shown: Reason) -> None:
    assert reason.for_users is shown


def test_each_reason_of_a_sealed_secret_is_counted_under_a_word_of_the_peer() -> None:
    sealed = {one for one in Reason if Whose.SEALED in one.row.whose} - {Reason.SYNCED}
    words = {one.row.counted for one in sealed}
    assert words == {"fetch", "unmanaged", "unseal", "update"}
