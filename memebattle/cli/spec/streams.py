"""How subjects are carried: the JetStream part of the document, from the topology the workers apply."""

from __future__ import annotations

from typing import Any

from nats.js.api import ConsumerConfig, StreamConfig

from memebattle.bus.streams import Topology
from memebattle.cli.spec.schema import Json


def stream_of(topology: Topology, address: str) -> StreamConfig | None:
    """The stream that keeps what is published there."""
    return next(
        (
            stream
            for stream in topology.streams
            if any(covers(subject, address) for subject in stream.subjects or [])
        ),
        None,
    )


def republished_from(topology: Topology, address: str) -> Json | None:
    """The stream and the subject whose stored messages are heard there again."""
    for stream in topology.streams:
        if (rule := stream.republish) is not None and covers(str(rule.dest), address):
            # `answers.meme.*.>` -> `meme.>`: what `>` matched is what the two have in common
            rest = address.removeprefix(str(rule.dest).removesuffix(">"))
            return {
                "stream": stream.name,
                "source": str(rule.src).replace("*", "{request_id}").removesuffix(">") + rest,
            }
    return None


def covers(pattern: str, address: str) -> bool:
    """Whether a subject filter matches a template; a template's parameter is any one token."""
    wanted, tokens = pattern.split("."), address.split(".")
    if wanted[-1] == ">":
        if len(tokens) < len(wanted):
            return False
        wanted = wanted[:-1]
        tokens = tokens[: len(wanted)]
    return len(wanted) == len(tokens) and all(
        want in {"*", token} for want, token in zip(wanted, tokens, strict=True)
    )


def stream_facts(config: StreamConfig) -> Json:
    """What a client has to know about a stream. Times are seconds, sizes bytes."""
    return {
        "name": config.name,
        "description": config.description,
        "subjects": config.subjects,
        "retention": _plain(config.retention),
        "storage": _plain(config.storage),
        "replicas": config.num_replicas,
        "limits": {
            "discard": _plain(config.discard),
            "max_age_seconds": int(config.max_age or 0),
            "max_bytes": config.max_bytes,
            **({"max_msgs": config.max_msgs} if config.max_msgs else {}),
        },
        "duplicate_window_seconds": int(config.duplicate_window or 0),
        **({"republish": {"from": rule.src, "to": rule.dest}} if (rule := config.republish) else {}),
    }


def consumer_facts(config: ConsumerConfig, max_attempts: int) -> Json:
    """How the workers read a stream; `max_deliver` -1 is no limit, tries are counted elsewhere."""
    return {
        "durable": config.durable_name,
        "mode": "pull",
        **(
            {"filter_subjects": config.filter_subjects}
            if config.filter_subjects
            else {"filter_subject": config.filter_subject}
        ),
        "ack_policy": _plain(config.ack_policy),
        "ack_wait_seconds": config.ack_wait,
        "max_deliver": config.max_deliver,
        "max_ack_pending": config.max_ack_pending,
        "max_attempts": max_attempts,
    }


def _plain(value: Any) -> str:
    return str(getattr(value, "value", value))
