"""The only printer. Results go to standard output, words to standard error.

The law: ``seal: error: lower case, no full stop``, then ``seal: hint: what to do``; no word
about a value, ever; results are bytes, whole, or not there. Exit 0 ok, 1 findings or failure,
2 usage, 3 where a command that judges could not look, 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import IO

import click

from sealer.encoding import printable
from sealer.errors import ManyErrors, NoKeyError, SealerError, UsageError

_COLOURS = {"error": "31", "warning": "33", "hint": "36"}


UNCHECKED = 3
"""The exit code of a check that could not look: 1 is for what it found."""


class Failed(SealerError):
    """Something failed and has been told already: exit 1."""


@dataclass
class UI:
    """How this run speaks; commands get it by ``click.pass_obj``."""

    quiet: bool = False
    verbose: bool = False
    breakdown: int = 1
    """The exit code of an error that ends the run; UNCHECKED for a command that judges."""
    _hints: set[str] = field(default_factory=set)

    def fail(self, error: SealerError) -> None:
        """Tell of an error, its parts one by one, each with its hint."""
        if isinstance(error, ManyErrors):
            for one in error.errors:
                self.fail(one)
            return
        _say("error", error.message)
        if isinstance(error, NoKeyError) and self.verbose:
            for name, reason in error.reasons:
                _say("note", f"key {name or 'without a name'}: {reason}")
        # The same cure for twenty items is told once.
        if error.hint and error.hint not in self._hints:
            self._hints.add(error.hint)
            _say("hint", error.hint)

    def warn(self, message: str) -> None:
        """Tell of something that deserves a look; silent with --quiet."""
        if not self.quiet:
            _say("warning", message)

    def note(self, message: str) -> None:
        """Tell what happened; silent with --quiet."""
        if not self.quiet:
            _say("note", message)

    def finish(self, errors: Iterable[SealerError]) -> None:
        """Tell of every error; exit 1 if there was one."""
        failed = False
        for error in errors:
            failed = True
            self.fail(error)
        if failed:
            raise Failed("failed")

    def progress(self, total: int, what: str) -> Progress:
        """Progress for ``total`` steps, shown to people only."""
        return Progress(total, what, enabled=not self.quiet and stderr_is_terminal())


def run(group: click.Group, program: str) -> int:
    """Run the command line and return its exit code; every way it can end is told here."""
    ui = UI()
    # As Ctrl-C does: temporary files are removed on the way out.
    signal.signal(signal.SIGTERM, _interrupt)
    # As nohup asks, a terminal that goes is nothing then.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        try:
            # The code of click's Exit, or nothing.
            code = group.main(prog_name=program, standalone_mode=False, obj=ui)
        finally:
            _flush()
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.UsageError as error:
        return _usage(error, program)
    except (click.Abort, KeyboardInterrupt):
        _say("error", "interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read from us has enough, as in `seal x | head`.
        _discard_stdout()
        return 1
    except Failed:
        return 1
    except SealerError as error:
        ui.fail(error)
        return 2 if isinstance(error, UsageError) else ui.breakdown
    except OSError as error:
        # Library edges wrap theirs; what is left is standard output.
        _discard_stdout()
        _say("error", f"cannot write standard output: {(error.strerror or 'failed').lower()}")
        return 1
    except MemoryError:
        _say("error", "out of memory")
        return 1
    except Exception as error:  # noqa: BLE001 its text and its traceback may hold a value
        _say("error", f"internal error: {type(error).__name__} in {_place_of(error)}")
        _say("hint", "this is a bug of seal: please report it with this line")
        return 1
    return code if isinstance(code, int) else 0


def _place_of(error: BaseException) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "seal"


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _usage(error: click.UsageError, program: str) -> int:
    if type(error).__name__ == "NoArgsIsHelpError" and error.ctx:
        # click's name for a group without a command, which asks for help and is no mistake.
        emit(error.ctx.get_help() + "\n", flush=True)
        return 0
    message = " ".join(error.format_message().split()).rstrip(".")
    _say("error", message[:1].lower() + message[1:])
    command = error.ctx.command_path if error.ctx else program
    _say("hint", _ours(error) or f"see {command} --help")
    return 2


def _ours(error: click.UsageError) -> str:
    """What does here what a flag of kubeseal's does there; empty for any other fault."""
    from sealer.cli._synonyms import KUBESEAL

    option = error.option_name if isinstance(error, click.NoSuchOption) else ""
    if option not in KUBESEAL:
        return ""
    return f"that is kubeseal's; here it is {KUBESEAL[option]} (or seal kubeseal {option})"


