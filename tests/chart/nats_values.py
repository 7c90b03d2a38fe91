"""What the values in helm/infra make of a NATS server: the official chart's nats.conf, without the chart.

The chart (nats 2.14.2) puts a JSON document together from `config`, and rewrites two things in it: a text
between `<<` and `>>` loses its quotes, and a key that ends in `$include` becomes an include directive. This
does the same for the keys that our values use. Both were compared once, byte by byte, for nats.yaml alone and
with each combination of the overlays; an upgrade of the chart is a reason to compare them again.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

INFRA: Final = Path(__file__).parents[2] / "helm" / "infra"
SERVERS: Final = "nats-headless.messaging.svc.cluster.local"

type Values = dict[str, Any]

# of the chart's own values, what ours build on
CHART: Final[Values] = {
    "tlsCA": {"enabled": False, "dir": "/etc/nats-ca-cert", "key": "ca.crt"},
    "config": {
        "cluster": {
            "enabled": False,
            "port": 6222,
            "replicas": 3,
            "noAdvertise": True,
            "tls": {"enabled": False, "dir": "/etc/nats-certs/cluster"},
        },
        "nats": {"port": 4222, "tls": {"enabled": False, "dir": "/etc/nats-certs/nats"}},
        "jetstream": {"fileStore": {"dir": "/data"}},
    },
}


def values(*names: str) -> Values:
    """These files of helm/infra, a later one on top of an earlier one, as `helm --values` does it."""
    found: Values = json.loads(json.dumps(CHART))
    for name in names:
        _overlay(found, yaml.safe_load((INFRA / name).read_text()))
    return found


def _overlay(under: Values, over: Values) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            _overlay(under[key], value)
        else:
            under[key] = value


def configuration(given: Values) -> Values:
    """The document before it is written."""
    config, authority = given["config"], _authority(given)
    found: Values = {
        "server_name": "<< $SERVER_NAME >>",
        "lame_duck_grace_period": "10s",
        "lame_duck_duration": "30s",
        "pid_file": "/var/run/nats/nats.pid",
        "port": config["nats"]["port"],
        "http_port": config["monitor"]["port"],
        "jetstream": _jetstream(config["jetstream"]),
        "websocket": {"port": config["websocket"]["port"], "no_tls": True, **config["websocket"]["merge"]},
        **config["merge"],
    }
    if config["nats"]["tls"]["enabled"]:
        found["tls"] = _tls(config["nats"]["tls"], authority)
    if config["cluster"]["enabled"]:
        found["cluster"] = _cluster(config["cluster"], authority)
    return found


def _jetstream(jetstream: Values) -> Values:
    file = jetstream["fileStore"]
    return {
        "max_memory_store": f"<< {jetstream['memoryStore']['maxSize']} >>",
        "max_file_store": f"<< {file['pvc']['size']} >>",
        "store_dir": file["dir"],
        **jetstream.get("merge", {}),
    }


def _cluster(cluster: Values, authority: Values) -> Values:
    secure = cluster["tls"]["enabled"]
    scheme, port = "tls" if secure else "nats", cluster["port"]
    found: Values = {
        "name": "nats",
        "port": port,
        "no_advertise": cluster["noAdvertise"],
        "routes": [f"{scheme}://nats-{number}.{SERVERS}:{port}" for number in range(cluster["replicas"])],
    }
    return found | ({"tls": _tls(cluster["tls"], authority)} if secure else {})


def _tls(tls: Values, authority: Values) -> Values:
    files = {"cert_file": f"{tls['dir']}/tls.crt", "key_file": f"{tls['dir']}/tls.key"}
    return {**files, **authority, **tls.get("merge", {})}


def _authority(given: Values) -> Values:
    authority = given["tlsCA"]
    return {"ca_file": f"{authority['dir']}/{authority['key']}"} if authority["enabled"] else {}


def written(document: Values) -> str:
    """As it stands in nats.conf."""
    plain = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
    included = re.sub(r'".*\$include": "(.*)",?', r"include \1;", plain)
    return re.sub(r'"<<\s+(.*?)\s+>>"', r"\1", included)


def environment(given: Values, pod: str) -> dict[str, str]:
    """What nats.conf reads from the environment of this pod."""
    own = {name: value.replace("$(POD_NAME)", pod) for name, value in given["container"]["env"].items()}
    return {"SERVER_NAME": pod, **own}
