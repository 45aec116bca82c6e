"""Debian's Chromium, driven through its own protocol: tabs that are used as a person uses them.

``python -m tests.testbed.chromium`` prints its path, and installs it where that may be done: as
root, with Debian's packages, where ``CI=true``. Controls are found by their role and accessible
name, as a screen reader finds them, and used by mouse and keyboard events.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import websocket

from tests.testbed.binaries import UnavailableError

PACKAGES = ("chromium", "fonts-noto-cjk")
_SECONDS = 60.0
_LISTENING = re.compile(r"DevTools listening on (ws://\S+)")


class PageError(AssertionError):
    """What the page itself got wrong: an exception, or a control that is not there."""


def program() -> str:
    """The path of Chromium, installed first where that may be done; UnavailableError else."""
    # Where there is no Debian, its sibling speaks the same protocol.
    if found := shutil.which("chromium") or shutil.which("google-chrome"):
        return found
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0 or os.environ.get("CI") != "true":
        advice = f"apt-get install {' '.join(PACKAGES)}"
        raise UnavailableError(f"there is no chromium: {advice}")
    quiet: dict[str, Any] = {"check": True, "stdout": sys.stderr}
    subprocess.run([apt, "update", "-q"], **quiet)
    install = [apt, "install", "-q", "-y", "--no-install-recommends", *PACKAGES]
    subprocess.run(install, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, **quiet)
    return program()


class Chromium:
    """One running browser; to be used by ``with``."""

    def __init__(self, profile: Path, *flags: str) -> None:
        self.profile = profile
        self.events: list[dict[str, Any]] = []
        self._number = 0
        # Root has no user namespaces to be put into; tests open nothing but pages of ours.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            [
                *(program(), "--headless=new", "--remote-debugging-port=0", "--no-first-run"),
                *("--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", *sandbox),
                *(f"--user-data-dir={profile}", "--lang=en-US", *flags, "about:blank"),
            ],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self._socket = websocket.create_connection(
            self._address(), suppress_origin=True, timeout=_SECONDS
        )

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        self.call("Browser.close")
        self._process.wait(_SECONDS)
        self._socket.close()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def _address(self) -> str:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if found := _LISTENING.search(line):
                return found[1]
        raise UnavailableError("chromium does not start")

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Send a command and return its result; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._socket.send(json.dumps(message))
        while True:
            answer: dict[str, Any] = json.loads(self._socket.recv())
            if answer.get("id") != self._number:
                self.events.append(answer)
                continue
            if "error" in answer:
                raise PageError(f"{method}: {answer['error'].get('message')}")
            result: dict[str, Any] = answer["result"]
            return result

    def open(self, url: str, **metrics: Any) -> Tab:
        """A new tab in a context of its own, which keeps nothing on the disk."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        return Tab(self, url, context, metrics)