def emit(data: str | bytes, *, flush: bool = False) -> None:
    """Write a result to standard output."""
    stream = _stdout()
    stream.write(data.encode() if isinstance(data, str) else data)
    if flush:
        stream.flush()


def emit_lines(lines: Iterable[str]) -> None:
    """Write a line each; no name in one can make another, or speak to a terminal."""
    emit("".join(f"{printable(line)}\n" for line in lines))


def emit_fields(*fields: object) -> None:
    """Write one line, a tab between its fields; no field can make another or a line."""
    emit("\t".join(printable(str(field)) for field in fields) + "\n")


def emit_table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Write rows: for people in columns below ``heads``, for programs a tab between the fields."""
    shown = [tuple(printable(field) for field in row) for row in rows]
    if not stdout_is_terminal() or not shown:
        for row in shown:
            emit("\t".join(row) + "\n")
        return
    table = [heads, *shown]
    widths = [max(len(row[at]) for row in table) for at in range(len(heads))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        emit("  ".join(cells).rstrip() + "\n")


def emit_findings(findings: Iterable[tuple[str, str, str, str]]) -> None:
    """Write level, subject, what was seen, and on a line of its own the cure; levels in colour."""
    for level, subject, says, cure in findings:
        word = printable(level)
        if stdout_is_terminal() and not os.environ.get("NO_COLOR"):
            word = f"\x1b[{_COLOURS.get(level, '32')}m{word}\x1b[0m"
        emit(f"{word}:{' ' * (8 - len(level))}{printable(subject)}: {printable(says)}\n")
        if cure:
            emit(f"{'':9}cure: {printable(cure)}\n")


def emit_all(chunks: Iterable[bytes]) -> None:
    """Write a finished result to standard output piece by piece."""
    stream = _stdout()
    for chunk in chunks:
        stream.write(chunk)


def say_plainly(message: str) -> None:
    """Write to standard error in another program's words: no prefix, no colour."""
    for line in message.splitlines():
        _raw(printable(line) + "\n")


def ask_hidden(what: str, *, twice: bool = False) -> str:
    """Ask a person for a value that is not shown while it is typed; ``twice`` guards slips."""
    answer: str = click.prompt(what, hide_input=True, confirmation_prompt=twice, err=True)
    return answer


def can_ask() -> bool:
    """Whether a person is there to answer: our words are read, and our input is typed."""
    return stdin_is_terminal() and stderr_is_terminal()


def ask_yes(question: str) -> bool:
    """Ask a person; anything but yes is no."""
    answer: bool = click.confirm(question, err=True)
    return answer


def stdout_is_terminal() -> bool:
    """Whether a person reads our results."""
    return sys.stdout is not None and sys.stdout.isatty()


def stdin_is_terminal() -> bool:
    """Whether a person types our input."""
    return sys.stdin is not None and sys.stdin.isatty()


def stderr_is_terminal() -> bool:
    """Whether a person reads our words."""
    return sys.stderr is not None and sys.stderr.isatty()


class Progress:
    """A line on a terminal's standard error for work that takes more than a second."""

    def __init__(
        self,
        total: int,
        what: str,
        *,
        enabled: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.what, self.enabled, self.clock = total, what, enabled, clock
        self.done = 0
        self.started = clock()
        self.shown = 0.0

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        now = self.clock()
        if self.enabled and now - self.started > 1 and now - self.shown > 0.1:
            self.shown = now
            filled = 30 * self.done // self.total
            bar = "#" * filled + "-" * (30 - filled)
            _raw(f"\r{self.what} [{bar}] {self.done}/{self.total}")

    def close(self) -> None:
        """Wipe the line."""
        if self.shown:
            _raw("\r\x1b[K")


def _say(word: str, message: str) -> None:
    for line in message.splitlines():
        text = f"{word}:"
        if word in _COLOURS and _colour():
            text = f"\x1b[{_COLOURS[word]}m{text}\x1b[0m"
        _raw(f"seal: {text} {printable(line)}\n")


def _raw(text: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        # Nobody listens; the exit code still tells.
        return


def _colour() -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return stderr_is_terminal()


def _stdout() -> IO[bytes]:
    if sys.stdout is None:
        raise SealerError("standard output is closed", hint="write to a file with -w")
    return sys.stdout.buffer


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _discard_stdout() -> None:
    """Point standard output nowhere, or Python complains of it once more while it exits."""
    if sys.stdout is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
