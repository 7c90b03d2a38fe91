"""The command line as a person uses it: one `memebattle up`, and the other commands beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from memebattle.cli.local import NatsServer
from memebattle.cli.redrive import _renamed

STREAMS = [
    *("MEMES", "MEMES_LOG", "MEME_RESULTS", "WORKFLOW_REQUESTS", "CHAT_CHUNKS", "DEAD_LETTERS"),
    *("PRIORITY_REQUESTS", "PRIORITY_RESULTS", "SYSTEM_EVENTS", "BATTLES"),
]
MEMEBATTLE = [sys.executable, "-m", "memebattle"]
PORTS = ["--http-port", "0", "--nats-port", "0", "--ws-port", "0", "--monitor-port", "0", "--redis-port", "0"]


def wait_for[T](condition: Callable[[], T], description: str, timeout: float = 20) -> T:
    """The first truthy value, without an event loop."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {timeout:g} s for: {description}"
        time.sleep(0.02)
    return value


def start(directory: Path, *options: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """`memebattle up` on free ports; `directory` gets its ready file, state file and log."""
    argv = [*MEMEBATTLE, "up", *PORTS, "--metrics-port", "0", "--ready-file", str(directory / "ready.json")]
    with (directory / "up.log").open("w") as log:
        return subprocess.Popen(
            [*argv, *options],
            env={**os.environ, "XDG_RUNTIME_DIR": str(directory), **(env or {})},
            stdout=log,
            stderr=log,
            text=True,
        )


def ready(process: subprocess.Popen[str], directory: Path) -> dict[str, Any]:
    """What the ready file says."""
    file = directory / "ready.json"
    wait_for(lambda: file.exists() or process.poll() is not None, "`up` to be ready")
    assert file.exists(), (directory / "up.log").read_text()
    said: dict[str, Any] = json.loads(file.read_text())
    return said


def gone(pid: int) -> bool:
    """Whether no such process exists (a zombie's parent has not looked yet; that is none either)."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], Path]]:
    """A running stack of two workers."""
    directory = tmp_path_factory.mktemp("up")
    process = start(directory, "--workers", "2")
    yield ready(process, directory), directory
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


@pytest.fixture
def memebattle(stack: tuple[dict[str, Any], Path]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command; it finds the stack by its state file."""
    env = {key: value for key, value in os.environ.items() if key not in {"NATS_URL", "REDIS_URL"}}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*MEMEBATTLE, *arguments],
            env={**env, "XDG_RUNTIME_DIR": str(stack[1]), "NO_COLOR": "1", "COLUMNS": "160"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_the_ready_file_names_everything(stack: tuple[dict[str, Any], Path]) -> None:
    """Addresses with working credentials, and every child."""
    said, _ = stack

    assert set(said) == {"http_url", "nats_url", "ws_url", "monitor_url", "redis_url", "metrics_urls", "pids"}
    assert set(said["pids"]) == {"nats", "redis", "worker-1", "worker-2", "gateway"}
    assert len(said["metrics_urls"]) == 2
    assert "developer:" in said["nats_url"]
    assert "browser:" in said["ws_url"]


def test_send_saves_images_and_prints_a_line_each(memebattle: Any, tmp_path: Path) -> None:
    done = memebattle(
        "send", "A cat on Mars", "--count", "3", "--via", "jetstream", "--small", "--save", str(tmp_path)
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("✓") == 3
    images = list(tmp_path.glob("*.webp"))
    assert len(images) == 3
    with Image.open(images[0]) as image:
        assert image.size == (512, 512)


def test_send_json_is_one_object_per_answer(memebattle: Any) -> None:
    done = memebattle("send", "A dog at the beach", "--id", "json-1", "--via", "both", "--json")

    (line,) = done.stdout.splitlines()
    answer = json.loads(line)
    assert (answer["request_id"], answer["content_type"], answer["width"]) == ("json-1", "image/webp", 1024)
    assert "image_data" not in answer


def test_the_same_id_again_shows_the_stored_answer(memebattle: Any) -> None:
    first = memebattle("send", "same", "--id", "again", "--json", "--small")
    second = memebattle("send", "same", "--id", "again", "--json", "--small", "--timeout", "1")

    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout)["sha256"] == json.loads(first.stdout)["sha256"]


def test_the_same_id_with_another_prompt_is_a_problem(memebattle: Any) -> None:
    memebattle("send", "one thing", "--id", "taken", "--small")
    other = memebattle("send", "another thing", "--id", "taken", "--timeout", "1")

    assert other.returncode == 1
    assert "used before, for another prompt" in other.stderr


def test_a_refused_request_makes_send_fail(memebattle: Any) -> None:
    done = memebattle("send", "x" * 600)

    assert done.returncode == 1
    assert "invalid_request" in done.stdout


def test_doctor_is_content(memebattle: Any) -> None:
    done = memebattle("doctor", "--json")
    checks = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 0, done.stdout
    assert {check["verdict"] for check in checks} == {"pass"}
    assert {check["name"] for check in checks} == {
        "NATS",
        "nats-server",
        "max_payload",
        *(f"stream {name}" for name in STREAMS),
        "bucket OBJ_meme-images",
        "consumer meme-generator",
        "consumer workflow-processor",
        "consumer priority-processor",
        "backlog MEMES",
        "backlog WORKFLOW_REQUESTS",
        "backlog PRIORITY_REQUESTS",
        "Redis",
        "provider",
        "chat provider",
    }
    (offline,) = [check["finding"] for check in checks if check["name"] == "chat provider"]
    assert offline == "local with local-1; usually local"


def test_doctor_names_the_streams_that_are_missing(tmp_path: Path) -> None:
    """On a server without any; and a provider that cannot work is said in the same breath."""
    with nats_alone(tmp_path) as url:
        done = subprocess.run(
            [*MEMEBATTLE, "doctor", "--json"],
            env={
                **os.environ,
                "NATS_URL": url,
                "REDIS_URL": "redis://127.0.0.1:9",
                "CHAT_PROVIDER": "openai",
                "OPENAI_API_KEY": "",
            },
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    checks = {check["name"]: check for check in map(json.loads, done.stdout.splitlines())}

    assert done.returncode == 1
    for name in (*(f"stream {each}" for each in STREAMS), "consumer workflow-processor"):
        assert (checks[name]["verdict"], checks[name]["fix"]) == ("fail", "`memebattle streams apply`")
    assert checks["chat provider"]["verdict"] == "fail"
    assert "OPENAI_API_KEY" in checks["chat provider"]["finding"]
    assert not any(name.startswith("backlog") for name in checks)


@contextlib.contextmanager
def nats_alone(directory: Path) -> Iterator[str]:
    """A server with our accounts and nothing on it."""
    server = NatsServer(directory)
    with asyncio.Runner() as runner:
        runner.run(server.start())
        try:
            yield server.url()
        finally:
            runner.run(server.child.stop())


def test_doctor_says_what_to_do_when_nobody_is_there(memebattle: Any) -> None:
    done = memebattle("doctor", "--nats-url", "nats://127.0.0.1:9")

    assert done.returncode == 1
    assert "memebattle up" in done.stdout
    assert "Traceback" not in done.stderr


def test_streams_diff_apply_and_ls(memebattle: Any) -> None:
    assert memebattle("streams", "diff").returncode == 0
    applied = [json.loads(line) for line in memebattle("streams", "apply", "--json").stdout.splitlines()]
    listed = memebattle("streams", "ls").stdout

    assert {finding["action"] for finding in applied} == {"ok"}
    assert {finding["name"] for finding in applied} == {
        *STREAMS,
        "OBJ_meme-images",
        "meme-generator",
        "workflow-processor",
        "priority-processor",
    }
    consumers = ("meme-generator", "workflow-processor", "priority-processor")
    assert all(name in listed for name in (*STREAMS, *consumers))


def test_streams_ls_fits_a_terminal_of_80_columns(stack: tuple[dict[str, Any], Path]) -> None:
    listed = subprocess.run(
        [*MEMEBATTLE, "streams", "ls", "--nats-url", stack[0]["nats_url"]],
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "80"}, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip

    (chat,) = [line.split() for line in listed if line.startswith("WORKFLOW_REQUESTS")]
    assert " ".join(listed[0].split()) == "stream messages size consumer pending in work retried"
    assert chat == ["WORKFLOW_REQUESTS", chat[1], *chat[2:4], "workflow-processor", "0", "0", "0"]
    assert max(map(len, listed)) <= 80


@pytest.mark.parametrize(
    ("inbox", "advice"), [("_INBOX", "NATS_INBOX_PREFIX"), ("_INBOX_monitor", "name one that may")]
)
async def test_who_may_not_list_streams_is_told_so(nats_server: NatsServer, inbox: str, advice: str) -> None:
    listing = await asyncio.create_subprocess_exec(
        *MEMEBATTLE, "streams", "ls",
        env={**os.environ, "NATS_URL": nats_server.url("monitor"), "NATS_INBOX_PREFIX": inbox},
        stderr=subprocess.PIPE,
    )  # fmt: skip
    _, said = await listing.communicate()
    lines = said.decode().splitlines()

    assert listing.returncode == 1
    assert lines[0] == "error: this user of NATS may not do that"
    assert advice in " ".join(lines[2:])


def test_streams_diff_and_apply_mend_a_stream_of_chat(tmp_path: Path) -> None:
    """Nothing there, then everything; a changed setting is said, and applied on request."""

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*MEMEBATTLE, *arguments], env={**os.environ, "NATS_URL": url, **env},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    with nats_alone(tmp_path) as url:
        missing = run("streams", "diff", "--json")
        created = run("streams", "apply", "--json")
        drifted = run("streams", "diff", CHAT_CONCURRENCY="1")
        updated = run("streams", "apply", "--json", CHAT_CONCURRENCY="1")

    actions = {found["name"]: found["action"] for found in map(json.loads, missing.stdout.splitlines())}
    assert missing.returncode == 1
    assert actions["CHAT_CHUNKS"] == actions["WORKFLOW_REQUESTS"] == "missing"
    assert created.returncode == 0
    assert {json.loads(line)["action"] for line in created.stdout.splitlines()} == {"created"}
    assert drifted.returncode == 1
    assert "max_ack_pending: 640 instead of 20" in drifted.stdout
    changed = [json.loads(line) for line in updated.stdout.splitlines()]
    assert [each["name"] for each in changed if each["action"] != "ok"] == ["workflow-processor"]


def test_a_dead_letter_is_listed_shown_and_retried(memebattle: Any) -> None:
    """`meme.request` with something that is no JSON: row I26."""
    assert memebattle("pub", "meme.request", "Hello JetStream").returncode == 0

    def letters() -> list[dict[str, Any]]:
        listed = memebattle("dlq", "ls", "--json").stdout.splitlines()
        return [found for found in map(json.loads, listed) if found["bytes"] == 15]

    (letter,) = wait_for(letters, "the dead letter")
    shown = memebattle("dlq", "show", str(letter["number"])).stdout
    assert letter["reason"] == "invalid_json"
    assert "Hello JetStream" in shown

    assert memebattle("dlq", "retry", str(letter["number"]), "--json").returncode == 0
    again = wait_for(letters, "it to come back: it is still no JSON")
    assert again[0]["number"] != letter["number"]
    assert memebattle("dlq", "show", "99999").returncode == 1


def test_a_dead_letter_of_chat_goes_back_to_its_session(
    memebattle: Any, stack: tuple[dict[str, Any], Path]
) -> None:
    """`dlq.WORKFLOW_REQUESTS.workflow-processor`: a message whose id was used for another one."""
    subject = "chat.workflow.execute.redrive-1"

    def say(text: str) -> None:
        said = {"message_id": "taken", "session_id": "redrive-1", "message": text}
        assert memebattle("pub", subject, json.dumps(said)).returncode == 0

    def answered() -> list[str]:
        address = f"{stack[0]['http_url']}/api/chat/history?session_id=redrive-1"
        with urllib.request.urlopen(address) as response:
            said = json.load(response)["messages"]
        return [each["content"] for each in said if each["role"] == "user"]

    def letters() -> list[dict[str, Any]]:
        listed = memebattle("dlq", "ls", "--json").stdout.splitlines()
        return [found for found in map(json.loads, listed) if found["subject"] == subject]

    say("the first")
    wait_for(lambda: answered() == ["the first"], "the answer")
    say("the second")
    (letter,) = wait_for(letters, "the dead letter")
    shown = memebattle("dlq", "show", str(letter["number"])).stdout
    retried = memebattle("dlq", "retry", str(letter["number"]), "--id", "fresh", "--json")

    assert letter["reason"] == "id_conflict"
    assert f"Mb-Subject: {subject}" in shown
    assert "the second" in shown
    assert json.loads(retried.stdout) == {"number": letter["number"], "old_id": "taken", "id": "fresh"}
    wait_for(lambda: answered() == ["the first", "the second"], "the second answer")
    assert letters() == []


@pytest.mark.parametrize(
    ("subject", "body", "old", "renamed"),
    [
        ("meme.request", {"id": "a", "prompt": "x"}, "a", {"id": "new", "prompt": "x"}),
        ("eu.request", {"prompt": "x"}, None, {"prompt": "x", "id": "new"}),
        (
            "chat.workflow.execute.s",
            {"message_id": "a", "id": "theirs"},
            "a",
            {"message_id": "new", "id": "theirs"},
        ),
        (
            "chat.workflow.execute.s",
            {"trace_id": "t", "span_id": "s", "data": {"message_id": "a"}},
            "a",
            {"trace_id": "t", "span_id": "s", "data": {"message_id": "new"}},
        ),
        ("chat.workflow.execute.s", ["no", "object"], None, ["no", "object"]),
    ],
)
def test_a_second_chance_has_a_new_id_where_the_old_one_was(
    subject: str, body: Any, old: str | None, renamed: Any
) -> None:
    found, again = _renamed(subject, json.dumps(body).encode(), "new")

    assert (found, json.loads(again)) == (old, renamed)


def test_replay_asks_again_under_new_ids(memebattle: Any) -> None:
    memebattle("send", "to be replayed", "--id", "replay-me", "--small")

    shown = [json.loads(line) for line in memebattle("replay", "--dry-run", "--json").stdout.splitlines()]
    (mine,) = [each for each in shown if each["old_id"] == "replay-me"]
    asked = memebattle("replay", "--seq", str(mine["number"]), "--limit", "1", "--json")

    new_id = json.loads(asked.stdout)["id"]
    answer = memebattle("send", "to be replayed", "--id", new_id, "--json", "--small", "--timeout", "3")
    assert new_id != "replay-me"
    assert json.loads(answer.stdout)["cached"] is True


def test_watch_and_tail_end_by_themselves(memebattle: Any) -> None:
    assert memebattle("watch", "--timeout", "0.2").returncode == 0
    assert memebattle("tail", "meme.>", "--timeout", "0.2", "--json").returncode == 0


def test_config_masks_secrets(memebattle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run(
        [*MEMEBATTLE, "config", "--json"],
        env={**os.environ, "HF_API_TOKEN": "hf_verysecret", "REDIS_URL": "redis://me:pw@there:6379"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    values = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert values["HF_API_TOKEN"]["value"] == "***"
    assert values["REDIS_URL"]["value"] == "redis://***@there:6379"
    assert values["WORKER_CONCURRENCY"]["value"] == "5"
    assert values["WORKER_CONCURRENCY"]["from"] == "default"


def test_a_bad_setting_is_named_without_a_traceback(memebattle: Any) -> None:
    done = subprocess.run(
        [*MEMEBATTLE, "config"], env={**os.environ, "WORKER_CONCURRENCY": "many"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "WORKER_CONCURRENCY" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_original_scripts_work(stack: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    """Rows O14 and O15."""
    env = {**os.environ, "XDG_RUNTIME_DIR": str(stack[1])}
    env = {key: value for key, value in env.items() if key not in {"NATS_URL", "REDIS_URL"}}
    watching = subprocess.Popen(
        ["scripts/watch-responses.sh", "--output-dir", str(tmp_path), "--timeout", "20"],
        env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert watching.stderr is not None
    assert "listening" in watching.stderr.readline()
    asked = subprocess.run(
        ["scripts/send-test-request.sh", "--prompt", "A cat wearing a space helmet on Mars", "--small"],
        env=env, text=True, capture_output=True, check=False,
    )  # fmt: skip

    assert asked.returncode == 0, asked.stderr
    wait_for(lambda: list(tmp_path.glob("*.webp")), "the watcher to save the image")
    watching.terminate()
    watching.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_process_behind(number: signal.Signals, tmp_path: Path) -> None:
    process = start(tmp_path)
    pids = ready(process, tmp_path)["pids"]

    process.send_signal(number)

    assert process.wait(30) == 0
    assert {name: gone(pid) for name, pid in pids.items()} == dict.fromkeys(pids, True)
    assert list(tmp_path.glob("memebattle-*.json")) == []


def test_a_worker_that_dies_is_reported_and_restarted(tmp_path: Path) -> None:
    process = start(tmp_path, "--restart")
    pids = ready(process, tmp_path)["pids"]

    os.kill(pids["worker-1"], signal.SIGKILL)

    wait_for(lambda: "worker-1 started again" in (tmp_path / "up.log").read_text(), "the restart")
    process.terminate()
    assert process.wait(30) == 0


def test_up_and_demo_stop_by_themselves(tmp_path: Path) -> None:
    done = subprocess.run(
        [*MEMEBATTLE, "demo", *PORTS, "--metrics-port", "0", "--seconds", "6", "--no-open"],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "COLUMNS": "120"},
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("✓") == 4
    assert "4 requests answered, 1 of them from the cache" in done.stdout


def test_a_taken_port_is_a_problem_and_not_a_traceback(
    tmp_path: Path, stack: tuple[dict[str, Any], Path]
) -> None:
    port = stack[0]["nats_url"].rpartition(":")[2]
    process = start(tmp_path, "--nats-port", port)

    assert process.wait(30) == 1
    said = (tmp_path / "up.log").read_text()
    assert "Traceback" not in said
    assert "--nats-port 0" in said
