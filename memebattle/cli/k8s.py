"""`memebattle k8s`: manifests without Helm, the Secrets of a cluster, and a look at its NATS."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from memebattle.cli.output import Problem, console, emit, note

app = typer.Typer()
k8s = typer.Typer(no_args_is_help=True, help="Manifests and Secrets for Kubernetes, and a look at its NATS.")
app.add_typer(k8s, name="k8s")

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line")]
Namespace = Annotated[str, typer.Option(help="Namespace of the application")]
NatsNamespace = Annotated[str, typer.Option(help="Namespace of NATS")]

MONITORING_PORT = 8222
MONITORING_PAGES = {
    "/": "every page there is",
    "/varz": "the server: version, memory, connections, messages per second",
    "/jsz?acc=APP&consumers=true": "streams and backlogs, as KEDA reads them",
    "/connz?auth=true&subs=true": "who is connected, as whom, listening to what",
    "/routez": "the other servers of the cluster",
    "/healthz": "what the probes ask",
}


@k8s.command()
def render(
    output: Annotated[Path, typer.Option(help="Directory to write to; - prints instead")] = Path("k8s"),
    values: Annotated[list[Path] | None, typer.Option(help="File with values; the last one wins")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A value: KEY=VALUE")] = None,
    namespace: Namespace = "meme-generator",
    name: Annotated[str, typer.Option(help="Name of the release")] = "meme-generator",
    everything: Annotated[
        bool, typer.Option("--all", help="The pods of `helm test` as well, as tests.yaml")
    ] = False,
    json: Json = False,
) -> None:
    """Write the chart as plain manifests, for `kubectl apply` without Helm.

    Everything that runs goes into deployment.yaml, what scales it into keda-scaledobject.yaml.

    Example: memebattle k8s render --set image.tag=latest --set nats.replicas=1
    """
    from memebattle.cli import k8s_manifests
    from memebattle.cli.k8s_chart import Release, chart_directory, checked, renderer

    release = Release(name, namespace, checked(values or ()), tuple(settings or ()))
    manifests = renderer().render(chart_directory(), release)
    files = k8s_manifests.files_of(manifests, namespace)
    if not everything:
        files.pop(k8s_manifests.TESTS, None)
    if str(output) == "-":
        print("".join(k8s_manifests.text_of(each, files[each]) for each in files), end="")
        return
    k8s_manifests.write(output, files)
    for each, content in files.items():
        counts = k8s_manifests.counted(content)
        if json:
            emit({"file": str(output / each), "objects": counts})
        else:
            listed = ", ".join(_several(kind, count) for kind, count in counts.items())
            console().print(f"wrote {output / each}: {listed}", markup=False, soft_wrap=True)
    images = k8s_manifests.images(files.get(k8s_manifests.DEPLOYMENT, []))
    for line in _next_steps(output, namespace, files, images):
        note(line, quiet=json)


def _several(kind: str, count: int) -> str:
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    return f"{count} {kind if count == 1 else plural}"


def _next_steps(output: Path, namespace: str, files: Iterable[str], images: Iterable[str]) -> Iterator[str]:
    yield f"the cluster needs the image {', '.join(images)}; for another: --set image.tag=latest"
    elsewhere = "" if namespace == "meme-generator" else f" --namespace {namespace}"
    yield "once:  kubectl create namespace messaging"
    yield f"       kubectl create namespace {namespace}"
    yield f"       memebattle k8s secrets{elsewhere} | kubectl apply -f -"
    yield f"then:  kubectl apply {' '.join(f'-f {output / name}' for name in files if name != 'tests.yaml')}"


@k8s.command()
def secrets(
    nats_namespace: NatsNamespace = "messaging",
    namespace: Namespace = "meme-generator",
    password: Annotated[list[str] | None, typer.Option(help="ROLE=PASSWORD; the others are made up")] = None,
    hf_token_env: Annotated[
        str, typer.Option(help="Variable with the HuggingFace token; unset: no such Secret")
    ] = "HF_API_TOKEN",  # noqa: S107 - a name
    json: Json = False,
) -> None:
    """Print the Secrets of NATS and of the providers, with new passwords each time.

    Servers with new passwords let go of whoever signed in with old ones. After a change, restart the roles:
    kubectl rollout restart deployment -n meme-generator

    Example: memebattle k8s secrets | kubectl apply -f -
    """
    from memebattle.cli import k8s_secrets
    from memebattle.cli.k8s_yaml import to_yaml
    from memebattle.settings import Settings

    made = k8s_secrets.manifests(
        k8s_secrets.passwords(password or ()),
        namespace=namespace,
        nats_namespace=nats_namespace,
        domain=Settings.from_env().nats.jetstream_domain,
        token=os.environ.get(hf_token_env, "").strip(),
    )
    for manifest in made if json else ():
        emit(manifest)
    if not json:
        print(to_yaml(made), end="")
    if sys.stdout.isatty():
        note("these are secrets: `memebattle k8s secrets | kubectl apply -f -` keeps them off the screen")


@k8s.command("nats-ui")
def nats_ui(
    nats_namespace: NatsNamespace = "messaging",
    service: Annotated[str, typer.Option(help="Service of NATS")] = "nats",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine")] = MONITORING_PORT,
) -> None:
    """Forward the monitoring of one NATS server to this machine, until Ctrl-C.

    Example: memebattle k8s nats-ui
    then: open http://localhost:8222
    """
    if not (kubectl := shutil.which("kubectl")):
        raise Problem(
            "there is no kubectl on PATH",
            why="it is what reaches into the cluster",
            do="install it: https://kubernetes.io/docs/tasks/tools/",
        )
    for page, meaning in MONITORING_PAGES.items():
        print(f"http://localhost:{port}{page:<30} {meaning}", flush=True)
    ended = subprocess.run(
        [
            kubectl, "port-forward", "--namespace", nats_namespace,
            f"service/{service}", f"{port}:{MONITORING_PORT}",
        ],
        check=False,
    )  # fmt: skip
    if ended.returncode:
        raise Problem(
            "the port-forward ended",
            why="see what kubectl says above",
            do=f"`kubectl get service,pods --namespace {nats_namespace}`, or another --port",
        )
