"""``.seal.toml``: which certificate, scope and namespace a path is sealed with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sealer.config.rules import RuleFile, matches
from sealer.errors import SealerError
from sealer.manifest import read_documents
from sealer.sealed import SealedSecret
from sealer.unsealing import unseal
from tests.sealing_keys import pair, ring

SEAL = str(Path(sys.executable).parent / "seal")
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: b}\n"
RULES = """\
[[rule]]
path = "**"
cert = "certs/dev.pem"

[[rule]]
path = "apps/overlays/prod/**"
cert = "certs/prod.pem"
scope = "namespace-wide"

[[rule]]
path = "both/*.yaml"
cert = ["certs/dev.pem", "certs/prod.pem"]
output = "clusters/{cert}/{stem}.sealed.yaml"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "repo/certs").mkdir(parents=True)
    root = tmp_path / "repo"
    (root / ".git").mkdir()
    for name in ("dev", "prod"):
        (root / "certs" / f"{name}.pem").write_bytes(pair(name).certificate.pem)
    (root / ".seal.toml").write_text(RULES)
    for folder in ("apps/overlays/prod", "apps/base", "both"):
        (root / folder).mkdir(parents=True)
        (root / folder / "secret.yaml").write_text(SECRET)
    return root


def seal(
    tree: Path, *words: str, code: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tree), **variables}
    done = subprocess.run(
        [SEAL, *words], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done


def sealed(text: str) -> SealedSecret:
    (document,) = read_documents(text, "out")
    return SealedSecret.from_dict(document.value)


def opened_by(found: SealedSecret) -> str:
    for name in ("dev", "prod"):
        try:
            unseal(found, ring(name))
        except SealerError:
            continue
        return name
    return ""


def test_the_last_rule_that_matches_chooses_certificate_and_scope(tree: Path) -> None:
    prod = sealed(seal(tree, "apps/overlays/prod/secret.yaml").stdout)
    base = sealed(seal(tree, "apps/base/secret.yaml").stdout)
    assert (opened_by(prod), prod.scope.value) == ("prod", "namespace-wide")
    assert (opened_by(base), base.scope.value) == ("dev", "strict")


def test_one_call_seals_files_of_different_rules_each_for_its_own_cluster(tree: Path) -> None:
    seal(tree, "-i", "apps/base/secret.yaml", "apps/overlays/prod/secret.yaml")
    found = {
        name: opened_by(sealed((tree / name / "secret.yaml").read_text()))
        for name in ("apps/base", "apps/overlays/prod")
    }
    assert found == {"apps/base": "dev", "apps/overlays/prod": "prod"}


def test_several_certificates_seal_one_plaintext_for_several_clusters(tree: Path) -> None:
    done = seal(tree, "both/secret.yaml")
    assert done.stdout == ""
    for name in ("dev", "prod"):
        text = (tree / f"clusters/{name}/secret.sealed.yaml").read_text()
        assert opened_by(sealed(text)) == name


def test_outputs_are_all_written_or_none(tree: Path) -> None:
    (tree / "certs/prod.pem").write_text("no certificate")
    seal(tree, "both/secret.yaml", code=1)
    assert not (tree / "clusters").exists()


@pytest.mark.parametrize(
    "output",
    [
        pytest.param("out/kubeconfig", id="a link to a folder outside"),
        pytest.param("clusters/link.yaml", id="a link to a file outside"),
        pytest.param("dangling.yaml", id="a link to a file outside that is not there"),
        pytest.param(".git/hooks/pre-commit", id="git's own files"),
        pytest.param("apps/.GIT/config", id="git's own files where case does not count"),
    ],
)
def test_an_output_never_leaves_the_repository(tree: Path, output: str) -> None:
    home = tree.parent / "home"
    home.mkdir()
    (home / "kubeconfig").write_text("precious")
    (tree / "out").symlink_to(home)
    (tree / "clusters").mkdir()
    (tree / "clusters/link.yaml").symlink_to(home / "kubeconfig")
    (tree / "dangling.yaml").symlink_to(home / "new.yaml")
    text = f'[[rule]]\npath="both/*"\ncert="certs/dev.pem"\noutput="{output}"\n'
    (tree / ".seal.toml").write_text(text)
    told = seal(tree, "both/secret.yaml", code=1).stderr
    assert ".seal.toml: the output" in told
    assert "hint: write below" in told
    assert (home / "kubeconfig").read_text() == "precious"
    assert list(home.iterdir()) == [home / "kubeconfig"]
    assert not list((tree / ".git").iterdir())


def test_an_output_goes_through_links_that_stay_in_the_repository(tree: Path) -> None:
    (tree / "real").mkdir()
    (tree / "clusters").symlink_to(tree / "real")
    seal(tree, "both/secret.yaml")
    assert (tree / "real/prod/secret.sealed.yaml").exists()


def test_without_a_repository_an_output_stays_in_the_folder_of_its_rule(tree: Path) -> None:
    (tree / ".git").rmdir()
    text = '[[rule]]\npath="*"\ncert="../certs/dev.pem"\noutput="up/{name}"\n'
    (tree / "both/.seal.toml").write_text(text)
    (tree / "both/up").symlink_to(tree / "apps")
    told = seal(tree, "both/secret.yaml", code=1).stderr
    assert "leads out of the repository" in told
    assert not (tree / "apps/secret.yaml").exists()


def test_several_certificates_need_an_output_or_a_choice(tree: Path) -> None:
    assert "several certificates" in seal(tree, "both/secret.yaml", "-w", "x.yaml", code=2).stderr
    assert not (tree / "x.yaml").exists()
    chosen = seal(tree, "both/secret.yaml", "--cert", "certs/prod.pem").stdout
    assert opened_by(sealed(chosen)) == "prod"


def test_the_option_wins_silently_and_the_environment_aloud(tree: Path) -> None:
    option = seal(tree, "--cert", "certs/prod.pem", "apps/base/secret.yaml")
    assert (opened_by(sealed(option.stdout)), option.stderr) == ("prod", "")
    variable = seal(tree, "apps/base/secret.yaml", SEALED_SECRETS_CERT="certs/prod.pem")
    assert opened_by(sealed(variable.stdout)) == "prod"
    assert "wins over the rule" in variable.stderr


def test_a_rule_gives_the_namespace_of_secrets_that_name_none(tree: Path) -> None:
    (tree / ".seal.toml").write_text('[[rule]]\npath="*"\ncert="certs/dev.pem"\nnamespace="ns"\n')
    (tree / "none.yaml").write_text(SECRET.replace(", namespace: shop", ""))
    assert sealed(seal(tree, "none.yaml").stdout).namespace == "ns"


def test_a_rule_file_above_the_repository_counts_for_nothing(tree: Path) -> None:
    (tree.parent / ".seal.toml").write_text("[[rule]]\nnot toml")
    (tree / ".seal.toml").unlink()
    assert "TOML" not in seal(tree, "apps/base/secret.yaml", code=1).stderr


def test_the_nearest_rule_file_that_has_a_rule_counts(tree: Path) -> None:
    (tree / "apps/.seal.toml").write_text('[[rule]]\npath="base/*"\ncert="../certs/prod.pem"\n')
    assert opened_by(sealed(seal(tree, "apps/base/secret.yaml").stdout)) == "prod"
    assert sealed(seal(tree, "apps/overlays/prod/secret.yaml").stdout).scope.value != "strict"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("[[rule]]\npath = 1", "path must be a string", id="type"),
        pytest.param("[[rule]]\ncert = 'a'", "path is missing", id="no path"),
        pytest.param("[[rule]]\npath='*'\ncrt='a'", "crt is not known", id="unknown key"),
        pytest.param("[rule]\npath='*'", "must be tables", id="one table"),
        pytest.param("[[rules]]\npath='*'", "rules is no table", id="unknown table"),
        pytest.param("[[rule]]\npath='*'\nscope='wide'", "scope 'wide'", id="scope"),
        pytest.param("[[rule]]\npath='*'\noutput='{x}'", "no {x}", id="placeholder"),
        pytest.param(
            "[[rule]]\npath='*'\ncert=['a.pem','b.pem']\noutput='x'", "same for every", id="clash"
        ),
        pytest.param(
            "[[rule]]\npath='*'\ncert=['a/x.pem','b/x.pem']\noutput='{cert}'",
            "same name",
            id="names",
        ),
        pytest.param("[[rule]]\npath='*'\noutput='/x'", "rule 1: output leaves", id="absolute"),
        pytest.param("[[rule]]\npath='*'\noutput='a/../../x'", "output leaves", id="above"),
        pytest.param("[[allow]]\nrule='raw-secret'\npath='*'", "reason is missing", id="reason"),
        pytest.param("[[rule]]\npath = 'hunter2", "not valid TOML", id="syntax"),
    ],
)
def test_a_rule_file_that_is_wrong_is_an_error_that_says_where(
    tree: Path, text: str, words: str
) -> None:
    (tree / ".seal.toml").write_text(text)
    told = seal(tree, "apps/base/secret.yaml", code=1).stderr
    assert ".seal.toml" in told
    assert words in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("**", "a/b.yaml", True),
        ("*.yaml", "a/b.yaml", True),
        ("/*.yaml", "a/b.yaml", False),
        ("a/*", "a/b.yaml", True),
        ("a/*", "a/b/c.yaml", False),
        ("a/**", "a/b/c.yaml", True),
        ("a/", "a/b/c.yaml", True),
        ("a/**/c.yaml", "a/c.yaml", True),
        ("**/prod/**", "apps/prod/x", True),
        ("a.b", "aXb", False),
        ("./a/?.yaml", "a/b.yaml", True),
    ],
)
def test_globs_read_as_in_gitignore(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


def test_without_a_rule_file_nothing_of_it_is_imported(tree: Path) -> None:
    (tree / ".seal.toml").unlink()
    code = (
        "import sys, sealer.cli, sealer.config.rulefile as r; r.find_rule('x/y.yaml');"
        "print([n for n in ('tomllib', 'sealer.config.rules', 'subprocess') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tree, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_rules_are_data() -> None:
    rules = RuleFile.from_dict({"rule": [{"path": "*", "cert": "context:prod"}]}, ".", "x")
    rule = rules.rule_for("a.yaml")
    assert rule is not None
    assert rule.certs == ("context:prod",)


@pytest.fixture
def merged(tree: Path) -> Path:
    """A tree with a file sealed for dev, and the keys beside it."""
    for name in ("dev", "prod"):
        (tree / f"{name}.key").write_bytes(pair(name).private_pem())
    (tree / "db.yaml").write_text(seal(tree, "apps/base/secret.yaml").stdout)
    (tree / "new.yaml").write_text(SECRET.replace("a: b", "c: d"))
    return tree


def opening(tree: Path, key: str) -> str:
    return seal(tree, "verify", "db.yaml", "--key", f"{key}.key").stdout


def test_merge_seals_with_the_certificate_of_the_rule(merged: Path) -> None:
    seal(merged, "merge", "-q", "-i", "db.yaml", "new.yaml")
    assert "\t2\tdev.key\n" in opening(merged, "dev")


def test_merge_by_a_variable_against_the_rule_says_so(merged: Path) -> None:
    done = seal(merged, "merge", "db.yaml", "new.yaml", SEALED_SECRETS_CERT="certs/prod.pem")
    assert "wins over the rule" in done.stderr


@pytest.mark.parametrize("command", [("set", "db.yaml", "k", "@new.yaml"), ("edit", "db.yaml")])
def test_set_and_edit_by_a_variable_against_the_rule_say_so(
    merged: Path, command: tuple[str, ...]
) -> None:
    done = seal(merged, *command, SEALED_SECRETS_CERT="certs/prod.pem", EDITOR="true")
    assert "wins over the rule" in done.stderr


def test_merge_needs_a_choice_where_the_rule_has_several(merged: Path) -> None:
    (merged / "both/secret.yaml").write_text((merged / "db.yaml").read_text())
    told = seal(merged, "merge", "both/secret.yaml", "new.yaml", code=2).stderr
    assert "several certificates" in told


def test_reencrypt_takes_each_file_to_the_certificate_of_its_own_rule(merged: Path) -> None:
    prod = merged / "apps/overlays/prod/secret.yaml"
    prod.write_text((merged / "db.yaml").read_text())
    seal(merged, "reencrypt", "-i", "db.yaml", str(prod), "--key", "dev.key", "--key", "prod.key")
    assert opened_by(sealed((merged / "db.yaml").read_text())) == "dev"
    assert opened_by(sealed(prod.read_text())) == "prod"
    seal(merged, "reencrypt", "-i", "db.yaml", "--key", "dev.key", "--cert", "certs/prod.pem")
    assert opened_by(sealed((merged / "db.yaml").read_text())) == "prod"
