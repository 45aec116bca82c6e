"""Modules are joined in the order of their imports, and only those that joining cannot change."""

from __future__ import annotations

import pytest

from sealer.page.modules import ModuleError, join

A = "// a\nexport const one = 1;\n"
ENTRY = 'import { one } from "./a.js";\n\nconsole.log(one);\n'


def test_a_module_stands_before_those_that_import_it() -> None:
    b = 'import { one } from "./a.js";\nexport async function two() {\n  return one;\n}\n'
    entry = 'import {\n  two,\n} from "./b.js";\nimport { one } from "./a.js";\ntwo(one);\n'
    assert join({"entry.js": entry, "b.js": b, "a.js": A}, "entry.js") == (
        "// ---- a.js ----\n// a\nconst one = 1;\n\n"
        "// ---- b.js ----\nasync function two() {\n  return one;\n}\n\n"
        "// ---- entry.js ----\ntwo(one);\n"
    )


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        pytest.param({"entry.js": ENTRY}, "there is no a.js", id="missing"),
        pytest.param({"entry.js": "a;\n", "a.js": A}, "nobody imports a.js", id="unused"),
        pytest.param({"entry.js": ENTRY + "const one = 2;\n", "a.js": A}, "too", id="name-twice"),
        pytest.param({"entry.js": ENTRY + "const { x } = y;\n", "a.js": A}, "too", id="pattern"),
        pytest.param(
            {"entry.js": ENTRY, "a.js": "const one = 1;\n"}, "exports no one", id="private"
        ),
        pytest.param({"entry.js": 'import a from "./a.js";\n', "a.js": A}, "nobody", id="default"),
        pytest.param(
            {"entry.js": ENTRY + 'import * as b from "./a.js";\n', "a.js": A}, "form", id="star"
        ),
        pytest.param(
            {"entry.js": ENTRY + 'import { x as y } from "./a.js";\n', "a.js": A},
            "exports no",
            id="as",
        ),
        pytest.param(
            {"entry.js": ENTRY + "export default one;\n", "a.js": A}, "form", id="exported-default"
        ),
        pytest.param(
            {"entry.js": ENTRY + "export { one };\n", "a.js": A}, "form", id="exported-list"
        ),
        pytest.param(
            {"entry.js": ENTRY + 'await import("./a.js");\n', "a.js": A}, "form", id="dynamic"
        ),
        pytest.param({"entry.js": ENTRY + "import.meta.url;\n", "a.js": A}, "form", id="meta"),
        pytest.param(
            {"entry.js": "x();\n" + ENTRY, "a.js": A}, "below other code", id="late-import"
        ),
        pytest.param(
            {"entry.js": ENTRY, "a.js": 'import { e } from "./entry.js";\n' + A},
            "import each other",
            id="cycle",
        ),
    ],
)
def test_what_joining_would_change_is_refused(sources: dict[str, str], problem: str) -> None:
    with pytest.raises(ModuleError, match=problem):
        join(sources, "entry.js")
