"""Go's fmt.Sprint, Sprintln and Sprintf over Go values, with its ``%!v(...)`` complaints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sealer.template import formats
from sealer.template.formats import PLAIN, Flags
from sealer.template.registry import CallError, Environment
from sealer.template.values import MISSING, Map, Object, Sized, Slice, go_type

MAX_DEPTH: Final = 50
"""Values nested deeper, or that hold themselves, are refused; Go overflows its stack."""

_LARGEST: Final = 1_000_000
"""A width or precision beyond it is no number to Go."""


def print_value(value: object, environment: Environment) -> bytes:
    """Print what an action evaluates to."""
    if type(value) is bytes:
        return value
    if value is MISSING:
        return b"<no value>"
    return _Printer(environment).argument(value, "v", PLAIN)


def sprint(arguments: Sequence[object], environment: Environment) -> bytes:
    """Print in a row, with a space between two that are no strings."""
    printer = _Printer(environment)
    made: list[bytes] = []
    after_string = True
    for argument in arguments:
        is_string = isinstance(argument, bytes)
        if not is_string and not after_string:
            made.append(b" ")
        made.append(printer.argument(argument, "v", PLAIN))
        after_string = is_string
    return b"".join(made)


def sprintln(arguments: Sequence[object], environment: Environment) -> bytes:
    """Print in a row, with spaces between and a line end."""
    printer = _Printer(environment)
    return b" ".join(printer.argument(each, "v", PLAIN) for each in arguments) + b"\n"


class _Printer:
    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._erring = False

    def argument(self, value: object, verb: str, flags: Flags) -> bytes:
        """Print one argument; the flags are those of the verb."""
        if value is None or value is MISSING:
            return formats.pad(flags, b"<nil>") if verb in "Tv" else self._bad(value, verb, flags)
        if verb == "T":
            return formats.string(flags, go_type(value).encode(), "s")
        if verb == "p":
            return self._bad(value, verb, flags)
        return self._value(value, verb, flags, 0)

    def _bad(self, value: object, verb: str, flags: Flags) -> bytes:
        if value is None or value is MISSING:
            return b"%%!%s(<nil>)" % verb.encode()
        self._erring = True
        shown = self._value(value, "v", flags, 0)
        self._erring = False
        return b"%%!%s(%s=%s)" % (verb.encode(), go_type(value).encode(), shown)

    def _value(self, value: object, verb: str, flags: Flags, depth: int) -> bytes:
        self._environment.spend(1)
        if depth > MAX_DEPTH:
            raise CallError("the value is nested too deeply to print")
        if isinstance(value, bytes):
            return self._string(value, verb, flags)
        if isinstance(value, Object):
            text = value.text()
            if not self._erring and not flags.sharp_v and verb in "vsxXq" and text is not None:
                return self._string(text, verb, flags)
            if verb == "w" and not self._erring:
                return self._bad(value, verb, flags)
        if isinstance(value, bool):
            shown = b"true" if value else b"false"
            return formats.pad(flags, shown) if verb in "tv" else self._bad(value, verb, flags)
        if isinstance(value, int):
            return self._integer(value, verb, flags)
        if isinstance(value, float):
            if verb not in "vbgGxXfFeE":
                return self._bad(value, verb, flags)
            return formats.real(flags, value, "g" if verb == "v" else verb)
        if value is None:
            return b"interface {}(nil)" if flags.sharp_v else b"<nil>"
        return self._composite(value, verb, flags, depth)

    def _string(self, value: bytes, verb: str, flags: Flags) -> bytes:
        if verb == "v":
            verb = "q" if flags.sharp_v else "s"
        self._environment.allocate(len(value) + (flags.width or 0))
        return (
            formats.string(flags, value, verb) if verb in "sqxX" else self._bad(value, verb, flags)
        )

    def _integer(self, value: int, verb: str, flags: Flags) -> bytes:
        self._environment.allocate((flags.width or 0) + (flags.precision or 0))
        signed = not isinstance(value, Sized) or value.signed
        if verb == "v":
            if flags.sharp_v and not signed:
                return formats.integer(replace(flags, sharp=True), value, "x")
            return formats.integer(flags, value, "d")
        if verb in "dboOxX":
            return formats.integer(flags, value, verb)
        if verb == "c":
            return formats.character(flags, value)
        if verb == "q":
            return formats.quoted_character(flags, value)
        if verb == "U":
            return formats.code_point(flags, value)
        return self._bad(value, verb, flags)

    def _composite(self, value: object, verb: str, flags: Flags, depth: int) -> bytes:
        name = go_type(value).encode() if flags.sharp_v else b""
        comma = b", " if flags.sharp_v else b" "
        if isinstance(value, Map | Slice) and value.is_nil and flags.sharp_v:
            return name + b"(nil)"
        if isinstance(value, Slice):
            if value.elem == "uint8" and verb in "sqxX":
                return self._string(bytes(each for each in value if type(each) is int), verb, flags)
            items = [self._value(each, verb, flags, depth + 1) for each in value]
            shape = (name + b"{", b"}") if flags.sharp_v else (b"[", b"]")
        elif isinstance(value, Map):
            items = [
                self._value(key, verb, flags, depth + 1)
                + b":"
                + self._value(value[key], verb, flags, depth + 1)
                for key in sorted(value)
            ]
            shape = (name + b"{", b"}") if flags.sharp_v else (b"map[", b"]")
        elif isinstance(value, Object):
            items = [
                (f"{field}:".encode() if flags.plus_v or flags.sharp_v else b"")
                + self._value(each, verb, flags, depth + 1)
                for field, each in value.fields()
            ]
            pointer = b"&" if value.kind == "ptr" else b""
            shape = (pointer + name.lstrip(b"*") + b"{", b"}")
        else:
            raise CallError("not a Go value")
        self._environment.allocate(sum(map(len, items)))
        return shape[0] + comma.join(items) + shape[1]


def sprintf(form: bytes, arguments: Sequence[object], environment: Environment) -> bytes:
    """Format as fmt.Sprintf does."""
    return _Formatter(form, arguments, environment).run()


class _Formatter:
    """One run over a format string; names and order follow Go's doPrintf."""

    def __init__(self, form: bytes, arguments: Sequence[object], environment: Environment) -> None:
        self._form = form
        self._arguments = arguments
        self._printer = _Printer(environment)
        self._at = 0
        self._number = 0
        self._reordered = False
        self._good = True
        self._after_index = False
        self._made: list[bytes] = []

    def run(self) -> bytes:
        form = self._form
        while self._at < len(form):
            percent = form.find(b"%", self._at)
            if percent < 0:
                percent = len(form)
            if percent > self._at:
                self._made.append(form[self._at : percent])
            self._at = percent + 1
            if percent < len(form):
                self._good, self._after_index = True, False
                self._directive()
        if not self._reordered and self._number < len(self._arguments):
            self._extra()
        return b"".join(self._made)

    def _directive(self) -> None:
        flags = self._flags()
        self._index()
        flags = self._width(flags)
        flags = self._precision(flags)
        if not self._after_index:
            self._index()
        rest = self._form[self._at :]
        if not rest:
            self._made.append(b"%!(NOVERB)")
            return
        verb = formats.runes(rest[:4])[0]
        self._at += len(formats.unrunes(verb))
        shown = verb if not "\ud800" <= verb <= "\udfff" else "\ufffd"
        if verb == "%":
            self._made.append(b"%")
        elif not self._good:
            self._made.append(f"%!{shown}(BADINDEX)".encode())
        elif self._number >= len(self._arguments):
            self._made.append(f"%!{shown}(MISSING)".encode())
        else:
            value = self._arguments[self._number]
            self._number += 1
            self._made.append(self._printer.argument(value, shown, flags.for_verb(verb)))

    def _flags(self) -> Flags:
        names = {b"#": "sharp", b"0": "zero", b"+": "plus", b"-": "minus", b" ": "space"}
        found: dict[str, bool] = {}
        while (char := self._form[self._at : self._at + 1]) in names and char:
            found[names[char]] = True
            self._at += 1
        return Flags(**found) if found else PLAIN

    def _width(self, flags: Flags) -> Flags:
        if self._form[self._at : self._at + 1] == b"*":
            self._at += 1
            width = self._star()
            if width is None:
                self._made.append(b"%!(BADWIDTH)")
            elif width < 0:
                flags = replace(flags, minus=True, zero=False)
            self._after_index = False
            return flags if width is None else replace(flags, width=abs(width))
        width = self._digits()
        if width is None:
            return flags
        if self._after_index:
            self._good = False
        return replace(flags, width=width)

    def _precision(self, flags: Flags) -> Flags:
        # A point at the very end is taken for the verb.
        if self._form[self._at : self._at + 1] != b"." or self._at + 1 == len(self._form):
            return flags
        self._at += 1
        if self._after_index:
            self._good = False
        self._index()
        if self._form[self._at : self._at + 1] == b"*":
            self._at += 1
            precision = self._star()
            if precision is not None and precision < 0:
                precision = None
            if precision is None:
                self._made.append(b"%!(BADPREC)")
            self._after_index = False
            return replace(flags, precision=precision)
        return replace(flags, precision=self._digits() or 0)

    def _star(self) -> int | None:
        """Take a width or precision from the arguments."""
        if self._number >= len(self._arguments):
            return None
        value = self._arguments[self._number]
        self._number += 1
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST:
            return None
        return int(value)

    def _digits(self) -> int | None:
        start = self._at
        while self._form[self._at : self._at + 1].isdigit():
            self._at += 1
            if int(self._form[start : self._at - 1] or b"0") > _LARGEST:
                self._at = len(self._form)
                return None
        return int(self._form[start : self._at]) if self._at > start else None

    def _index(self) -> None:
        """Read ``[n]``: which argument comes next."""
        self._after_index = False
        if self._form[self._at : self._at + 1] != b"[":
            return
        self._reordered = True
        end = self._form.find(b"]", self._at + 1)
        if end < 0:
            self._good = False
            self._at += 1
            return
        digits = self._form[self._at + 1 : end]
        self._at = end + 1
        number = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        if 1 <= number <= len(self._arguments):
            self._number = number - 1
            self._after_index = True
            return
        self._good = False
        self._after_index = bool(number)

    def _extra(self) -> None:
        shown = []
        for value in self._arguments[self._number :]:
            if value is None or value is MISSING:
                shown.append(b"<nil>")
            else:
                text = self._printer.argument(value, "v", PLAIN)
                shown.append(go_type(value).encode() + b"=" + text)
        self._made.append(b"%!(EXTRA " + b", ".join(shown) + b")")
