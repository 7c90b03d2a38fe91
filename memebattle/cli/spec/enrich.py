"""From what FastStream knows to what a client needs.

FastStream's document has the channels, the payload schemas and the handlers' docstrings. It lacks parameters,
streams and consumers, headers, examples and servers; it names messages after its own classes; and its order
changes with the hash seed. So this composes a new document: facts from the application, the topology and the
settings, prose from `words.py`, in the order of `words.CHANNELS`.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nats.js.api import ConsumerConfig

from memebattle.bus.framework import pull_subscribers
from memebattle.bus.messages import Stamped
from memebattle.bus.streams import Topology
from memebattle.bus.subjects import DEAD_LETTER, MEANINGS
from memebattle.cli.spec.examples import examples_of
from memebattle.cli.spec.schema import SCHEMAS, Json, closure, name_in, without_null
from memebattle.cli.spec.streams import consumer_facts, republished_from, stream_facts, stream_of
from memebattle.cli.spec.words import CHANNELS, HEADERS, REQUEST_ID, ChannelWords
from memebattle.memes.handlers import MemeCancel
from memebattle.settings import Settings
from memebattle.worker import create_app

# where a message says which request it is about; a cancel says it in its subject, a dead letter may not know
CORRELATION = {
    "MemeRequest": "id",
    "MemeResponse": "request_id",
    "MemeError": "request_id",
    "MemeCreated": "request_id",
    "MemeStatus": "request_id",
}

STAMP = Stamped.model_fields.keys()


class SpecError(ValueError):
    """Code and words disagree; the message says where."""


@dataclass(frozen=True)
class Parts:
    """The three parts of the document that come from the application: channels, operations, components."""

    settings: Settings

    @cached_property
    def app(self) -> Any:
        return create_app(self.settings)

    @cached_property
    def raw(self) -> Json:
        """FastStream's own document, and the one channel it cannot know."""
        found: Json = deepcopy(self.app.schema.to_specification().to_jsonable())
        found["components"]["schemas"] |= {"MemeCancel": MemeCancel.model_json_schema(), "DeadLetter": _BYTES}
        found["channels"]["DeadLetter"] = {
            "address": DEAD_LETTER,
            "description": "Put aside a message that can never be served, with the reason in its headers.",
        }
        found["operations"]["DeadLetter"] = {"action": "send"}
        return found

    @cached_property
    def topology(self) -> Topology:
        return Topology.of(self.settings)

    @cached_property
    def names(self) -> list[str]:
        """The channels of these settings, in the order of the words."""
        if silent := sorted(self.raw["channels"].keys() - CHANNELS.keys()):
            raise SpecError(f"no words in words.CHANNELS for {', '.join(silent)}")
        return [name for name in CHANNELS if name in self.raw["channels"]]

    def channels(self) -> Json:
        return {name: self._channel(name, CHANNELS[name]) for name in self.names}

    def operations(self) -> Json:
        return {name: self._operation(name) for name in self.names}

    def messages(self) -> Json:
        found: Json = {}
        for name in self.names:
            words = CHANNELS[name]
            for payload in self._payloads(name):
                found.setdefault(words.message_prefix + payload, _message(payload, words))
        return found

    def schemas(self) -> Json:
        """Payloads and what they refer to, then headers."""
        sent = {name for name in self.names if self._action(name) == "send" for name in self._payloads(name)}
        used = dict.fromkeys(payload for name in self.names for payload in self._payloads(name))
        reached = list(closure(used, self.raw["components"]["schemas"]))
        found = {name: _tidy(self.raw["components"]["schemas"][name], sent=name in sent) for name in reached}
        kinds = dict.fromkeys(CHANNELS[name].headers for name in self.names)
        return found | {f"{kind}Headers": deepcopy(HEADERS[kind]) for kind in kinds if kind}

    def _channel(self, name: str, words: ChannelWords) -> Json:
        address = self.raw["channels"][name]["address"]
        parameters = re.findall(r"{(\w+)}", address)
        servers = ["nats"] if words.browser == "neither" else ["nats", "websocket"]
        return {
            "address": address,
            "title": words.title,
            "description": MEANINGS[words.subject],
            "servers": [{"$ref": f"#/servers/{server}"} for server in servers],
            **({"parameters": {key: self._parameter(key) for key in parameters}} if parameters else {}),
            "messages": {
                message: {"$ref": f"#/components/messages/{message}"} for message in self._message_names(name)
            },
            "x-audience": {"says": words.says, "hears": words.hears, "browsers": words.browser},
            "x-delivery": {
                "guarantee": words.guarantee,
                "because": words.because,
                "ordering": words.ordering,
            },
            **self._transport(name, address),
        }

    def _operation(self, name: str) -> Json:
        queue, asked = self._queue(name), "MemeRequest" in self._payloads(name)
        return {
            "action": self._action(name),
            "channel": {"$ref": f"#/channels/{name}"},
            "title": CHANNELS[name].title,
            "summary": self._summary(name),
            "description": f"{CHANNELS[name].because} Ordering: {CHANNELS[name].ordering}.",
            "messages": [
                {"$ref": f"#/channels/{name}/messages/{message}"} for message in self._message_names(name)
            ],
            **({"bindings": {"nats": {"queue": queue, "bindingVersion": "0.1.0"}}} if queue else {}),
            **({"reply": self._reply()} if asked else {}),
        }

    def _summary(self, name: str) -> str:
        """The docstring: the handler's for what we receive, the message's for what we send."""
        handler = self.raw["channels"][name].get("description", "")
        payloads = self._payloads(name)
        message = self.raw["components"]["schemas"][payloads[0]].get("description", "")
        return _first_line(handler or (message if len(payloads) == 1 else MEANINGS[CHANNELS[name].subject]))

    def _reply(self) -> Json:
        """Not NATS request-reply: the answer comes on a subject made of the request's id."""
        return {
            "channel": {"$ref": "#/channels/MemeAnswer"},
            "messages": [
                {"$ref": f"#/channels/MemeAnswer/messages/{name}"}
                for name in self._message_names("MemeAnswer")
            ],
        }

    def _transport(self, name: str, address: str) -> Json:
        """How the subject is carried: a queue group, a stream with its consumer, a republished stream."""
        if name in self._pulled:
            return {"x-nats-jetstream": self._jetstream(address, self._pulled[name])}
        if self._action(name) == "send" and stream_of(self.topology, address) is not None:
            return {"x-nats-jetstream": self._jetstream(address, None)}
        if address in self._answered and (source := republished_from(self.topology, address)):
            return {"x-nats-republish": source}
        queue = self._queue(name)
        return {"x-nats-core": {"queue": queue} if queue else {"fan_out": True}}

    @cached_property
    def _answered(self) -> set[str]:
        """The subjects the results stream is made to republish on; its pattern covers more."""
        response = self.settings.nats.response_subject
        return {response, f"{response}.error"}

    @cached_property
    def _pulled(self) -> dict[str, ConsumerConfig]:
        """The durable consumers by the channel they read."""
        declared = {(stream, config.durable_name): config for stream, config in self.topology.consumers}
        return {
            name: declared[each.stream.name, each.extra_options["durable"]]
            for each in pull_subscribers(self.app.broker.subscribers)
            for name in each.schema()
        }

    def _jetstream(self, address: str, consumer: ConsumerConfig | None) -> Json:
        stream = stream_of(self.topology, address)
        if stream is None:
            raise SpecError(f"{address}: no declared stream keeps it")
        facts: Json = {"stream": stream_facts(stream)}
        if consumer is not None:
            facts["consumer"] = consumer_facts(consumer, self.settings.delivery.max_attempts)
        return facts

    def _parameter(self, name: str) -> Json:
        nats = self.settings.nats
        kind = nats.response_subject.rpartition(".")[2]
        known: dict[str, Json] = {
            "request_id": REQUEST_ID,
            "kind": {
                "enum": [kind, f"{kind}.error"],
                "description": "Which answer. The error's is two tokens: subscribe to"
                " `answers.meme.{request_id}.>` for both.",
            },
            "stream": {"default": nats.stream, "description": "The stream that kept the original."},
            "consumer": {"default": nats.consumer, "description": "The consumer that gave up."},
        }
        if name not in known:
            raise SpecError(f"no words for the parameter {name!r}")
        return deepcopy(known[name])

    def _payloads(self, name: str) -> list[str]:
        """The names of the payload schemas of a channel; a union is several messages."""
        if name == "DeadLetter":
            return ["DeadLetter"]
        raw = self.raw["components"]
        found = []
        for reference in self.raw["channels"][name]["messages"].values():
            payload = raw["messages"][name_in(reference)]["payload"]
            schema = raw["schemas"][name_in(payload)]
            found += [name_in(each) for each in schema.get("anyOf", [payload])]
        return ["MemeCancel" if each == "EmptyPayload" else each for each in found]

    def _message_names(self, name: str) -> list[str]:
        return [CHANNELS[name].message_prefix + payload for payload in self._payloads(name)]

    def _action(self, name: str) -> str:
        return str(self.raw["operations"][name]["action"])

    def _queue(self, name: str) -> str | None:
        queue: str | None = self.raw["channels"][name].get("bindings", {}).get("nats", {}).get("queue")
        return queue


