"""Semantic versions and constraints on them, by the rules of Masterminds/semver 3.4.

Those differ from every Python library's: ``1.2`` is a version, ``~0.0.0`` takes all, ``1.x`` is a
range, a pre-release satisfies only a group that names one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from sealer.template.registry import CallError
from sealer.template.values import Object, Uint64

_IDENTIFIERS: Final = rb"[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*"
_VERSION: Final = re.compile(
    rb"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-(%s))?(?:\+(%s))?" % (_IDENTIFIERS, _IDENTIFIERS)
)
_PART: Final = rb"[0-9|xX*]+"
_LOOSE: Final = rb"v?%s(?:\.%s)?(?:\.%s)?(?:-%s)?(?:\+%s)?" % (
    _PART,
    _PART,
    _PART,
    _IDENTIFIERS,
    _IDENTIFIERS,
)
# Go takes the first alternative that matches, and so do these.
_OPERATORS: Final = rb"=||!=|>|<|>=|=>|<=|=<|~|~>|\^"
_SPACE: Final = rb"[\t\n\f\r ]"
_ONE: Final = re.compile(
    rb"%s*(%s)%s*(v?(%s)(\.%s)?(\.%s)?(-%s)?(?:\+%s)?)%s*"
    % (_SPACE, _OPERATORS, _SPACE, _PART, _PART, _PART, _IDENTIFIERS, _IDENTIFIERS, _SPACE)
)
_RANGE: Final = re.compile(
    rb"%s*(%s)%s+-%s+(%s)%s*" % (_SPACE, _LOOSE, _SPACE, _SPACE, _LOOSE, _SPACE)
)
_LARGEST: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True, repr=False)
class Version(Object):
    """A version; ``original`` is the text it was read from."""

    go_type: ClassVar[str] = "*semver.Version"
    kind: ClassVar[str] = "ptr"

    major: int = 0
    minor: int = 0
    patch: int = 0
    prerelease: bytes = b""
    metadata: bytes = b""
    original: bytes = b""

    @classmethod
    def parse(cls, text: bytes) -> Version:
        """Read a version; ``v`` before it and fewer than three numbers are allowed."""
        match = _VERSION.fullmatch(text)
        if not match:
            raise CallError("not a semantic version")
        major, minor, patch = (_segment(match[index] or b"0") for index in (1, 2, 3))
        return cls(major, minor, patch, checked(match[4] or b""), match[5] or b"", text)

    def fields(self) -> tuple[tuple[str, object], ...]:
        return (
            ("major", Uint64(self.major)),
            ("minor", Uint64(self.minor)),
            ("patch", Uint64(self.patch)),
            ("pre", self.prerelease),
            ("metadata", self.metadata),
            ("original", self.original),
        )

    def text(self) -> bytes:
        text = b"%d.%d.%d" % (self.major, self.minor, self.patch)
        if self.prerelease:
            text += b"-" + self.prerelease
        return text + (b"+" + self.metadata if self.metadata else b"")

    def compare(self, other: Version) -> int:
        """Return -1, 0 or 1; metadata do not count."""
        one = (self.major, self.minor, self.patch)
        two = (other.major, other.minor, other.patch)
        if one != two:
            return 1 if one > two else -1
        return _compare_prereleases(self.prerelease, other.prerelease)

    def changed(self, **changes: object) -> Version:
        """Return a version with other parts, whose original is its text, with the v it had."""
        changes = {"prerelease": b"", "metadata": b"", **changes}
        made = replace(self, **changes)  # type: ignore[arg-type]
        prefix = b"v" if self.original.startswith(b"v") else b""
        return replace(made, original=prefix + made.text())


def checked(prerelease: bytes) -> bytes:
    """Return a pre-release text; CallError where an identifier is empty or has a leading zero."""
    if prerelease:
        for part in prerelease.split(b"."):
            if not part or re.search(rb"[^0-9A-Za-z\-]", part):
                raise CallError("not a semantic version: invalid prerelease")
            if part.isdigit() and len(part) > 1 and part[:1] == b"0":
                raise CallError("not a semantic version: a segment starts with 0")
    return prerelease


def _segment(digits: bytes) -> int:
    if len(digits.lstrip(b"0")) > 20 or (number := int(digits)) > _LARGEST:
        raise CallError("not a semantic version: a number is too large")
    return number


def _compare_prereleases(one: bytes, other: bytes) -> int:
    if one == other:
        return 0
    if not one or not other:
        return 1 if not one else -1
    ones, others = one.split(b"."), other.split(b".")
    for index in range(max(len(ones), len(others))):
        part = ones[index] if index < len(ones) else b""
        against = others[index] if index < len(others) else b""
        if part != against:
            return _compare_identifiers(part, against)
    return 0


def _compare_identifiers(one: bytes, other: bytes) -> int:
    if not one or not other:
        return -1 if not one else 1
    numeric_one, numeric_other = _is_number(one), _is_number(other)
    if numeric_one and numeric_other:
        return 1 if int(one) > int(other) else -1
    if numeric_one != numeric_other:
        return -1 if numeric_one else 1
    return 1 if one > other else -1


def _is_number(text: bytes) -> bool:
    return text.isdigit() and len(text.lstrip(b"0")) <= 20 and int(text) <= _LARGEST


@dataclass(frozen=True, slots=True, repr=False)
class _Constraint:
    """An operator and a version; which numbers are left open (``1.x``, ``1``)."""

    operator: bytes
    version: Version
    minor_open: bool = False
    patch_open: bool = False
    open: bool = False


def satisfies(constraint: bytes, version: Version) -> bool:
    """Check a version: ``||`` between groups, commas or spaces between constraints of a group."""
    groups = [_group(text) for text in _without_ranges(constraint).split(b"||")]
    return any(_group_takes(group, version) for group in groups)


def _group_takes(group: list[_Constraint], version: Version) -> bool:
    if version.prerelease and not any(each.version.prerelease for each in group):
        return False
    return all(_CHECKS[each.operator](version, each) for each in group)


def _without_ranges(constraint: bytes) -> bytes:
    """Rewrite ``1 - 2`` to ``>= 1, <= 2``."""
    text = constraint
    for match in _RANGE.finditer(constraint):
        text = text.replace(match[0], b">= %s, <= %s " % (match[1], match[2]), 1)
    return text


def _group(text: bytes) -> list[_Constraint]:
    # A linear reading of what Masterminds checks by one regular expression: constraints with
    # spaces or one comma between them.
    found, at = [], 0
    while True:
        match = _ONE.match(text, at)
        if not match:
            raise CallError("improper constraint")
        found.append(_parsed(match))
        at = match.end()
        if at == len(text):
            return found
        if text[at : at + 1] == b",":
            at += 1
        elif not match[0][-1:].isspace():
            raise CallError("improper constraint")


def _parsed(match: re.Match[bytes]) -> _Constraint:
    operator, text = match[1], match[2]
    major, minor, patch = match[3], (match[4] or b"")[1:], (match[5] or b"")[1:]
    suffix = match[6] or b""
    minor_open = patch_open = everything = False
    if _is_open(major):
        text, everything = b"0.0.0" + suffix, True
    elif _is_open(minor):
        text, minor_open = major + b".0.0" + suffix, True
    elif _is_open(patch):
        text, patch_open = major + b"." + minor + b".0" + suffix, True
    try:
        version = Version.parse(text)
    except CallError:
        raise CallError("constraint parser error") from None
    return _Constraint(
        operator, version, minor_open, patch_open, minor_open or patch_open or everything
    )


def _is_open(part: bytes) -> bool:
    return part in (b"", b"x", b"X", b"*")


def _not_equal(version: Version, constraint: _Constraint) -> bool:
    wanted = constraint.version
    if constraint.open:
        if version.major != wanted.major:
            return True
        if constraint.minor_open:
            return False
        if version.minor != wanted.minor:
            return True
        if constraint.patch_open:
            return _compare_prereleases_loosely(version, wanted)
        if version.patch != wanted.patch:
            return True
    return version.compare(wanted) != 0


def _compare_prereleases_loosely(version: Version, wanted: Version) -> bool:
    if not version.prerelease and not wanted.prerelease:
        return False
    return version.prerelease != wanted.prerelease


def _greater(version: Version, constraint: _Constraint) -> bool:
    wanted = constraint.version
    if not constraint.open:
        return version.compare(wanted) == 1
    if version.major != wanted.major:
        return version.major > wanted.major
    if constraint.minor_open:
        return False
    if constraint.patch_open:
        return version.minor > wanted.minor
    return version.compare(wanted) == 1


def _less(version: Version, constraint: _Constraint) -> bool:
    return version.compare(constraint.version) < 0


def _greater_or_equal(version: Version, constraint: _Constraint) -> bool:
    return version.compare(constraint.version) >= 0


def _less_or_equal(version: Version, constraint: _Constraint) -> bool:
    wanted = constraint.version
    if not constraint.open:
        return version.compare(wanted) <= 0
    if version.major != wanted.major:
        return version.major < wanted.major
    return version.minor <= wanted.minor or constraint.minor_open


def _tilde(version: Version, constraint: _Constraint) -> bool:
    wanted = constraint.version
    if version.compare(wanted) < 0:
        return False
    zero = (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0)
    if zero and not constraint.minor_open and not constraint.patch_open:
        return True
    if version.major != wanted.major:
        return False
    return version.minor == wanted.minor or constraint.minor_open


def _equal(version: Version, constraint: _Constraint) -> bool:
    if constraint.open:
        return _tilde(version, constraint)
    return version.compare(constraint.version) == 0


def _caret(version: Version, constraint: _Constraint) -> bool:
    wanted = constraint.version
    if version.compare(wanted) < 0:
        return False
    if wanted.major > 0 or constraint.minor_open:
        return version.major == wanted.major
    if version.major > 0:
        return False
    if wanted.minor > 0 or constraint.patch_open:
        return version.minor == wanted.minor
    return version.minor == 0 and version.patch == wanted.patch


_CHECKS: Final = {
    b"": _equal,
    b"=": _equal,
    b"!=": _not_equal,
    b">": _greater,
    b"<": _less,
    b">=": _greater_or_equal,
    b"=>": _greater_or_equal,
    b"<=": _less_or_equal,
    b"=<": _less_or_equal,
    b"~": _tilde,
    b"~>": _tilde,
    b"^": _caret,
}
