from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from controller.membership.shards import owner

SHARES = [f"uid-{number}" for number in range(12_000)]
NAMES = st.sets(st.text("abcdefgh0123-", min_size=1, max_size=9), min_size=1, max_size=6)


def test_nobody_owns_what_no_member_is_there_for() -> None:
    assert owner("uid", []) == ""


@given(NAMES, st.text(max_size=30))
def test_every_member_names_the_same_owner(members: set[str], share: str) -> None:
    assert owner(share, sorted(members)) == owner(share, sorted(members, reverse=True))


@given(NAMES, st.text(max_size=30))
def test_only_the_shares_of_a_member_that_goes_move(members: set[str], share: str) -> None:
    had = owner(share, members)
    for gone in members - {had}:
        assert owner(share, members - {gone}) == had


def test_members_have_equal_shares() -> None:
    for count in (2, 3, 5):
        members = [f"sealer-7c9d-{number}" for number in range(count)]
        shares = Counter(owner(share, members) for share in SHARES)
        fair = len(SHARES) / count
        assert all(abs(size - fair) < 0.1 * fair for size in shares.values())


def test_a_share_is_where_it_was_in_the_last_release() -> None:
    # Members of two releases work side by side in a rolling update: the hash is for ever.
    members = ["sealer-a", "sealer-b", "sealer-c"]
    assert [owner(f"uid-{number}", members)[-1] for number in range(12)] == list("bccccbbcbaca")