_BYTES: Json = {
    "title": "DeadLetter",
    "type": "string",
    "description": "The original body, byte for byte, cut at half of the server's `max_payload`;"
    " perhaps no JSON.",
}


def _message(payload: str, words: ChannelWords) -> Json:
    field = CORRELATION.get(payload)
    return {
        "name": words.message_prefix + payload,
        "title": words.message_prefix + payload,
        "contentType": "application/octet-stream" if payload == "DeadLetter" else "application/json",
        **({"correlationId": {"location": f"$message.payload#/{field}"}} if field else {}),
        **({"headers": {"$ref": f"{SCHEMAS}{words.headers}Headers"}} if words.headers else {}),
        "payload": {"$ref": SCHEMAS + payload},
        "examples": examples_of(payload, words.headers),
    }


def _tidy(schema: Json, *, sent: bool) -> Json:
    """Without the property titles; in what we send, optional is what may be absent, and nothing is null."""
    tidy = deepcopy(schema)
    optional = set()
    for name, field in tidy.get("properties", {}).items():
        field.pop("title", None)
        if sent and "default" in field and field["default"] is None:
            optional.add(name)
            del field["default"]
            field.update(without_null(field))
            del field["anyOf"]
    if sent and "properties" in tidy:
        # what every message of ours carries comes last: a reader looks for what is special about this one
        tidy["properties"] = dict(sorted(tidy["properties"].items(), key=lambda item: item[0] in STAMP))
        tidy["required"] = [name for name in tidy["properties"] if name not in optional]
    return tidy


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