class Tab:
    """One page, its console and its network watched from the beginning."""

    def __init__(
        self, browser: Chromium, url: str, context: str = "", metrics: dict[str, Any] | None = None
    ) -> None:
        self.browser, self.context = browser, context
        where = {"browserContextId": context} if context else {}
        self.target = browser.call("Target.createTarget", url="about:blank", **where)["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")
        if metrics:
            self.show(**metrics)
        self.go(url)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A command to this tab."""
        return self.browser.call(method, self._session, **params)

    def show(self, *, width: int = 900, height: int = 1400, scheme: str = "light") -> None:
        """Another size of the window, and light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def go(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        done = "document.readyState === 'complete' && location.href !== 'about:blank'"
        self.wait(f"{json.dumps(url)} === 'about:blank' || ({done})")

    def wait(self, condition: str) -> None:
        """Wait until a JavaScript expression is true; it is asked again by the page's own timer."""
        script = (
            "new Promise((done, fail) => { const end = Date.now() + 30000;"
            f"const ask = () => {{ if ({condition}) done(true);"
            "else if (Date.now() > end) fail(new Error('it did not come true'));"
            "else setTimeout(ask, 5); }; ask(); })"
        )
        for attempt in range(20):
            try:
                self.evaluate(script)
                return
            except PageError as error:
                # A navigation takes the page away under the question.
                if attempt == 19 or not re.search("context|navigat|Promise was coll", str(error)):
                    raise

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, a promise's too; PageError where it throws."""
        answer = self.call(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            allowUnsafeEvalBlockedByCSP=False,
            returnByValue=True,
            userGesture=True,
        )
        return _value(answer)

    def node(self, role: str, name: str) -> int:
        """The one control of this role and accessible name that can be seen."""
        root = self.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        found = self.call("Accessibility.queryAXTree", nodeId=root, role=role, accessibleName=name)
        nodes = [one["backendDOMNodeId"] for one in found["nodes"] if not one.get("ignored")]
        if len(nodes) != 1:
            raise PageError(f"there are {len(nodes)} of role {role} named {name!r}")
        return int(nodes[0])

    def names(self, role: str) -> list[str]:
        """The accessible names of all controls of a role, in their order."""
        root = self.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        found = self.call("Accessibility.queryAXTree", nodeId=root, role=role)["nodes"]
        return [one["name"]["value"] for one in found if not one.get("ignored")]

    def on(self, node: int, function: str, *arguments: Any) -> Any:
        """Call a JavaScript function with a control as ``this``."""
        found = self.call("DOM.resolveNode", backendNodeId=node)["object"]["objectId"]
        answer = self.call(
            "Runtime.callFunctionOn",
            objectId=found,
            functionDeclaration=function,
            arguments=[{"value": one} for one in arguments],
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        return _value(answer)

    def fill(self, name: str, text: str, role: str = "textbox") -> None:
        """Put text into a field in the place of what is there, as pasting does."""
        node = self.node(role, name)
        self.call("DOM.focus", backendNodeId=node)
        self.on(node, "function () { this.select(); }")
        if text:
            self.call("Input.insertText", text=text)
        else:
            self.press("Delete")
        self.settle()

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        codes = {"Enter": 13, "Escape": 27, "Delete": 46, "Tab": 9}
        code = {"windowsVirtualKeyCode": codes[key], "key": key, "code": key}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def value(self, name: str, role: str = "textbox") -> str:
        """What a field holds."""
        return str(self.on(self.node(role, name), "function () { return this.value; }"))

    def choose(self, name: str, value: str) -> None:
        """Choose an option of a list by its text or value."""
        script = (
            "function (wanted) { const found = [...this.options].find("
            "(one) => one.value === wanted || one.textContent === wanted);"
            "if (!found) throw new Error('no such option');"
            "this.value = found.value;"
            "this.dispatchEvent(new Event('input', { bubbles: true }));"
            "this.dispatchEvent(new Event('change', { bubbles: true })); }"
        )
        self.on(self.node("combobox", name), script, value)

    def click(self, name: str, role: str = "button", of: str = "") -> None:
        """Click with the mouse; ``of`` is the key whose row the button is in."""
        node = self._in_row(name, of) if of else self.node(role, name)
        self.call("DOM.scrollIntoViewIfNeeded", backendNodeId=node)
        quad = self.call("DOM.getBoxModel", backendNodeId=node)["model"]["content"]
        place = {"x": (quad[0] + quad[4]) / 2, "y": (quad[1] + quad[5]) / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, **place, button="left", clickCount=1)
        self.settle()

    def _in_row(self, name: str, key: str) -> int:
        script = (
            "[...document.querySelectorAll('#items tr')].find((row) => row.cells[0] && "
            f"row.cells[0].textContent === {json.dumps(key)})"
        )
        expression = f"[...{script}.querySelectorAll('button')].find((one) => one.textContent === "
        answer = self.call("Runtime.evaluate", expression=f"{expression}{json.dumps(name)})")
        found = answer["result"].get("objectId")
        if found is None:
            raise PageError(f"there is no {name} in the row of {key}")
        return int(self.call("DOM.describeNode", objectId=found)["node"]["backendNodeId"])

    def choose_files(self, name: str, paths: Sequence[Path]) -> None:
        """Choose files in a file field."""
        node = self.call("Runtime.evaluate", expression=f"document.getElementById({name!r})")
        self.call(
            "DOM.setFileInputFiles",
            files=[str(path) for path in paths],
            objectId=node["result"]["objectId"],
        )
        self.settle()

    def drop(self, selector: str, paths: Sequence[Path]) -> None:
        """Drag files from outside over an element and let go."""
        self._drop(selector, items=[], files=[str(path) for path in paths])

    def drop_link(self, selector: str, address: str) -> None:
        """Drag a link from outside over an element and let go."""
        kinds = ("text/uri-list", "text/plain")
        self._drop(selector, items=[{"mimeType": one, "data": address} for one in kinds], files=[])

    def _drop(self, selector: str, **dragged: Any) -> None:
        script = (
            f"(() => {{ const one = document.querySelector({json.dumps(selector)});"
            "one.scrollIntoView(); const box = one.getBoundingClientRect();"
            "return [box.x + 9, box.y + 9]; })()"
        )
        x, y = self.evaluate(script)
        data = {**dragged, "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)
        self.settle()

    def settle(self) -> None:
        """Wait until what was asked for is done."""
        script = (
            "new Promise((done) => { const ask = () => document.querySelector('[aria-busy=true]')"
            "? setTimeout(ask, 5) : setTimeout(done, 0); setTimeout(ask, 0); })"
        )
        self.evaluate(script)

    def text(self, selector: str) -> str:
        """The text of an element, as it stands in the tree."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent"))

    def picture(self, path: Path) -> None:
        """The whole page as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        answer = self.call(
            "Page.captureScreenshot",
            captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1},
        )
        path.write_bytes(base64.b64decode(answer["data"]))

    def heard(self, *methods: str) -> list[dict[str, Any]]:
        """The events of these names that came to this tab."""
        self.evaluate("1")
        own = [one for one in self.browser.events if one.get("sessionId") == self._session]
        return [one["params"] for one in own if one["method"] in methods]

    def requests(self) -> list[str]:
        """Every address that was asked for."""
        return [one["request"]["url"] for one in self.heard("Network.requestWillBeSent")]

    def complaints(self) -> list[dict[str, Any]]:
        """Whatever the console has to show."""
        return self.heard("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")

    def download_to(self, folder: Path) -> None:
        """Where downloads go, and the events that tell of them."""
        self.browser.call(
            "Browser.setDownloadBehavior",
            behavior="allow",
            downloadPath=str(folder),
            eventsEnabled=True,
            browserContextId=self.context,
        )

    def downloaded(self) -> str:
        """How the last download ended."""
        while True:
            states = [
                one["params"]["state"]
                for one in self.browser.events
                if one["method"] == "Browser.downloadProgress"
            ]
            if states and states[-1] != "inProgress":
                return str(states[-1])
            self.evaluate("new Promise((done) => setTimeout(done, 5))")

    def close(self) -> None:
        """Close it, with its context."""
        self.browser.call("Target.closeTarget", targetId=self.target)
        if self.context:
            self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)


def _value(answer: dict[str, Any]) -> Any:
    if details := answer.get("exceptionDetails"):
        found = details.get("exception", {}).get("description") or details.get("text")
        raise PageError(str(found))
    return answer["result"].get("value")


if __name__ == "__main__":
    print(program())
