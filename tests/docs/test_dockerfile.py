"""What the image promises, read from the Dockerfile: no engine runs where the tests run.

The health check is more than text: it is executed against a small HTTP server.
"""

import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.chart.programs import Programs

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


def only(instructions: list[tuple[str, str]], wanted: str) -> str:
    found = [rest for word, rest in instructions if word == wanted]
    assert len(found) == 1, f"{wanted}: {found}"
    return found[0]


def test_base_images_are_pinned_by_version(instructions: list[tuple[str, str]]) -> None:
    images = [rest.split(" ")[0] for word, rest in instructions if word == "FROM"]

    assert len(images) == 3
    assert [image for image in images if not PINNED.match(image)] == []


def test_it_builds_without_buildkit(instructions: list[tuple[str, str]]) -> None:
    """Inside minikube's container runtime there is none, and BUILDPLATFORM would be empty."""
    words = " ".join(f"{word} {rest}" for word, rest in instructions)

    assert re.findall(r"\$\{?(?:BUILD|TARGET)\w+", words) == []
    assert re.findall(r"--mount|--chmod|--parents|<<", words) == []


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


def test_what_is_made_slim_loses_only_what_nobody_runs(tmp_path: Path) -> None:
    """Symbols, types and sources of compiled modules, a picture format that we never read, some bytecode."""
    packages = tmp_path / "lib" / "python3.13" / "site-packages"
    kept = ("one/module.py", "one/__pycache__/module.pyc", "one/fast.so", "pillow.libs/libwebp-1.so.7",
            "PIL/_webp.cpython.so", "PIL/AvifImagePlugin.py", "pygments/lexer.py")  # fmt: skip
    lost = ("one/module.pyi", "one/fast.pyx", "one/fast.pxd", "one/words.proto", "PIL/_avif.cpython.so",
            "pillow.libs/libavif-1.so.16", "pygments/lexers/__pycache__/c.pyc")  # fmt: skip
    for name in (*kept, *lost):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).touch()
    programs = Programs(tmp_path / "bin")
    programs.add({"strip": ""})

    subprocess.run(
        ["sh", str(ROOT / "scripts" / "slim-environment.sh"), str(tmp_path)],
        env={"PATH": f"{programs.directory}:/usr/bin:/bin"},
        check=True,
        timeout=20,
    )

    left = {str(path.relative_to(packages)) for path in packages.rglob("*") if path.is_file()}
    stripped = {Path(path).name for call in programs.calls() for path in call[2:]}
    assert left == set(kept)
    assert stripped - {"_avif.cpython.so"} == {"fast.so", "_webp.cpython.so"}
    assert (
        "AVIF" not in (ROOT / "memebattle" / "generation" / "pictures.py").read_text(encoding="utf-8").upper()
    )


def test_no_secret_is_built_in(instructions: list[tuple[str, str]]) -> None:
    values = [rest for word, rest in instructions if word in {"ENV", "ARG", "LABEL"}]

    assert [value for value in values if SECRET.search(value)] == []


def test_only_named_places_enter_the_build(instructions: list[tuple[str, str]]) -> None:
    """`.dockerignore` lets in exactly what is copied, so no .env and no .git can ever be part of an image."""
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    allowed = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    copied = {
        source.strip("/")
        for word, rest in instructions
        if word == "COPY" and "--from=" not in rest
        for source in rest.split()[:-1]
    }

    assert next(line for line in ignore if line and not line.startswith("#")) == "*"
    assert {
        place for place in allowed if not any(f"{each}/".startswith(f"{place}/") for each in copied)
    } == set()
    assert {
        each for each in copied if not any(f"{each}/".startswith(f"{place}/") for place in allowed)
    } == set()


def test_everything_that_is_copied_is_there(instructions: list[tuple[str, str]]) -> None:
    missing = [
        source
        for word, rest in instructions
        if word == "COPY" and "--from=" not in rest
        for source in rest.split()[:-1]
        if not (ROOT / source).exists()
    ]

    assert missing == []


def test_the_chart_that_the_wheel_carries_is_in_the_build(instructions: list[tuple[str, str]]) -> None:
    """pyproject.toml names it, and a wheel without it cannot be built."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    copied = [rest.split()[0].strip("/") for word, rest in instructions if word == "COPY"]

    assert wanted == {"helm/memebattle": "memebattle/cli/chart"}
    assert set(wanted) <= set(copied)


def test_the_labels_say_what_it_is(final: list[tuple[str, str]]) -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\S+?)="([^"]*)"', only(final, "LABEL")))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert labels["title"] == project["name"]
    assert labels["licenses"] == project["license"]
    assert labels["description"]
    assert (labels["version"], labels["revision"]) == ("${VERSION}", "${REVISION}")


def test_a_new_version_alone_makes_no_new_layer(final: list[tuple[str, str]]) -> None:
    """What follows an argument that changed is made anew."""
    words = [word for word, _ in final]

    assert set(words[words.index("ARG") :]) == {"ARG", "LABEL"}


def test_the_rehearsal_takes_the_same_steps(instructions: list[tuple[str, str]]) -> None:
    runs = " ".join(rest for word, rest in instructions if word == "RUN")
    rehearsal = (ROOT / "scripts" / "rehearse-image.sh").read_text(encoding="utf-8")

    steps = (
        "uv pip sync",
        "--require-hashes --compile-bytecode requirements.lock",
        "uv build",
        "--no-deps --compile-bytecode",
        "sh scripts/slim-environment.sh",
    )
    for step in steps:
        assert step in runs
        assert step in rehearsal.replace('"$uv"', "uv").replace("--quiet ", "")


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
