"""`memebattle k8s render` and `nats-ui`: manifests without Helm, and what is said when there can be none."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from typer.testing import CliRunner, Result

from memebattle.cli import k8s, k8s_chart
from memebattle.cli.k8s_manifests import GENERATED
from memebattle.cli.output import Problem
from tests.chart.programs import Programs, after

type Manifest = dict[str, Any]

WITH_JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: streams
  annotations: {"helm.sh/hook": "post-install,post-upgrade", "note": "kept"}
spec:
  template: {spec: {restartPolicy: Never, containers: [{name: streams, image: "a:1"}]}}
"""


def run(*arguments: str, path: str = "/nonexistent") -> Result:
    """The command with this PATH: without a `helm` on it, the library renders."""
    ended = CliRunner().invoke(k8s.k8s, arguments, env={"PATH": path})
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended


def manifests(file: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def of_kind(found: Sequence[Manifest], kind: str) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in found if each["kind"] == kind}


def job_name(directory: Path, *settings: str) -> str:
    """The name of the streams Job with these values."""
    options = [word for setting in settings for word in ("--set", setting)]
    run("render", "--output", str(directory), *options)
    (name,) = of_kind(manifests(directory / "deployment.yaml"), "Job")
    return name


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything, from the chart's defaults."""
    directory = tmp_path_factory.mktemp("k8s")
    assert run("render", "--output", str(directory), "--all").exit_code == 0
    return directory


@pytest.fixture(scope="module")
def running(rendered: Path) -> list[Manifest]:
    return manifests(rendered / "deployment.yaml")


@pytest.fixture(scope="module")
def scaling(rendered: Path) -> list[Manifest]:
    return manifests(rendered / "keda-scaledobject.yaml")


def test_the_files_are_those_of_the_documents(rendered: Path) -> None:
    assert sorted(path.name for path in rendered.iterdir()) == [
        "deployment.yaml",
        "keda-scaledobject.yaml",
        "tests.yaml",
    ]
    assert all(path.read_text(encoding="utf-8").startswith(GENERATED) for path in rendered.iterdir())


def test_everything_that_runs_is_in_one_file(running: list[Manifest]) -> None:
    assert sorted(of_kind(running, "Deployment")) == [
        "meme-generator",
        "meme-generator-battle",
        "meme-generator-gateway",
        "meme-generator-priority",
        "meme-generator-workflow",
    ]
    assert {"ServiceAccount", "ConfigMap", "Service", "Job"} <= {each["kind"] for each in running}


def test_a_cluster_takes_every_object(running: list[Manifest], rendered: Path) -> None:
    for manifest in [*running, *manifests(rendered / "tests.yaml")]:
        kubernetes_validate.validate(manifest, "1.34", strict=True)


def test_what_others_need_comes_first(running: list[Manifest]) -> None:
    kinds = [each["kind"] for each in running]

    assert max(kinds.index(kind) for kind in ("ServiceAccount", "ConfigMap")) < kinds.index("Job")
    assert kinds.index("Job") < kinds.index("Deployment")


def test_only_scaled_objects_need_keda(running: list[Manifest], scaling: list[Manifest]) -> None:
    assert {each["kind"] for each in scaling} == {"ScaledObject"}
    assert [each["kind"] for each in running if "keda" in each["apiVersion"]] == []


def test_scaled_objects_scale_what_is_there(running: list[Manifest], scaling: list[Manifest]) -> None:
    targets = {each["spec"]["scaleTargetRef"]["name"] for each in scaling}

    without_queue = {"meme-generator-gateway", "meme-generator-battle"}
    assert targets == set(of_kind(running, "Deployment")) - without_queue


def test_what_is_referred_to_is_in_the_same_file(running: list[Manifest]) -> None:
    """But for Secrets, which no file of ours holds."""
    workloads = [each["spec"]["template"]["spec"] for each in running if "template" in each.get("spec", {})]
    configured = {
        source["configMapRef"]["name"]
        for pod in workloads
        for container in pod["containers"]
        for source in container.get("envFrom", [])
        if "configMapRef" in source
    }

    assert len(workloads) == 6
    assert configured == set(of_kind(running, "ConfigMap"))
    assert {pod["serviceAccountName"] for pod in workloads} == set(of_kind(running, "ServiceAccount"))
    assert of_kind(running, "Secret") == {}


def test_every_object_names_its_namespace(running: list[Manifest], scaling: list[Manifest]) -> None:
    assert {each["metadata"]["namespace"] for each in [*running, *scaling]} == {"meme-generator"}


def test_another_namespace_and_name(tmp_path: Path) -> None:
    run("render", "--output", str(tmp_path), "--namespace", "memes", "--name", "second")
    found = manifests(tmp_path / "deployment.yaml")

    assert {each["metadata"]["namespace"] for each in found} == {"memes"}
    assert {each["metadata"]["labels"]["app.kubernetes.io/instance"] for each in found} == {"second"}


def test_nothing_says_that_helm_looks_after_it(running: list[Manifest], rendered: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in rendered.iterdir())
    labels = {each["metadata"]["labels"]["app.kubernetes.io/managed-by"] for each in running}

    assert "helm.sh/hook" not in text
    assert labels == {"kubectl"}


