"""Who is alive, as seen from here: values and one monotonic clock, nothing of the cluster.

A member is alive as long as its renewals are seen to change. What its clock says is not looked at,
so clocks may be minutes apart; what is compared is how long ago, by our clock, its Lease was seen
to change last.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.membership.lease import Lease


@dataclass(slots=True)
class _Sight:
    lease: Lease
    at: float


class Members:
    """The other members; times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._seen: dict[str, _Sight] = {}

    def saw(self, lease: Lease, now: float) -> None:
        """A Lease was listed, or a change of it was watched."""
        sight = self._seen.get(lease.member)
        if sight is None or (sight.lease.uid, sight.lease.stamp) != (lease.uid, lease.stamp):
            self._seen[lease.member] = _Sight(lease, now)
        else:
            # Listed once more, or touched by others: no sign of life.
            sight.lease = lease

    def gone(self, member: str) -> None:
        """A Lease was deleted: its member handed over, or was long dead."""
        self._seen.pop(member, None)

    def keep(self, members: set[str]) -> None:
        """Exactly these have a Lease: a list is whole."""
        for member in self._seen.keys() - members:
            del self._seen[member]

    def take_for_alive(self, now: float) -> None:
        """Count silence from now on: we looked away ourselves."""
        for sight in self._seen.values():
            sight.at = now

    def alive(self, now: float) -> frozenset[str]:
        """Those whose last change is not older than their Lease says."""
        seen = self._seen.items()
        return frozenset(name for name, one in seen if now - one.at <= one.lease.duration)

    def dead(self, now: float, times: float) -> list[Lease]:
        """Those that have been silent for this many times what their Lease says."""
        seen = self._seen.values()
        return [one.lease for one in seen if now - one.at > times * one.lease.duration]

    def of_pod(self, uid: str) -> list[Lease]:
        """Those whose Lease this pod owns."""
        return [one.lease for one in self._seen.values() if one.lease.pod_uid == uid]
