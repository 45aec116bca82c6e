"""What the README shows is what happens: its commands run, and their output is compared."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def console_steps() -> list[tuple[str, str]]:
    """Return each ``$ command`` of the README's console blocks with the output it shows."""
    steps: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", README.read_text(), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            steps.append((command, output))
    return steps


def matches(shown: str, real: str) -> bool:
    """Compare; an ellipsis stands for any characters of one line."""
    pattern = ".*".join(re.escape(piece) for piece in shown.split("…"))
    return re.fullmatch(pattern, real) is not None


def test_every_console_block_of_the_readme_is_true(tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples" / "secret.yaml", tmp_path)
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
    }
    steps = console_steps()
    assert len(steps) >= 7
    status = 0
    for command, shown in steps:
        shell = command.replace("$?", str(status))
        done = subprocess.run(
            ["bash", "-c", f"{shell} 2>&1"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        status = done.returncode
        assert matches(shown, done.stdout), f"$ {command}\n{done.stdout}"


@pytest.mark.parametrize("page", sorted(re.findall(r"\]\(([\w./-]+)\)", README.read_text())))
def test_every_link_of_the_readme_leads_somewhere(page: str) -> None:
    assert (ROOT / page).exists()


def test_the_demo_does_the_main_job() -> None:
    environment = dict(os.environ)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        [ROOT / "examples" / "demo.sh"], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("the same: password, username\n")


PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "charts").rglob("*.md")]
)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
