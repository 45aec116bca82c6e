from __future__ import annotations

from controller.membership.lease import Lease
from controller.membership.members import Members


def lease(member: str, stamp: str = "1", *, uid: str = "u", duration: float = 15.0) -> Lease:
    return Lease(member=member, stamp=stamp, duration=duration, uid=uid, version=stamp)


def test_a_member_lives_as_long_as_its_lease_is_seen_to_change() -> None:
    members = Members()
    members.saw(lease("a", "1"), 100.0)
    assert members.alive(115.0) == {"a"}
    assert members.alive(115.1) == frozenset()
    members.saw(lease("a", "2"), 116.0)
    assert members.alive(131.0) == {"a"}


def test_a_lease_that_is_only_listed_again_is_no_sign_of_life() -> None:
    members = Members()
    members.saw(lease("a", "1"), 100.0)
    members.saw(lease("a", "1"), 114.0)
    assert members.alive(116.0) == frozenset()


def test_nobodys_clock_is_looked_at() -> None:
    members = Members()
    for stamp, now in (("2031-01-01", 100.0), ("1999-01-01", 110.0), ("", 120.0)):
        members.saw(lease("a", stamp), now)
        assert members.alive(now + 15) == {"a"}


def test_one_that_was_made_anew_under_its_name_lives() -> None:
    members = Members()
    members.saw(lease("a", "1"), 100.0)
    members.saw(lease("a", "1", uid="other"), 130.0)
    assert members.alive(140.0) == {"a"}


def test_each_counts_by_what_its_own_lease_says() -> None:
    members = Members()
    members.saw(lease("a", duration=60.0), 100.0)
    members.saw(lease("b", duration=5.0), 100.0)
    assert members.alive(110.0) == {"a"}


def test_a_deleted_lease_ends_a_member_at_once() -> None:
    members = Members()
    members.saw(lease("a"), 100.0)
    members.gone("a")
    members.gone("never seen")
    assert members.alive(100.0) == frozenset()


def test_a_whole_list_ends_those_that_are_not_in_it() -> None:
    members = Members()
    members.saw(lease("a"), 100.0)
    members.saw(lease("b"), 100.0)
    members.keep({"b"})
    assert members.alive(101.0) == {"b"}


def test_who_looked_away_takes_all_for_alive() -> None:
    members = Members()
    members.saw(lease("a"), 100.0)
    members.take_for_alive(1000.0)
    assert members.alive(1015.0) == {"a"}


def test_the_long_dead_are_named() -> None:
    members = Members()
    members.saw(lease("a", duration=10.0), 100.0)
    members.saw(lease("b", duration=10.0), 299.0)
    assert [one.member for one in members.dead(301.0, 20.0)] == ["a"]
