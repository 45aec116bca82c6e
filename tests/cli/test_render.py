"""``seal render`` and what ``seal unseal`` makes of templates."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sealer.manifest import to_yaml
from sealer.sealing import seal
from sealer.secret import Secret
from tests.sealing_keys import pair, private_pem

SEAL = str(Path(sys.executable).parent / "seal")
CANARY = "canary-7b9f"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [SEAL, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_bytes(private_pem(pair().private_key))
    return path


def document(name: str, templates: Mapping[str, str | None]) -> str:
    secret = Secret(name=name, namespace="prod", data={"pass": CANARY.encode(), "user": b"app"})
    manifest = seal(secret, pair().certificate).to_dict()
    manifest["spec"]["template"]["data"] = templates
    return to_yaml(manifest)


def written(tmp_path: Path, *documents: str) -> Path:
    path = tmp_path / "sealed.yaml"
    path.write_text("---\n".join(documents))
    return path


URL = {"url": "db://{{ .user }}:{{ .pass }}@{{ .host }}", "host": "db.example.org", "user": None}


def test_render_shows_the_secret_with_placeholders_without_any_key(tmp_path: Path) -> None:
    done = run("render", written(tmp_path, document("db", URL)))
    assert (done.returncode, done.stderr) == (0, "")
    assert "url: db://HIDDEN_user:HIDDEN_pass@db.example.org\n" in done.stdout
    assert "pass: HIDDEN_pass\n" in done.stdout
    assert "user: " not in done.stdout


def test_render_with_a_key_hides_values_unless_asked(tmp_path: Path, key: Path) -> None:
    path = written(tmp_path, document("db", URL))
    hidden = run("render", path, "--key", key)
    assert CANARY not in hidden.stdout
    assert "url: db://HIDDEN_user:HIDDEN_pass@db.example.org\n" in hidden.stdout
    shown = run("render", path, "--key", key, "--show-values", "-o", "json")
    assert f'"url": "db://app:{CANARY}@db.example.org"' in shown.stdout


def test_show_values_needs_a_key(tmp_path: Path) -> None:
    done = run("render", written(tmp_path, document("db", URL)), "--show-values")
    assert done.returncode == 2
    assert "--show-values needs the private key" in done.stderr


def test_a_template_that_only_true_values_satisfy_is_tried_with_the_key(
    tmp_path: Path, key: Path
) -> None:
    path = written(tmp_path, document("db", {"n": "{{ index .user (and 2) }}{{ index .pass 10 }}"}))
    assert run("render", path).returncode == 0
    picky = {"n": '{{ if ne .user "app" }}{{ len 1 }}{{ end }}x'}
    path = written(tmp_path, document("db", picky))
    without = run("render", path)
    assert without.returncode == 1
    assert "hint: it was tried with placeholders" in without.stderr
    done = run("render", path, "--key", key)
    assert done.returncode == 0
    assert "HIDDEN_n\n" in done.stdout


def test_unseal_renders_reports_what_fails_and_prints_the_rest(tmp_path: Path, key: Path) -> None:
    path = written(
        tmp_path,
        document("bad", {"a": "{{ index .pass .pass }}", "b": "{{ .pass | len | lt }}"}),
        document("good", {"n": "{{ len .pass }}"}),
    )
    done = run("unseal", path, "--key", key)
    assert done.returncode == 1
    assert "name: good" in done.stdout
    assert ": MTE=\n" in done.stdout
    assert "name: bad" not in done.stdout
    lines = [line for line in done.stderr.splitlines() if "error" in line]
    assert len(lines) == 2
    assert "SealedSecret prod/bad: spec.template.data.a: template: a:1:3: executing" in lines[0]
    assert "SealedSecret prod/bad: spec.template.data.b: template: b:1:17: executing" in lines[1]
    assert CANARY not in done.stderr


def test_a_missing_key_of_a_template_is_warned_of(tmp_path: Path, key: Path) -> None:
    path = written(tmp_path, document("db", {"n": "{{ .pas }}"}))
    done = run("verify", path, "--key", key)
    assert done.returncode == 0
    assert 'template: n:1:3: no key "pas": it prints <no value>' in done.stderr


def test_a_broken_template_fails_and_hides_no_other_document(tmp_path: Path, key: Path) -> None:
    path = written(tmp_path, document("db", {"n": "{{ .pass }}"}), document("x", {"n": "{{ if }}"}))
    done = run("verify", path, "--key", key)
    assert done.returncode == 1
    assert "SealedSecret prod/db" in done.stdout
    assert "SealedSecret prod/x" not in done.stdout
    errors = [line for line in done.stderr.splitlines() if line.startswith("seal: error:")]
    assert len(errors) == 1
    assert "template: n:1: missing value for if" in errors[0]


def test_a_key_that_a_template_wants_is_warned_of_when_it_is_removed(tmp_path: Path) -> None:
    path = written(tmp_path, document("db", {"n": "{{ .pass }}"}))
    done = run("remove", path, "pass")
    assert done.returncode == 0
    assert 'template: n:1:3: no key "pass": it prints <no value>' in done.stderr


def test_a_function_whose_library_is_missing_says_how_to_get_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['re2'] = None\n"
        "from sealer.template import render\n"
        "from sealer.errors import TemplateError\n"
        "try: render('cfg', '{{ regexMatch \"a\" .x }}', {'x': b'a'})\n"
        "except TemplateError as error: print(error.message)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert 'error calling regexMatch: it needs a library: pip install "sealer[templates]"' in (
        done.stdout
    )
