from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from controller.settings import FLAGS, Settings, parse
from sealer.duration import parse_go
from sealer.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("720h", 720 * 3600, id="hours"),
        pytest.param("2m30s", 150, id="two-units"),
        pytest.param("1.5h", 5400, id="fraction"),
        pytest.param(".5s", 0.5, id="no-integer"),
        pytest.param("500ms", 0.5, id="milliseconds"),
        pytest.param("0", 0, id="zero"),
        pytest.param("-1m", -60, id="negative"),
        pytest.param("+1m", 60, id="plus"),
        pytest.param("10us", 1e-5, id="microseconds"),
    ],
)
def test_durations_are_read_as_go_reads_them(text: str, seconds: float) -> None:
    assert parse_go(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "1", "h", "1d", "1h 2m", "soon", "-", "9" * 30 + "h"])
def test_what_go_refuses_as_a_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_go(text)


def test_every_flag_has_its_setting_in_the_same_order() -> None:
    assert [flag.field for flag in FLAGS] == [field.name for field in fields(Settings)]


def test_without_flags_the_peers_defaults_hold() -> None:
    settings = parse([], {})
    assert settings == Settings()
    assert settings.key_renew_period == timedelta(days=30)
    assert settings.watched_namespaces == ()


def test_a_flag_wins_over_the_environment() -> None:
    environment = {"SEALED_SECRETS_MY_CN": "env", "SEALED_SECRETS_KEY_SIZE": "2048"}
    settings = parse(["--my-cn=flag"], environment)
    assert (settings.my_cn, settings.key_size) == ("flag", 2048)


def test_the_version_is_no_matter_of_the_environment() -> None:
    assert not parse([], {"SEALED_SECRETS_VERSION": "0.36.6"}).version


@pytest.mark.parametrize(
    "words",
    [["--update-status=false"], ["-update-status=false"], ["--update-status", "--update-status=0"]],
    ids=["equals", "one-dash", "the-last-wins"],
)
def test_switches_are_written_as_in_go(words: list[str]) -> None:
    assert parse(words, {}).update_status is False


def test_a_bare_switch_means_true() -> None:
    assert parse(["--skip-recreate", "--my-cn", "x"], {}).skip_recreate is True


def test_rotate_period_is_an_alias() -> None:
    assert parse(["--rotate-period=0"], {}).key_renew_period == timedelta(0)


def test_lists_are_trimmed() -> None:
    settings = parse(
        ["--additional-namespaces= a, b ,,a", "--privatekey-labels= x=1 ,y=2", "--namespace=home"],
        {},
    )
    assert settings.additional_namespaces == ("a", "b")
    assert settings.privatekey_labels == (("x", "1"), ("y", "2"))
    assert settings.watched_namespaces == ("home", "a", "b")


def test_only_the_own_namespace_is_watched_where_that_is_asked() -> None:
    settings = parse(["--all-namespaces=false", "--namespace=home"], {})
    assert settings.watched_namespaces == ("home",)


def test_the_cutoff_time_has_a_zone() -> None:
    settings = parse(["--key-cutoff-time=Mon, 02 Jan 2006 15:04:05 -0700"], {})
    assert settings.key_cutoff_time == datetime(2006, 1, 2, 22, 4, 5, tzinfo=UTC)
    assert parse(["--key-cutoff-time="], {}).key_cutoff_time is None


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        pytest.param(["--key-size=1024"], "--key-size takes 2048", id="small-key"),
        pytest.param(["--key-size=big"], "--key-size takes a whole number", id="no-number"),
        pytest.param(["--key-ttl=1y"], "--key-ttl invalid duration", id="duration"),
        pytest.param(["--key-prefix=A_b"], "--key-prefix takes", id="prefix"),
        pytest.param(["--privatekey-labels=x"], "'x' is none", id="pair"),
        pytest.param(["--drift=maybe"], "takes revert, report or ignore", id="word"),
        pytest.param(["--log-level=loud"], "--log-level takes", id="level"),
        pytest.param(["--update-status=maybe"], "takes true or false", id="switch"),
        pytest.param(["--update-status", "false"], "unexpected argument", id="go-has-no-such"),
        pytest.param(["--kubeclient-qps=fast"], "takes a number", id="qps"),
        pytest.param(["--key-cutoff-time=yesterday"], "takes a time", id="time"),
        pytest.param(["--key-cutoff-time=Mon, 02 Jan 2006 15:04:05"], "its zone", id="no-zone"),
        pytest.param(["--nonsense"], "--nonsense", id="unknown"),
    ],
)
def test_a_wrong_value_is_a_usage_error_that_names_the_flag(words: list[str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse(words, {})


def test_log_levels_may_be_written_small() -> None:
    assert parse(["--log-level=warn"], {}).log_level == "WARN"
