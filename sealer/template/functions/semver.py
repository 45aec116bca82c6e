"""sprig's functions on semantic versions, and the methods of a version."""

from __future__ import annotations

from sealer.template import semver
from sealer.template.registry import Environment, Group
from sealer.template.semver import Version, checked
from sealer.template.values import Slice, Uint64

GROUP = Group()
METHODS = Group()
_LARGEST = (1 << 64) - 1


class VersionValue(Version):
    """A version that is no pointer: what IncMajor and its like return."""

    __slots__ = ()
    go_type = "semver.Version"
    kind = "struct"


@GROUP.function("semver", "func(string) (*semver.Version, error)")
def parse(text: bytes) -> Version:
    return Version.parse(text)


@GROUP.function(
    "semverCompare", "func(string, string) (bool, error)", takes_environment=True, cost=20
)
def compare(environment: Environment, constraint: bytes, text: bytes) -> bool:
    environment.spend(4 * len(constraint))
    # The constraint's error is Go's first.
    semver.satisfies(constraint, Version())
    return semver.satisfies(constraint, Version.parse(text))


@METHODS.function("Original", "func() string")
def original(version: Version) -> bytes:
    return version.original


@METHODS.function("String", "func() string")
def string(version: Version) -> bytes:
    return version.text()


@METHODS.function("Major", "func() uint64")
def major(version: Version) -> Uint64:
    return Uint64(version.major)


@METHODS.function("Minor", "func() uint64")
def minor(version: Version) -> Uint64:
    return Uint64(version.minor)


@METHODS.function("Patch", "func() uint64")
def patch(version: Version) -> Uint64:
    return Uint64(version.patch)


@METHODS.function("Prerelease", "func() string")
def prerelease(version: Version) -> bytes:
    return version.prerelease


@METHODS.function("Metadata", "func() string")
def metadata(version: Version) -> bytes:
    return version.metadata


def _value(version: Version) -> VersionValue:
    return VersionValue(
        version.major,
        version.minor,
        version.patch,
        version.prerelease,
        version.metadata,
        version.original,
    )


@METHODS.function("IncPatch", "func() semver.Version")
def increase_patch(version: Version) -> Version:
    if version.prerelease:
        return _value(version.changed())
    return _value(version.changed(patch=(version.patch + 1) & _LARGEST))


@METHODS.function("IncMinor", "func() semver.Version")
def increase_minor(version: Version) -> Version:
    return _value(version.changed(minor=(version.minor + 1) & _LARGEST, patch=0))


@METHODS.function("IncMajor", "func() semver.Version")
def increase_major(version: Version) -> Version:
    return _value(version.changed(major=(version.major + 1) & _LARGEST, minor=0, patch=0))


@METHODS.function("SetPrerelease", "func(string) (semver.Version, error)")
def set_prerelease(version: Version, text: bytes) -> Version:
    return _value(version.changed(prerelease=checked(text), metadata=version.metadata))


@METHODS.function("SetMetadata", "func(string) (semver.Version, error)")
def set_metadata(version: Version, text: bytes) -> Version:
    # Metadata are identifiers as pre-releases are, but zeros may lead.
    for part in text.split(b".") if text else []:
        checked(b"a" + part if part else b".")
    return _value(version.changed(prerelease=version.prerelease, metadata=text))


@METHODS.function("Compare", "func(*semver.Version) int")
def compare_with(version: Version, other: Version) -> int:
    return version.compare(other)


@METHODS.function("Equal", "func(*semver.Version) bool")
def equal(version: Version, other: Version | None) -> bool:
    return other is not None and version.compare(other) == 0


@METHODS.function("LessThan", "func(*semver.Version) bool")
def less_than(version: Version, other: Version) -> bool:
    return version.compare(other) < 0


@METHODS.function("LessThanEqual", "func(*semver.Version) bool")
def less_than_or_equal(version: Version, other: Version) -> bool:
    return version.compare(other) <= 0


@METHODS.function("GreaterThan", "func(*semver.Version) bool")
def greater_than(version: Version, other: Version) -> bool:
    return version.compare(other) > 0


@METHODS.function("GreaterThanEqual", "func(*semver.Version) bool")
def greater_than_or_equal(version: Version, other: Version) -> bool:
    return version.compare(other) >= 0


@METHODS.function("MarshalText", "func() ([]uint8, error)")
def marshal_text(version: Version) -> Slice:
    return Slice(version.text(), elem="uint8")


_BY_VALUE = frozenset(
    {
        "String",
        "Major",
        "Minor",
        "Patch",
        "Prerelease",
        "Metadata",
        "IncPatch",
        "IncMinor",
        "IncMajor",
        "SetPrerelease",
        "SetMetadata",
        "MarshalText",
    }
)
Version.methods = METHODS
VersionValue.methods = {name: method for name, method in METHODS.items() if name in _BY_VALUE}
