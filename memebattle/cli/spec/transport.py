"""A channel's `x-nats-*` facts as sentences for the page."""

from __future__ import annotations

from collections.abc import Iterator

from memebattle.cli.spec.schema import Json

KEPT = {
    "workqueue": "until it is answered, at most {age}",
    "limits": "for {age}",
    "interest": "while somebody waits for it, at most {age}",
}
FULL = {"new": "a full stream refuses", "old": "a full stream forgets its oldest message"}


def carried_by(channel: Json) -> Iterator[str]:
    """Markdown lines: the stream and its consumer, the republished stream, or Core NATS."""
    if (jetstream := channel.get("x-nats-jetstream")) is not None:
        yield _stream(jetstream["stream"])
        if consumer := jetstream.get("consumer"):
            yield _consumer(consumer)
    elif (republished := channel.get("x-nats-republish")) is not None:
        yield f"Core NATS, republished by stream `{republished['stream']}` from `{republished['source']}`."
    else:
        yield _core(channel["x-nats-core"])


def _core(core: Json) -> str:
    match core:
        case {"queue": queue}:
            return f"Core NATS; queue group `{queue}`."
        case {"reply": True}:
            return "Core NATS; the reply subject of the question."
        case _:
            return "Core NATS; every subscriber hears it."


def _stream(stream: Json) -> str:
    limits = stream["limits"]
    kept = KEPT[stream["retention"]].format(age=_age(limits["max_age_seconds"]))
    bounds = [f"{limits['max_msgs']:,} messages"] if "max_msgs" in limits else []
    bounds.append(_size(limits["max_bytes"]))
    return (
        f"Stream `{stream['name']}`: a message is kept {kept}; room for {' or '.join(bounds)},"
        f" {FULL[limits['discard']]}; repeats of a `Nats-Msg-Id` within"
        f" {stream['duplicate_window_seconds']} s are dropped."
    )


def _consumer(consumer: Json) -> str:
    return (
        f"Durable {consumer['mode']} consumer `{consumer['durable']}`:"
        f" {consumer['ack_policy']} acknowledgement, redelivered after"
        f" {consumer['ack_wait_seconds']:g} s of silence, at most {consumer['max_ack_pending']} in work,"
        f" {consumer['max_attempts']} attempts, then a dead letter."
    )


def _age(seconds: int) -> str:
    days, hours = seconds / 86400, seconds / 3600
    if hours < 1:
        return f"{seconds / 60:g} minutes"
    return f"{days:g} days" if days > 1 else f"{hours:g} hours"


def _size(number: int) -> str:
    mebibytes = number / 1024**2
    return f"{mebibytes / 1024:g} GiB" if mebibytes >= 1024 else f"{mebibytes:g} MiB"