def test_the_same_again_changes_nothing(tmp_path: Path, rendered: Path) -> None:
    """Byte by byte: `kubectl apply` finds nothing to do, the Job included."""
    run("render", "--output", str(tmp_path), "--all")

    for path in rendered.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_other_streams_make_another_job(tmp_path: Path) -> None:
    """A Job cannot be changed; under its old name, the new one would be refused."""
    usual = job_name(tmp_path)
    renamed = job_name(tmp_path, "streams.memes.stream=OTHERS")
    newer = job_name(tmp_path, "image.tag=2.0.0")

    assert len({usual, renamed, newer}) == 3
    assert all(
        name.startswith("meme-generator-streams-") and len(name) < 63 for name in (usual, renamed, newer)
    )


def test_a_finished_job_goes_by_itself(running: list[Manifest]) -> None:
    (job,) = of_kind(running, "Job").values()

    assert job["spec"]["ttlSecondsAfterFinished"] == 3600


def test_tests_are_only_written_when_asked_for(tmp_path: Path, rendered: Path) -> None:
    run("render", "--output", str(tmp_path))

    assert not (tmp_path / "tests.yaml").exists()
    assert {each["kind"] for each in manifests(rendered / "tests.yaml")} == {"Pod"}


def test_a_file_that_says_nothing_any_more_is_removed(tmp_path: Path) -> None:
    """Left behind, it would scale by KEDA what is scaled in another way now."""
    run("render", "--output", str(tmp_path))
    off = [f"{role}.autoscaling.mode=none" for role in ("worker", "workflow", "priority")]
    run("render", "--output", str(tmp_path), *(word for each in off for word in ("--set", each)))

    assert [path.name for path in tmp_path.iterdir()] == ["deployment.yaml"]


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "tests.yaml"
    theirs.write_text("mine: true\n", encoding="utf-8")

    run("render", "--output", str(tmp_path))

    assert theirs.read_text(encoding="utf-8") == "mine: true\n"


def test_values_files_and_settings_in_their_order(tmp_path: Path) -> None:
    """A later file wins over an earlier one, a setting over both; what they do not name stays."""
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(
        "image: {tag: one, registry: one.example}\nredis: {url: 'redis://one:1'}\n", encoding="utf-8"
    )
    two.write_text("image: {tag: two}\nredis: {url: 'redis://two:2'}\n", encoding="utf-8")
    run(
        *("render", "--output", str(tmp_path / "k8s"), "--values", str(one), "--values", str(two)),
        *("--set", "image.tag=three"),
    )
    found = manifests(tmp_path / "k8s" / "deployment.yaml")
    gateway = of_kind(found, "Deployment")["meme-generator-gateway"]["spec"]["template"]["spec"]

    assert gateway["containers"][0]["image"] == "one.example/meme-generator:three"
    assert of_kind(found, "ConfigMap")["meme-generator"]["data"]["REDIS_URL"] == "redis://two:2"


def test_numbers_that_are_texts_stay_texts(tmp_path: Path) -> None:
    """`1e3` is text to Python's YAML and a number to Kubernetes', and a ConfigMap holds only texts."""
    values = tmp_path / "values.yaml"
    values.write_text('settings: {HF_MODEL: "1e3"}\n', encoding="utf-8")
    run("render", "--output", str(tmp_path), "--values", str(values))

    assert '  HF_MODEL: "1e3"\n' in (tmp_path / "deployment.yaml").read_text(encoding="utf-8")


def test_it_can_be_printed_instead() -> None:
    ended = run("render", "--output", "-")

    assert {each["kind"] for each in yaml.safe_load_all(ended.stdout)} >= {"Deployment", "ScaledObject"}


def test_it_says_what_to_do_next(tmp_path: Path) -> None:
    """Tests are for later: the roles have to run first."""
    ended = run(
        "render", "--output", str(tmp_path), "--set", "image.tag=latest", "--all", "--namespace", "memes"
    )

    assert "5 Deployments" in ended.stdout
    assert "meme-generator:latest" in ended.stderr
    assert "memebattle k8s secrets --namespace memes | kubectl apply -f -\n" in ended.stderr
    assert "tests.yaml" in ended.stdout
    assert "tests.yaml" not in ended.stderr
    assert (
        f"kubectl apply -f {tmp_path / 'deployment.yaml'} -f {tmp_path / 'keda-scaledobject.yaml'}"
        in ended.stderr
    )


def test_for_programs_it_says_the_same_in_json(tmp_path: Path) -> None:
    ended = run("render", "--output", str(tmp_path), "--json")
    said = [json.loads(line) for line in ended.stdout.splitlines()]

    assert [Path(line["file"]).name for line in said] == ["deployment.yaml", "keda-scaledobject.yaml"]
    assert said[1]["objects"] == {"ScaledObject": 3}
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--set", "worker.concurency=5"], "concurency"),
        (["--set", "worker.concurrency=6"], "worker.concurrency is 6"),
        (["--set", "nonsense"], "has no value"),
    ],
    ids=["a key that does not exist", "values that contradict each other", "no assignment"],
)
def test_values_that_the_chart_refuses(tmp_path: Path, options: list[str], why: str) -> None:
    with pytest.raises(Problem, match="the chart refuses these values") as refused:
        run("render", "--output", str(tmp_path / "k8s"), *options)

    assert why in refused.value.why
    assert "\n" not in refused.value.why
    assert "templates/" not in refused.value.why
    assert not (tmp_path / "k8s").exists()


