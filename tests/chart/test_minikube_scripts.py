"""`helm/minikube-up.sh` and `minikube-down.sh`: what they would call, in which order, with names that exist.

`minikube`, `kubectl` and `helm` are programs that only write down their arguments. What `--dry-run` prints is
held to what is really called; files, versions and values that are named are looked up.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.chart.minikube import (
    DOWN,
    FOUND_ALL,
    HOSTS_LINE,
    NODE,
    ROOT,
    UP,
    Call,
    Machine,
    installs_of,
    merged,
    printed_commands,
    verb_of,
)
from tests.chart.programs import after

EVERYTHING = ("--small", "--demo", "--monitoring", "--hosts")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, subprocess.CompletedProcess[str]]:
    """The first run with everything, and what it said."""
    machine = Machine(tmp_path_factory.mktemp("up"))
    ended = machine.run(UP, *EVERYTHING, HF_API_TOKEN="hf_secret")
    assert ended.returncode == 0, ended.stderr
    return machine, ended


@pytest.fixture(scope="module")
def calls(first: tuple[Machine, subprocess.CompletedProcess[str]]) -> list[Call]:
    return first[0].changes()


@pytest.mark.parametrize("script", [*sorted((ROOT / "helm").glob("*.sh"))], ids=lambda path: path.name)
def test_they_are_scripts_for_any_shell(script: Path) -> None:
    assert script.read_text(encoding="utf-8").startswith(("#!/bin/sh\n", "# Shared by"))
    assert subprocess.run(["sh", "-n", str(script)], check=False, timeout=10).returncode == 0
    assert script == ROOT / "helm" / "minikube-common.sh" or os.access(script, os.X_OK)


def test_steps_come_in_an_order_that_can_work(calls: list[Call]) -> None:
    """A cluster before its namespaces, Secrets before who reads them, kinds before objects of these kinds."""
    order = [
        "minikube start",
        "minikube addons",
        "kubectl create namespace",
        "kubectl apply",
        "helm prometheus",
        "helm keda",
        "helm nats",
        "helm redis",
        "minikube image",
        "helm meme-generator",
    ]
    said = [
        f"{call[0]} {call[5]}"
        if call[0] == "helm"
        else " ".join([call[0], *call[1:][2 * (call[0] == "kubectl") :]])
        for call in calls
    ]
    places = [next(i for i, line in enumerate(said) if line.startswith(step)) for step in order]

    assert places == sorted(places)


def test_what_a_dry_run_prints_is_what_is_run(tmp_path: Path, calls: list[Call]) -> None:
    ended = Machine(tmp_path).run(UP, *EVERYTHING, "--dry-run", HF_API_TOKEN="hf_secret")

    assert ended.returncode == 0, ended.stderr
    printed = [call for call in printed_commands(ended.stdout) if "with" not in call]
    done = [call for call in calls if "secret" not in call and "apply" not in call]
    assert printed == done


def test_a_dry_run_changes_nothing_and_asks_nobody(machine: Machine) -> None:
    before = machine.hosts.read_text(encoding="utf-8")

    machine.run(UP, *EVERYTHING, "--dry-run", HF_API_TOKEN="hf_secret")
    machine.run(DOWN, "--delete", "--hosts", "--dry-run")

    assert machine.programs.calls() == []
    assert machine.hosts.read_text(encoding="utf-8") == before


def test_a_dry_run_needs_none_of_the_programs(tmp_path: Path) -> None:
    empty = Machine(tmp_path)
    for program in ("minikube", "kubectl", "helm"):
        (empty.programs.directory / program).unlink()

    assert empty.run(UP, "--dry-run", PATH="/usr/bin:/bin").returncode == 0


def test_it_never_touches_the_context_that_happens_to_be_current(calls: list[Call]) -> None:
    """That may be somebody's production."""
    options = {"kubectl": "--context", "helm": "--kube-context"}

    assert [
        call for call in calls if call[0] in options and call[1:3] != [options[call[0]], "minikube"]
    ] == []
    assert [
        call for call in calls if call[0] == "minikube" and after(call, "--profile") != ["minikube"]
    ] == []


def test_another_profile(machine: Machine) -> None:
    ended = machine.run(UP, MINIKUBE_PROFILE="memes")

    assert {after(call, "--profile")[0] for call in machine.programs.calls("minikube")} == {"memes"}
    assert {call[2] for call in machine.programs.calls("kubectl", "helm")} == {"memes"}
    assert "--context memes" in ended.stdout


def test_the_cluster_has_the_size_of_the_documents(machine: Machine) -> None:
    machine.run(UP)
    (start,) = (call for call in machine.changes() if call[:2] == ["minikube", "start"])

    assert (after(start, "--cpus"), after(start, "--memory")) == (["4"], ["10g"])


def test_a_small_cluster_gets_the_small_servers(calls: list[Call]) -> None:
    (start,) = (call for call in calls if call[:2] == ["minikube", "start"])
    installs = installs_of(calls)

    assert after(start, "--cpus") == ["2"]
    assert after(installs["nats"], "--values") == ["helm/infra/nats.yaml", "helm/infra/nats-small.yaml"]


