"""sprig's functions on strings: cutting, padding, searching, quoting."""

from __future__ import annotations

from sealer.template import runes
from sealer.template.casts import parse_int
from sealer.template.formats import quoted
from sealer.template.printf import sprint
from sealer.template.registry import CallError, Environment, Group
from sealer.template.strval import strval
from sealer.template.values import Map, Slice

GROUP = Group()


@GROUP.function("hello", "func() string")
def hello() -> bytes:
    return b"Hello!"


@GROUP.function("trim", "func(string) string")
def trim(text: bytes) -> bytes:
    return runes.trimmed(text)


@GROUP.function("upper", "func(string) string", takes_environment=True)
def upper(environment: Environment, text: bytes) -> bytes:
    if text.isascii():
        return text.upper()
    environment.spend(len(text) // 4)
    return runes.mapped(text, runes.upper)


@GROUP.function("lower", "func(string) string", takes_environment=True)
def lower(environment: Environment, text: bytes) -> bytes:
    if text.isascii():
        return text.lower()
    environment.spend(len(text) // 4)
    return runes.mapped(text, runes.lower)


@GROUP.function("trunc", "func(int, string) string")
def trunc(length: int, text: bytes) -> bytes:
    if length < 0 and len(text) + length > 0:
        return text[length:]
    return text[:length] if 0 <= length < len(text) else text


@GROUP.function("substr", "func(int, int, string) string")
def substr(start: int, end: int, text: bytes) -> bytes:
    if start < 0:
        return _cut(text, 0, end)
    if end < 0 or end > len(text):
        return _cut(text, start, len(text))
    return _cut(text, start, end)


def _cut(text: bytes, start: int, end: int) -> bytes:
    if not 0 <= start <= end <= len(text):
        raise CallError("slice bounds out of range")
    return text[start:end]


@GROUP.function("repeat", "func(int, string) string", takes_environment=True)
def repeat(environment: Environment, count: int, text: bytes) -> bytes:
    if count < 0:
        raise CallError("negative count")
    environment.allocate(len(text) * count)
    return text * count


@GROUP.function("trimall", "func(string, string) string", takes_environment=True)
@GROUP.function("trimAll", "func(string, string) string", takes_environment=True)
def trim_all(environment: Environment, cutset: bytes, text: bytes) -> bytes:
    if cutset.isascii():
        return text.strip(cutset) if cutset else text
    environment.spend((len(cutset) + len(text)) // 4)
    cut = frozenset(runes.decode(cutset))
    # Beside their characters the bytes are needed, as what is not UTF-8 must stay as it is.
    chars = text.decode("utf-8", "surrogateescape")
    flags = [("\ufffd" if "\udc80" <= char <= "\udcff" else char) in cut for char in chars]
    start = next((i for i, flag in enumerate(flags) if not flag), len(chars))
    end = next((len(chars) - i for i, flag in enumerate(reversed(flags)) if not flag), start)
    return chars[start:end].encode("utf-8", "surrogateescape")


@GROUP.function("trimSuffix", "func(string, string) string")
def trim_suffix(suffix: bytes, text: bytes) -> bytes:
    return text.removesuffix(suffix)


@GROUP.function("trimPrefix", "func(string, string) string")
def trim_prefix(prefix: bytes, text: bytes) -> bytes:
    return text.removeprefix(prefix)


@GROUP.function("contains", "func(string, string) bool")
def contains(part: bytes, text: bytes) -> bool:
    return part in text


@GROUP.function("hasPrefix", "func(string, string) bool")
def has_prefix(prefix: bytes, text: bytes) -> bool:
    return text.startswith(prefix)


@GROUP.function("hasSuffix", "func(string, string) bool")
def has_suffix(suffix: bytes, text: bytes) -> bool:
    return text.endswith(suffix)


@GROUP.function("quote", "func(...interface {}) string", takes_environment=True)
def quote(environment: Environment, *items: object) -> bytes:
    return b" ".join(quoted(strval(environment, each)) for each in items if each is not None)


@GROUP.function("squote", "func(...interface {}) string", takes_environment=True)
def squote(environment: Environment, *items: object) -> bytes:
    shown = (sprint([each], environment) for each in items if each is not None)
    return b" ".join(b"'%s'" % each for each in shown)


@GROUP.function("cat", "func(...interface {}) string", takes_environment=True)
def cat(environment: Environment, *items: object) -> bytes:
    return b" ".join(sprint([each], environment) for each in items if each is not None)


@GROUP.function("indent", "func(int, string) string", takes_environment=True)
def indent(environment: Environment, spaces: int, text: bytes) -> bytes:
    if spaces < 0:
        raise CallError("negative count")
    environment.allocate(spaces * (text.count(b"\n") + 1))
    pad = b" " * spaces
    return pad + text.replace(b"\n", b"\n" + pad)


@GROUP.function("nindent", "func(int, string) string", takes_environment=True)
def nindent(environment: Environment, spaces: int, text: bytes) -> bytes:
    return b"\n" + indent(environment, spaces, text)


@GROUP.function("replace", "func(string, string, string) string", takes_environment=True)
def replace(environment: Environment, old: bytes, new: bytes, text: bytes) -> bytes:
    environment.allocate(len(new) * (text.count(old) if old else len(text) + 1))
    if old:
        return text.replace(old, new)
    # Between characters, where Python would cut them into bytes.
    chars = text.decode("utf-8", "surrogateescape")
    pieces = (char.encode("utf-8", "surrogateescape") for char in chars)
    return b"".join([new, *(piece + new for piece in pieces)])


@GROUP.function("plural", "func(string, string, int) string")
def plural(one: bytes, many: bytes, count: int) -> bytes:
    return one if count == 1 else many


@GROUP.function("toString", "func(interface {}) string", takes_environment=True)
def to_string(environment: Environment, value: object) -> bytes:
    return strval(environment, value)


@GROUP.function("atoi", "func(string) int")
def atoi(text: bytes) -> int:
    return parse_int(text)[0]


@GROUP.function("splitList", "func(string, string) []string", takes_environment=True)
def split_list(environment: Environment, separator: bytes, text: bytes) -> Slice:
    return Slice(_parts(environment, separator, text, -1), elem="string")


@GROUP.function("split", "func(string, string) map[string]string", takes_environment=True)
def split(environment: Environment, separator: bytes, text: bytes) -> Map:
    return _numbered(_parts(environment, separator, text, -1))


@GROUP.function("splitn", "func(string, int, string) map[string]string", takes_environment=True)
def splitn(environment: Environment, separator: bytes, count: int, text: bytes) -> Map:
    return _numbered(_parts(environment, separator, text, count))


def _parts(environment: Environment, separator: bytes, text: bytes, count: int) -> list[bytes]:
    """Split as strings.SplitN: an empty separator parts all characters."""
    if count == 0:
        return []
    pieces = text.count(separator) + 1 if separator else len(text)
    # Each piece is an object of some 80 bytes beside its text.
    environment.allocate(len(text) + 80 * (pieces if count < 0 else min(pieces, count)))
    if separator:
        return text.split(separator, count - 1 if count > 0 else -1)
    chars = text.decode("utf-8", "surrogateescape")
    if 0 < count < len(chars):
        chars, rest = chars[: count - 1], [chars[count - 1 :]]
    else:
        rest = []
    return [part.encode("utf-8", "surrogateescape") for part in [*chars, *rest]]


def _numbered(parts: list[bytes]) -> Map:
    return Map({b"_%d" % index: part for index, part in enumerate(parts)}, elem="string")
