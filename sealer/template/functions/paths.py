"""sprig's functions on paths with slashes; they look at text only, never at files."""

from __future__ import annotations

from sealer.template.registry import Group

GROUP = Group()


@GROUP.function("base", "func(string) string")
@GROUP.function("osBase", "func(string) string")
def base(path: bytes) -> bytes:
    if not path:
        return b"."
    return path.rstrip(b"/").rpartition(b"/")[2] or b"/"


@GROUP.function("dir", "func(string) string")
@GROUP.function("osDir", "func(string) string")
def directory(path: bytes) -> bytes:
    before, slash, _ = path.rpartition(b"/")
    return clean(before + slash)


@GROUP.function("clean", "func(string) string")
@GROUP.function("osClean", "func(string) string")
def clean(path: bytes) -> bytes:
    rooted = path.startswith(b"/")
    kept: list[bytes] = []
    for part in path.split(b"/"):
        if part in (b"", b"."):
            continue
        if part != b"..":
            kept.append(part)
        elif kept and kept[-1] != b"..":
            kept.pop()
        elif not rooted:
            kept.append(part)
    return (b"/" if rooted else b"") + b"/".join(kept) or b"."


@GROUP.function("ext", "func(string) string")
@GROUP.function("osExt", "func(string) string")
def extension(path: bytes) -> bytes:
    name = path.rpartition(b"/")[2]
    dot = name.rfind(b".")
    return name[dot:] if dot >= 0 else b""


@GROUP.function("isAbs", "func(string) bool")
@GROUP.function("osIsAbs", "func(string) bool")
def is_absolute(path: bytes) -> bool:
    return path.startswith(b"/")
