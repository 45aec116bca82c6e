"""``import sealer``: what it offers, what it costs, and that its examples are true and typed."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import pytest
from mypy import api

import sealer

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "library.md"


def test_every_public_name_is_there_and_documented() -> None:
    page = PAGE.read_text()
    assert sorted(sealer.__all__) == sealer.__all__
    for name in sealer.__all__:
        value = getattr(sealer, name)
        if name != "__version__":
            assert value.__doc__
            assert f"`{name}`" in page, f"docs/library.md does not tell of {name}"


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'sealer' has no attribute 'nothing'"):
        _ = sealer.nothing


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, sealer; print('cryptography' in sys.modules, 'yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_the_examples_of_the_package_run() -> None:
    assert doctest.testmod(sealer) == doctest.TestResults(failed=0, attempted=7)


def test_the_examples_of_the_page_run() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.failed == 0
    assert result.attempted > 20


def test_the_examples_type_check(tmp_path: Path) -> None:
    for name, text in {"page": PAGE.read_text(), "package": sealer.__doc__ or ""}.items():
        script = tmp_path / f"{name}.py"
        script.write_text(doctest.script_from_examples(text))
        out, err, code = api.run(
            ["--strict", "--no-error-summary", f"--cache-dir={ROOT / '.mypy_cache'}", str(script)]
        )
        assert code == 0, out + err