def test_the_addons_are_those_that_the_values_need(calls: list[Call]) -> None:
    """An ingress controller for the pages, metrics for the HPA of the gateway."""
    assert {call[3] for call in calls if call[:2] == ["minikube", "addons"]} == {"ingress", "metrics-server"}


def test_every_release_goes_into_a_namespace_that_was_made(calls: list[Call]) -> None:
    made = {call[5] for call in calls if call[3:5] == ["create", "namespace"]}
    used = {name: after(call, "--namespace") for name, call in installs_of(calls).items()}

    assert made == {"messaging", "cache", "keda", "meme-generator", "monitoring"}
    assert used == {
        "prometheus": ["monitoring"],
        "keda": ["keda"],
        "nats": ["messaging"],
        "redis": ["cache"],
        "meme-generator": ["meme-generator"],
    }


def test_without_monitoring_there_is_none(machine: Machine) -> None:
    machine.run(UP)

    assert set(installs_of(machine.changes())) == {"keda", "nats", "redis", "meme-generator"}
    assert [call for call in machine.changes() if "monitoring" in call] == []


def test_every_file_that_is_named_exists(calls: list[Call]) -> None:
    named = {path for call in calls for path in after(call, "--values")}

    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


def test_the_charts_of_others_are_pinned_as_the_documents_say(calls: list[Call]) -> None:
    """In the values that were written for this version, and in the page about them."""
    infra = ROOT / "helm" / "infra"
    page = (infra / "README.md").read_text(encoding="utf-8")
    others = {name: call for name, call in installs_of(calls).items() if name != "meme-generator"}

    for call in others.values():
        chart, (version,), (repository,) = call[6], after(call, "--version"), after(call, "--repo")
        values = (ROOT / after(call, "--values")[0]).read_text(encoding="utf-8")
        assert re.search(
            rf"chart {chart} {re.escape(version)}\b.* of {re.escape(repository)}$", values, re.MULTILINE
        )
        assert version in page


def test_our_chart_accepts_every_value_that_is_set(calls: list[Call]) -> None:
    """By its own schema, which knows every key."""
    install = installs_of(calls)["meme-generator"]
    chart = ROOT / "helm" / "memebattle"
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    for path in after(install, "--values"):
        values = merged(values, yaml.safe_load((ROOT / path).read_text(encoding="utf-8")))
    for setting in after(install, "--set"):
        key, _, value = setting.partition("=")
        nested: Any = yaml.safe_load(value)
        for part in reversed(key.split(".")):
            nested = {part: nested}
        values = merged(values, nested)

    jsonschema.validate(values, json.loads((chart / "values.schema.json").read_text(encoding="utf-8")))
    assert values["metrics"]["podMonitor"]["enabled"] is True
    assert install[6] == "helm/memebattle"


def test_the_image_that_is_built_is_the_one_that_runs(calls: list[Call]) -> None:
    (build,) = (call for call in calls if call[:3] == ["minikube", "image", "build"])
    preset = yaml.safe_load(
        (ROOT / "helm" / "memebattle" / "values-minikube.yaml").read_text(encoding="utf-8")
    )
    image = preset["image"]

    assert after(build, "--tag") == [f"{image['repository']}:{image['tag']}"] == ["meme-generator:latest"]
    assert build[-1] == "."
    assert image["pullPolicy"] != "Always"


def test_small_means_as_many_copies_as_there_are_servers(calls: list[Call]) -> None:
    small = yaml.safe_load((ROOT / "helm" / "infra" / "nats-small.yaml").read_text(encoding="utf-8"))
    clustered = small["config"].get("cluster", {}).get("enabled", True)
    copies = [
        each for each in after(installs_of(calls)["meme-generator"], "--set") if "nats.replicas" in each
    ]

    assert copies == ([] if clustered else ["nats.replicas=1"])


def test_both_sides_get_the_same_passwords(first: tuple[Machine, subprocess.CompletedProcess[str]]) -> None:
    """In one step, through a pipe: no password is an argument of anything."""
    machine, ended = first
    given, _, token = machine.applied.read_text(encoding="utf-8").partition("HF_API_TOKEN")
    secrets = {each["metadata"]["name"]: each["stringData"] for each in yaml.safe_load_all(given)}
    words = secrets["meme-generator-nats"].values()

    assert set(secrets) == {"nats-auth", "meme-generator-nats"}
    assert [word for word in words if word not in secrets["nats-auth"]["auth.conf"]] == []
    said = ended.stdout + ended.stderr + machine.programs.calls_file.read_text(encoding="utf-8")
    assert [word for word in [*words, "hf_secret"] if word in said] == []
    assert token == "=hf_secret\n"


def test_without_a_token_there_is_no_secret_for_it(machine: Machine) -> None:
    ended = machine.run(UP)

    assert "HF_API_TOKEN is not set" in ended.stdout
    assert "HF_API_TOKEN" not in machine.applied.read_text(encoding="utf-8")


