"""What an attacker tries, and what a browser would give away by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.http.page import Page
from sealer.keys.certificate import Certificate
from sealer.page import Cluster, build
from tests.page.conftest import Origin
from tests.page.using import add, name_it, refused
from tests.sealing_keys import NOW, certificate_pem, pair, rsa_key
from tests.testbed.chromium import Chromium, Tab

OpenPage = Callable[[str], Tab]
HOSTILE = "</script><img src=x onerror=globalThis.owned=1><!--\u2028\"';@@script@@$&"
CANARY = "canary-7f3a9c51e2"


def page_file(folder: Path, *clusters: Cluster, policy: bool = True) -> str:
    """A page of its own; without policy nothing but its own care stops a script."""
    text = build(clusters).decode()
    if not policy:
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
        assert "Content-Security-Policy" not in text
    file = folder / "page.html"
    file.write_text(text, encoding="utf-8")
    return file.as_uri()


@pytest.mark.parametrize("policy", [True, False], ids=["policy", "policy-taken-out"])
def test_nothing_hostile_that_comes_in_runs(
    open_page: OpenPage, tmp_path: Path, policy: bool
) -> None:
    tab = open_page(
        page_file(
            tmp_path,
            Cluster(HOSTILE.replace("\u2028", ""), pair("prod").certificate),
            policy=policy,
        )
    )
    tab.fill("Existing SealedSecret", f"kind: SealedSecret\n{HOSTILE}: [{HOSTILE}")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": HOSTILE}}
    lines = [f"{key}: {json.dumps(value)}" for key, value in secret.items() if key != "metadata"]
    lines += [f"type: {json.dumps(HOSTILE, ensure_ascii=True)}", "metadata:"]
    lines += [f"  name: {json.dumps(HOSTILE)}", "  annotations:"]
    lines += [f"    {json.dumps(HOSTILE[:40])}: {json.dumps(HOSTILE)}", "stringData:"]
    lines += [f"  key: {json.dumps(HOSTILE)}"]
    tab.fill("Existing SealedSecret", "\n".join(lines))
    tab.click("Show", of="key")
    assert HOSTILE in tab.text("#items")
    for name in ("Name", "Namespace", "Key", "Value", "Repository"):
        tab.fill(name, HOSTILE)
    tab.click("Add")
    refused(tab)
    hostile = tmp_path / "<img src=x onerror=globalThis.owned=1>.yaml"
    hostile.write_text("x")
    tab.fill("Key", "")
    tab.fill("Value", "")
    tab.choose_files("file", [hostile])
    tab.click("Add")
    tab.choose_files("open", [hostile])
    assert "is not a key" in tab.text("#message") or tab.text("#existing-status")
    assert tab.evaluate("globalThis.owned") is None
    assert tab.evaluate("document.querySelectorAll('img, script:not([type])').length") == 0
    assert len(tab.requests()) == 1


def test_the_policy_stops_scripts_and_requests(browser: Chromium, from_file: Origin) -> None:
    tab = browser.open(from_file.url)
    for attempt in (
        "document.body.innerHTML = '<b>'",
        "document.body.setAttribute('onclick', 'globalThis.owned = 1')",
        "document.createElement('script').text = 'globalThis.owned = 1'",
        "Function('globalThis.owned = 1')()",
        "trustedTypes.createPolicy('mine', {})",
    ):
        asked = (
            f"(() => {{ try {{ {attempt}; return 'taken'; }} catch (e) {{ return e.name; }} }})()"
        )
        assert tab.evaluate(asked) in ("TypeError", "EvalError"), attempt
    assert tab.evaluate("globalThis.owned") is None
    assert (
        tab.evaluate("fetch('https://example.invalid/').then(() => 'sent', (e) => e.name)")
        == "TypeError"
    )
    assert (
        tab.evaluate(
            "new Promise((done) => { const one = new Image(); one.onerror = () => done('refused');"
            "one.onload = () => done('loaded'); one.src = 'https://example.invalid/'; })"
        )
        == "refused"
    )
    blocked = [one["blockedReason"] for one in tab.heard("Network.loadingFailed")]
    assert set(blocked) == {"csp"}
    tab.close()


def test_in_a_frame_there_is_nothing_to_see(
    browser: Chromium, from_file: Origin, tmp_path: Path
) -> None:
    outer = tmp_path / "outer.html"
    outer.write_text(f'<iframe src="{from_file.url}" width="800" height="600"></iframe>')
    tab = browser.open(outer.as_uri())
    tree = tab.call("Page.getFrameTree")["frameTree"]
    [inner] = [one["frame"]["id"] for one in tree["childFrames"]]
    world = tab.call("Page.createIsolatedWorld", frameId=inner)["executionContextId"]
    answer = tab.call(
        "Runtime.evaluate",
        contextId=world,
        expression="[document.title, document.body.innerText.trim()]",
        returnByValue=True,
    )
    assert answer["result"]["value"] == ["Seal a Secret", ""]
    tab.close()


def test_the_controller_says_what_a_page_cannot_say_of_itself() -> None:
    answer = Page("").answer(pair("prod").certificate)
    headers = dict(answer.headers)
    assert headers["Content-Security-Policy"].endswith("; frame-ancestors 'none'")
    assert "script-src 'sha256-" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.body == build([Cluster("this cluster", pair("prod").certificate)])


def test_the_page_of_the_controller_follows_its_newest_key() -> None:
    page = Page("shop")
    first, again, next_ = (
        page.answer(pair(name).certificate).body for name in ("prod", "prod", "dev")
    )
    assert again is first
    assert isinstance(next_, bytes)
    assert pair("dev").certificate.fingerprint.encode() in next_


def test_without_a_secure_context_it_explains_itself(
    browser: Chromium, from_controller: Origin
) -> None:
    url = from_controller.url.replace("127.0.0.1", "seal.example")
    tab = browser.open("about:blank")
    tab.go(url)
    assert tab.evaluate("isSecureContext") is False
    assert tab.evaluate("document.body.innerText").startswith(
        "This page was opened over plain http"
    )
    tab.close()


def test_without_javascript_it_says_so(browser: Chromium, from_file: Origin) -> None:
    tab = browser.open("about:blank")
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.events.clear()
    tab.call("Page.navigate", url=from_file.url)
    while not tab.heard("Page.loadEventFired"):
        pass
    assert any("needs JavaScript" in name for name in tab.names("StaticText"))
    tab.close()


@pytest.mark.parametrize(
    ("days", "words"),
    [
        pytest.param((-9, -1), "expired on", id="expired"),
        pytest.param((1, 9), "is not valid before", id="early"),
    ],
)
def test_a_certificate_out_of_its_time_seals_nothing(
    open_page: OpenPage, tmp_path: Path, days: tuple[int, int], words: str
) -> None:
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    start, end = (now + timedelta(days=one) for one in days)
    pem = certificate_pem(rsa_key(2048), start=start, end=end)
    tab = open_page(page_file(tmp_path, Cluster("old", Certificate.from_pem(pem))))
    assert words in tab.text("#cluster-warning")
    name_it(tab)
    add(tab, "a", "b")
    assert words in refused(tab)


def test_every_field_asks_the_browser_to_keep_nothing(tab: Tab) -> None:
    for kind in ("Opaque", "kubernetes.io/dockerconfigjson", "kubernetes.io/tls"):
        tab.choose("Type", kind)
        left = tab.evaluate(
            "[...document.querySelectorAll('input, textarea, select')]"
            ".filter((one) => one.autocomplete !== 'off').map((one) => one.id)"
        )
        assert left == []
        spelt = tab.evaluate(
            "[...document.querySelectorAll('input:not([type=file]), textarea')]"
            ".filter((one) => one.spellcheck).map((one) => one.id)"
        )
        assert spelt == []


def test_leaving_the_page_empties_it_and_nothing_is_stored(tab: Tab) -> None:
    name_it(tab)
    add(tab, "a", CANARY)
    tab.fill("Value", CANARY)
    sealed_before = tab.evaluate("history.length")
    tab.evaluate("window.dispatchEvent(new Event('pagehide'))")
    values = "[...document.querySelectorAll('input, textarea')].map((one) => one.value).join('')"
    assert tab.evaluate(values) == ""
    assert CANARY not in tab.evaluate("document.documentElement.outerHTML")
    stored = (
        "JSON.stringify([localStorage.length, sessionStorage.length, location.search,"
        " location.hash])"
    )
    assert json.loads(tab.evaluate(stored)) == [0, 0, "", ""]
    assert tab.evaluate("indexedDB.databases().then((all) => all.length)") == 0
    assert tab.evaluate("history.length") == sealed_before


def test_nothing_typed_is_in_the_browsers_profile(from_file: Origin, tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    with Chromium(profile) as browser:
        tab = Tab(browser, from_file.url)
        name_it(tab, "the-name-itself")
        add(tab, "a", CANARY)
        tab.fill("Value", f"{CANARY}-typed")
        tab.choose("Type", "kubernetes.io/basic-auth")
        tab.fill("Password", f"{CANARY}-password")
        tab.go("about:blank")
        # A history's entry keeps what fields hold: such a file is there, so the search looks at it.
        tab.go(from_file.url)
    held = [file for file in profile.rglob("*") if file.is_file()]
    assert any("Sessions" in str(file) for file in held)
    for needle in (CANARY.encode(), CANARY.encode("utf-16-le")):
        assert [str(file) for file in held if needle in file.read_bytes()] == []


def test_the_search_of_the_profile_finds_what_a_careless_page_leaves(tmp_path: Path) -> None:
    careless = tmp_path / "careless.html"
    careless.write_text("<!doctype html><title>x</title><label>Value<textarea></textarea></label>")
    profile = tmp_path / "profile"
    with Chromium(profile) as browser:
        tab = Tab(browser, careless.as_uri())
        tab.fill("Value", CANARY)
        tab.go("data:text/html,other")
        tab.go("about:blank")
    found = [
        file
        for file in profile.rglob("*")
        if file.is_file()
        and (CANARY.encode() in (held := file.read_bytes()) or CANARY.encode("utf-16-le") in held)
    ]
    assert found


def test_the_page_has_its_budget_and_needs_no_chance(folder: Path) -> None:
    clusters = [Cluster(name, pair(name).certificate) for name in ("prod", "dev")]
    assert build(clusters) == build(clusters) == (folder / "seal.html").read_bytes()
    assert len(build(clusters)) <= 256 * 1024
    assert str(NOW.year).encode() not in build(clusters).split(b"<style>")[1].split(b"</style>")[0]