@pytest.mark.parametrize(
    ("content", "what"),
    [(None, "cannot read"), ("a: [", "is no YAML"), ("- a\n", "holds no values")],
    ids=["missing", "not YAML", "a list"],
)
def test_a_values_file_that_cannot_be_used(tmp_path: Path, content: str | None, what: str) -> None:
    file = tmp_path / "values.yaml"
    if content is not None:
        file.write_text(content, encoding="utf-8")

    with pytest.raises(Problem, match=what) as refused:
        run("render", "--output", str(tmp_path / "k8s"), "--values", str(file))

    assert str(file) in refused.value.what


def test_helm_on_path_is_used(tmp_path: Path) -> None:
    programs = Programs(tmp_path / "bin")
    (tmp_path / "out.yaml").write_text(WITH_JOB, encoding="utf-8")
    programs.add({"helm": f"/bin/cat {tmp_path / 'out.yaml'}"})
    values = tmp_path / "values.yaml"
    values.write_text("a: 1\n", encoding="utf-8")

    run(
        *(
            "render",
            "--output",
            str(tmp_path / "k8s"),
            "--values",
            str(values),
            "--set",
            "b=2",
            "--name",
            "mine",
        ),
        path=str(programs.directory),
    )
    (call,) = programs.calls()
    (job,) = manifests(tmp_path / "k8s" / "deployment.yaml")

    assert call[1:3] == ["template", "mine"]
    assert (Path(call[3]) / "Chart.yaml").is_file()
    assert (after(call, "--namespace"), after(call, "--values"), after(call, "--set")) == (
        ["meme-generator"],
        [str(values)],
        ["b=2"],
    )
    assert job["metadata"]["annotations"] == {"note": "kept"}


def test_what_helm_says_is_passed_on(tmp_path: Path) -> None:
    where = "memebattle/templates/validations.yaml:3:4"
    said = f"Error: execution error at ({where}): too much concurrency\\n\\nUse --debug flag to render"
    programs = Programs(tmp_path / "bin")
    programs.add({"helm": f"printf '{said}' >&2; exit 1"})

    with pytest.raises(Problem, match="refuses") as refused:
        run("render", "--output", str(tmp_path / "k8s"), path=str(programs.directory))

    assert refused.value.why == "too much concurrency"


def test_without_helm_and_library_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "helm_python", None)

    with pytest.raises(Problem, match="nothing here can render") as refused:
        run("render", "--output", str(tmp_path))

    assert "memebattle[k8s]" in refused.value.do


def test_an_installed_package_carries_the_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no checkout around it then."""
    package = tmp_path / "site-packages" / "memebattle"
    (package / "cli" / "chart").mkdir(parents=True)
    (package / "cli" / "chart" / "Chart.yaml").write_text("name: memebattle\n", encoding="utf-8")
    monkeypatch.setattr(resources, "files", lambda _: package)

    assert k8s_chart.chart_directory() == package / "cli" / "chart"


def test_a_package_without_the_chart_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "files", lambda _: tmp_path / "memebattle")

    with pytest.raises(Problem, match="the chart is not here"):
        k8s_chart.chart_directory()


@pytest.fixture
def kubectl(tmp_path: Path) -> Programs:
    programs = Programs(tmp_path / "bin")
    programs.add({"kubectl": "exit 0"})
    return programs


def test_nats_ui_forwards_what_the_documents_forward(kubectl: Programs) -> None:
    ended = run("nats-ui", path=str(kubectl.directory))

    assert kubectl.calls() == [
        ["kubectl", "port-forward", "--namespace", "messaging", "service/nats", "8222:8222"]
    ]
    assert "http://localhost:8222/jsz?acc=APP&consumers=true" in ended.stdout


def test_nats_ui_on_another_port_of_another_service(kubectl: Programs) -> None:
    options: Mapping[str, str] = {"--port": "9000", "--service": "mynats", "--nats-namespace": "nats"}
    ended = run("nats-ui", *(word for pair in options.items() for word in pair), path=str(kubectl.directory))

    assert kubectl.calls() == [
        ["kubectl", "port-forward", "--namespace", "nats", "service/mynats", "9000:8222"]
    ]
    assert "http://localhost:9000/varz" in ended.stdout


def test_nats_ui_without_kubectl() -> None:
    with pytest.raises(Problem, match="no kubectl on PATH") as refused:
        run("nats-ui")

    assert "kubernetes.io" in refused.value.do


def test_nats_ui_that_cannot_forward(kubectl: Programs) -> None:
    kubectl.add({"kubectl": "exit 1"})

    with pytest.raises(Problem, match="the port-forward ended") as refused:
        run("nats-ui", path=str(kubectl.directory))

    assert "messaging" in refused.value.do