def test_a_second_run_makes_nothing_twice(tmp_path: Path) -> None:
    """What is there stays, above all passwords; charts are brought up to date, the new image is started."""
    machine = Machine(tmp_path, FOUND_ALL)
    ended = machine.run(UP, HF_API_TOKEN="hf_secret")
    verbs = [verb_of(call) for call in machine.changes() if call[0] == "kubectl"]

    assert ended.returncode == 0, ended.stderr
    assert verbs == ["label", "rollout"]
    assert not machine.applied.exists()
    assert len(installs_of(machine.changes())) == 4
    assert machine.changes()[-1][3:5] == ["rollout", "restart"]


def test_the_first_run_restarts_nothing(calls: list[Call]) -> None:
    assert [call for call in calls if "rollout" in call] == []


def test_the_application_keeps_to_the_strictest_profile(calls: list[Call]) -> None:
    (label,) = (call for call in calls if verb_of(call) == "label")

    assert label[4:6] == ["namespace", "meme-generator"]
    assert label[-1] == "pod-security.kubernetes.io/enforce=restricted"


def test_a_step_that_fails_ends_it(machine: Machine) -> None:
    machine.programs.add({"helm": '[ "$3" != upgrade ]'})

    ended = machine.run(UP)

    assert ended.returncode != 0
    assert [call[5] for call in machine.programs.calls("helm") if verb_of(call) == "upgrade"] == ["keda"]
    assert "== what next" not in ended.stdout


def test_the_host_names_are_printed_and_only_written_when_asked_for(machine: Machine) -> None:
    ended = machine.run(UP)

    assert HOSTS_LINE in ended.stdout
    assert machine.hosts.read_text(encoding="utf-8") == "127.0.0.1 localhost\n"


def test_the_host_names_are_written_once(machine: Machine) -> None:
    """Those of an earlier cluster go, those of others stay."""
    machine.hosts.write_text(
        f"127.0.0.1 localhost\n{HOSTS_LINE.replace(NODE, '10.0.0.1')}\n10.0.0.2 theirs.local\n"
    )
    machine.run(UP, "--hosts")
    once = machine.hosts.read_text(encoding="utf-8")
    ended = machine.run(UP, "--hosts")

    assert once == f"127.0.0.1 localhost\n10.0.0.2 theirs.local\n{HOSTS_LINE}\n"
    assert machine.hosts.read_text(encoding="utf-8") == once
    assert "has it already" in ended.stdout


def test_the_host_names_are_taken_out_again(machine: Machine) -> None:
    machine.run(UP, "--hosts")
    machine.run(DOWN, "--hosts")

    assert machine.hosts.read_text(encoding="utf-8") == "127.0.0.1 localhost\n"


@pytest.mark.parametrize("program", ["minikube", "kubectl", "helm"])
def test_a_missing_program_is_named_before_anything_is_done(machine: Machine, program: str) -> None:
    machine.programs.directory.joinpath(program).unlink()
    shell = machine.programs.directory.parent / "shell"
    shell.mkdir()
    for tool in ("sh", "dirname", "env"):
        shell.joinpath(tool).symlink_to(f"/bin/{tool}" if tool == "sh" else f"/usr/bin/{tool}")

    ended = machine.run(UP, PATH=f"{machine.programs.directory}:{shell}")

    assert ended.returncode == 1
    assert f"error: there is no {program} on PATH" in ended.stderr
    assert "  try: https://" in ended.stderr
    assert machine.programs.calls() == []


@pytest.mark.parametrize("script", [UP, DOWN], ids=["up", "down"])
def test_an_unknown_option_is_refused_and_help_lists_the_known_ones(machine: Machine, script: Path) -> None:
    refused, helped = machine.run(script, "--huge"), machine.run(script, "--help")
    known = set(re.findall(r"^ +(--[a-z-]+)\)", script.read_text(encoding="utf-8"), re.MULTILINE))

    assert refused.returncode == 2
    assert "error: unknown option --huge" in refused.stderr
    assert helped.returncode == 0
    assert [option for option in known if option not in helped.stdout] == []
    assert machine.programs.calls() == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["minikube", "stop", "--profile", "minikube"]),
        (["--delete"], ["minikube", "delete", "--profile", "minikube"]),
        (
            ["--application"],
            [
                *("helm", "--kube-context", "minikube", "uninstall", "meme-generator"),
                *("--namespace", "meme-generator", "--ignore-not-found", "--wait"),
            ],
        ),
    ],
    ids=["stop", "delete", "application"],
)
def test_the_way_back(machine: Machine, options: list[str], expected: Call) -> None:
    ended = machine.run(DOWN, *options)

    assert ended.returncode == 0, ended.stderr
    assert machine.programs.calls() == [expected]


@pytest.mark.parametrize("script", [UP, DOWN], ids=["up", "down"])
def test_help_is_no_more_than_help_wherever_one_stands(machine: Machine, script: Path) -> None:
    """The scripts go to the top of the repository before they read their own head."""
    helped = machine.run(f"./{script.name}", "--help", directory=script.parent)

    assert helped.returncode == 0
    assert "--dry-run" in helped.stdout
    assert machine.programs.calls() == []
