"""Jobs in real worker processes: what they may do, what they take, and what is left of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from controller.keyvault.target.reading import Reading
from controller.keyvault.target.readings import convert, results_of
from controller.keyvault.target.values import BadValueError
from controller.work.frames import AnswerError, frame
from controller.work.rendering import made_of
from controller.work.workers import BoundError, Workers
from sealer.errors import ManyErrors
from sealer.templating import make
from tests.testbed.pfx import costly_pfx, in_base64

CANARY = b"canary-5d1e"
HOG = '{{ range until 50000 }}{{ $x := contains "' + "x" * 60 + 'y" $.a }}{{ end }}'


def run(body: Callable[[Workers], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        workers = Workers(**options)
        try:
            await body(workers)
        finally:
            await workers.close()

    asyncio.run(main())


def endless() -> list[Reading]:
    """What takes longer than any job may."""
    return [
        Reading("tls", "Full", in_base64(costly_pfx(1_000_000, salt=b"%08d" % number)))
        for number in range(60)
    ]


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody waited for yet has, too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_worker_renders_as_this_process_does_without_files() -> None:
    templates = {
        "plain": "{{ .a | upper }}",
        "nothing": None,
        "zone": '{{ dateInZone "2006-01-02 15:04 MST" (toDate "2006" "2024") "Asia/Tokyo" }}',
        "no-zone": '{{ dateInZone "2006 MST" (toDate "2006" "2024") "Nowhere/At" }}',
        "regex": '{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }}',
        "json": '{{ toPrettyJson (dict "a" 1.5 "b" .a) }}',
        "crypt": '{{ decryptAES "k" (encryptAES "k" .a) }}',
        "long": '{{ derivePassword 1 "long" "password" "user" "example.com" }}',
        "hash": "{{ adler32sum .a }}{{ sha512sum .a }}{{ bcrypt .a | len }}",
        "users": '{{ htpasswd "u" .a | len }}',
        "ca": '{{ $c := genSignedCert "b" nil (list "b") 1 (genCA "a" 1) }}{{ $c.Cert | trunc 9 }}',
        "keys": '{{ range list "rsa" "ecdsa" "ed25519" }}{{ genPrivateKey . | trunc 9 }}{{ end }}',
        "dsa": '{{ genPrivateKey "dsa" | trunc 9 }}',
        "version": '{{ semver "1.2.3" | toString }}{{ uuidv4 | len }}{{ urlParse "http://a/b" }}',
    }
    values = {"a": b"\xffvalue", "b": b""}

    async def body(workers: Workers) -> None:
        made = await workers.render("shop", templates, values)
        assert made == make(templates, values)

    run(body)


def test_nothing_is_started_without_templates() -> None:
    async def body(workers: Workers) -> None:
        assert (await workers.render("shop", {"a": None}, {"a": b"1"})).data == {}
        assert workers.processes == ()

    run(body)


def test_errors_name_places_and_no_value() -> None:
    async def body(workers: Workers) -> None:
        templates = {"fail": "{{ fail .a }}", "syntax": "{{", "missing": "{{ .b }}"}
        with pytest.raises(ManyErrors) as caught:
            await workers.render("shop", templates, {"a": CANARY}, strict=True)
        assert {getattr(one, "key", None) for one in caught.value.errors} == templates.keys()
        assert CANARY.decode() not in str(caught.value)

    run(body)


def test_a_worker_that_fails_tells_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    job = frame(["render", {"x": 5}, {"a": CANARY.decode()}, True])

    async def body(workers: Workers) -> None:
        for broken in (job, job[:-9], b"", b'["' + CANARY + b'"]'):
            with pytest.raises(BoundError) as caught:
                await workers.do("shop", broken, cpu_seconds=2)
            assert CANARY.decode() not in str(caught.value)
            assert caught.value.__cause__ is None
        assert len(workers.processes) == 1

    run(body)
    assert capfd.readouterr() == ("", "")


def test_many_hogs_of_one_object_share_one_budget() -> None:
    async def body(workers: Workers) -> None:
        started = time.monotonic()
        templates = {f"x{number}": HOG for number in range(24)}
        with pytest.raises(ManyErrors, match="takes longer than 1 s"):
            await workers.render("shop", templates, {"a": b"x" * 200_000})
        assert time.monotonic() - started < 20

    run(body)


def test_too_many_templates_are_refused() -> None:
    with pytest.raises(ManyErrors, match="has 257 templates, and 256 is the most"):
        make({f"x{number}": "" for number in range(257)}, {})


def test_a_hog_costs_its_own_namespace_only() -> None:
    async def body(workers: Workers) -> None:
        templates = {f"x{number}": HOG for number in range(6)}
        hogs = [
            asyncio.create_task(workers.render("bad", templates, {"a": b"x" * 200_000}))
            for _ in range(8)
        ]
        await asyncio.sleep(0)
        assert (await workers.render("good", {"x": "{{ .a }}"}, {"a": b"1"})).data == {"x": b"1"}
        assert sum(one.done() for one in hogs) <= 2
        for one in hogs:
            one.cancel()
        await asyncio.gather(*hogs, return_exceptions=True)

    run(body)


def test_many_hostile_namespaces_leave_a_worker_to_a_third() -> None:
    """None of their jobs is done when the honest one is: each had its quick try at the most."""

    async def body(workers: Workers) -> None:
        hogs = [
            asyncio.create_task(convert(workers, f"bad-{number}", endless()))
            for number in range(3)
            for _ in range(2)
        ]
        await asyncio.sleep(0)
        assert (await workers.render("good", {"x": "{{ .a }}"}, {"a": b"1"})).data == {"x": b"1"}
        assert not any(one.done() for one in hogs)
        for one in hogs:
            one.cancel()
        await asyncio.gather(*hogs, return_exceptions=True)

    run(body)


def test_a_lane_that_is_quick_again_is_no_longer_slow() -> None:
    async def body(workers: Workers) -> None:
        await convert(workers, "shop", endless())
        assert list(workers._slow_lanes) == ["shop"]
        await workers.render("shop", {"x": "{{ .a }}"}, {"a": b"1"})
        assert not workers._slow_lanes

    run(body)


def test_memory_is_bounded() -> None:
    nested = b"[" * 40_000_000

    async def body(workers: Workers) -> None:
        with pytest.raises(BoundError):
            await workers.do("shop", b'["render",' + nested + b"]", cpu_seconds=5)
        big = frame(["read", [["expand", "JSON", "A" * 4, "None"]] * 3_000_000])
        with pytest.raises(BoundError, match="memory"):
            await workers.do("shop", big, cpu_seconds=9)

    run(body)


def test_what_does_not_end_is_ended() -> None:
    readings = endless()

    async def body(workers: Workers) -> None:
        read = await convert(workers, "shop", readings)
        with pytest.raises(BadValueError, match="more time than one object may"):
            read(readings[0])
        assert (await workers.render("shop", {"x": "{{ .a }}"}, {"a": b"1"})).data == {"x": b"1"}

    run(body)


def test_a_worker_that_stands_still_is_killed_at_the_deadline() -> None:
    async def body(workers: Workers) -> None:
        await workers.render("shop", {"x": ""}, {})
        (pid,) = workers.processes
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(ManyErrors, match="more time"):
            await workers.render("shop", {"x": ""}, {})
        while not gone(pid):  # noqa: ASYNC110 the end of a process
            await asyncio.sleep(0.01)

    run(body, deadline=5.0)


def test_idle_workers_end_and_a_dead_one_is_replaced() -> None:
    async def body(workers: Workers) -> None:
        await workers.render("shop", {"x": ""}, {})
        (pid,) = workers.processes
        os.kill(pid, signal.SIGKILL)
        while workers.is_any_alive:  # noqa: ASYNC110 the end of a process
            await asyncio.sleep(0.01)
        assert (await workers.render("shop", {"x": "1"}, {})).data == {"x": b"1"}
        while workers.processes:  # noqa: ASYNC110 the end of a process
            await asyncio.sleep(0.01)

    run(body, idle_seconds=0.2)


def test_a_job_has_no_file_no_network_and_no_program() -> None:
    script = """
