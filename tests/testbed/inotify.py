"""The kernel's word on which files of some folders were written, and what stood in them then.

inotify(7) through libc: it sees every process, however a file is written, and files that are gone
a moment later.
"""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_CREATE, _MODIFY, _CLOSE_WRITE, _MOVED_TO = 0x100, 0x2, 0x8, 0x80
_MASK = _CREATE | _MODIFY | _CLOSE_WRITE | _MOVED_TO
_HEADER = struct.Struct("iIII")


@dataclass
class Watcher:
    """What was seen so far; ``found`` are the files that held the needle at some moment."""

    needle: bytes
    seen: set[Path] = field(default_factory=set)
    found: set[Path] = field(default_factory=set)
    _folders: dict[int, Path] = field(default_factory=dict)
    _descriptor: int = -1

    def watch(self, folder: Path) -> None:
        """Watch a folder and all below it."""
        libc = ctypes.CDLL(None, use_errno=True)
        for path in (folder, *(one for one in folder.rglob("*") if one.is_dir())):
            number = libc.inotify_add_watch(self._descriptor, os.fsencode(path), _MASK)
            if number >= 0:
                self._folders[number] = path

    def watches(self, folder: Path) -> bool:
        """Whether this folder is among them."""
        return folder in tuple(self._folders.values())

    def take(self, data: bytes) -> None:
        """Read what the kernel says, and the files that it names."""
        while data:
            number, _, _, length = _HEADER.unpack_from(data)
            end = _HEADER.size + length
            name = data[_HEADER.size : end].rstrip(b"\0")
            data = data[end:]
            path = self._folders.get(number, Path()) / os.fsdecode(name)
            if path.is_dir():
                self.watch(path)
                continue
            self.seen.add(path)
            try:
                if self.needle in path.read_bytes():
                    self.found.add(path)
            except OSError:
                continue


@contextmanager
def watching(needle: str, *folders: Path) -> Iterator[Watcher]:
    """Watch folders for files that hold the needle while the block runs."""
    watcher = Watcher(needle.encode())
    watcher._descriptor = ctypes.CDLL(None, use_errno=True).inotify_init1(os.O_CLOEXEC)
    for folder in folders:
        watcher.watch(folder)

    stop_reader, stop_writer = os.pipe()

    def read() -> None:
        import select

        while True:
            ready, _, _ = select.select([watcher._descriptor, stop_reader], [], [])
            if watcher._descriptor in ready:
                watcher.take(os.read(watcher._descriptor, 65536))
            elif stop_reader in ready:
                return

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield watcher
    finally:
        os.write(stop_writer, b"x")
        thread.join()
        for descriptor in (watcher._descriptor, stop_reader, stop_writer):
            os.close(descriptor)