import json, os, socket, subprocess
from controller.work import worker
from sealer.confined.confinement import Confinement, Limits
confinement = Confinement(None, (), Limits())
def tried(action):
    try:
        action()
    except OSError as error:
        return error.errno
    return 0
actions = {
    "read": lambda: open("/etc/passwd"),
    "proc": lambda: open("/proc/self/environ"),
    "socket": lambda: socket.socket(),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "list": lambda: os.listdir("/tmp"),
    "start": lambda: os.execv("/bin/true", ["true"]),
    "signal": lambda: os.kill(os.getppid(), 0),
}
by_landlock = ("start", "signal")
shut = confinement.files_are_shut
if shut:
    confinement.shut()
worker._bound(5)
tries = {name: one for name, one in actions.items() if shut or name not in by_landlock}
print(json.dumps({name: tried(one) for name, one in tries.items()}))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    results = json.loads(done.stdout)
    assert results
    assert 0 not in results.values()


def test_values_pass_through_pipes_only() -> None:
    async def body(workers: Workers) -> None:
        os.environ["CANARY_OF_THE_PARENT"] = CANARY.decode()
        try:
            await workers.render("shop", {"x": "{{ .a }}"}, {"a": CANARY})
        finally:
            del os.environ["CANARY_OF_THE_PARENT"]
        (pid,) = workers.processes
        place = Path(f"/proc/{pid}")
        assert CANARY not in (place / "cmdline").read_bytes()
        if os.geteuid() == 0:  # not dumpable: no other can look
            assert CANARY not in (place / "environ").read_bytes()

    run(body)


TEMPLATES = {"x": "{{ .a }}", "gone": None}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b"[{},[],[]]",
        b'[{"x":"MQ==","y":"MQ=="},[],[]]',
        b'[{"x":5},[],[]]',
        b'[{"x":"not base64"},[],[]]',
        b'[{"x":"MQ=="},["y"],[]]',
        b'[{"x":"MQ=="},[[]],[]]',
        b'[{},[],[["words","y"]]]',
        b'[{},[],[[5,"x"]]]',
        b'[{},[],[["words"]]]',
        b'[{},[],"x"]',
        b'\xff"',
    ],
)
def test_an_answer_that_is_none_is_refused(answer: bytes) -> None:
    with pytest.raises(AnswerError):
        made_of(answer, TEMPLATES, partial=False)


@pytest.mark.parametrize("answer", [b"[]", b"[5]", b'[["a"]]', b'[["a",5]]', b'[{"":"%"}]', b"{}"])
def test_readings_that_are_none_are_refused(answer: bytes) -> None:
    with pytest.raises(AnswerError):
        results_of(answer, [Reading("tls", "Full", b"")])
