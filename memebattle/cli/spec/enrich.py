"""From what FastStream knows to what a client needs.

FastStream's documents have the channels, the payload schemas and the handlers' docstrings. They lack
parameters, streams and consumers, headers, examples and servers; they name messages after its own classes;
and their order changes with the hash seed. So this composes a new document: facts from both roles
(`roles.py`), the topology and the settings, prose from `words.py`, in the order of `words.CHANNELS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

from nats.js.api import ConsumerConfig

from memebattle.bus.framework import pull_subscribers
from memebattle.bus.streams import Topology
from memebattle.bus.subjects import MEANINGS
from memebattle.cli.spec.headers import HEADERS
from memebattle.cli.spec.payloads import message, tidy
from memebattle.cli.spec.priority_roles import ALSO_PULLED
from memebattle.cli.spec.priority_words import PRIORITY
from memebattle.cli.spec.roles import ANSWERS, PAYLOADS, REPLIES, Roles
from memebattle.cli.spec.schema import Json, closure, name_in
from memebattle.cli.spec.streams import consumer_facts, republished_from, stream_facts, stream_of
from memebattle.cli.spec.vocabulary import ChannelWords, Operation
from memebattle.cli.spec.words import CHANNELS, EVENT_PARAMETERS, PARAMETERS, TASK_PARAMETERS
from memebattle.settings import Settings


class SpecError(ValueError):
    """Code and words disagree; the message says where."""


@dataclass(frozen=True)
class Parts:
    """The three parts of the document that come from the application: channels, operations, components."""

    settings: Settings

    @cached_property
    def roles(self) -> Roles:
        return Roles.of(self.settings)

    @cached_property
    def topology(self) -> Topology:
        return Topology.of(self.settings)

    @cached_property
    def names(self) -> list[str]:
        """The channels of these settings, in the order of the words."""
        if silent := sorted(self.roles.channels.keys() - CHANNELS.keys()):
            raise SpecError(f"no words in words.CHANNELS for {', '.join(silent)}")
        return [name for name in CHANNELS if name in self.roles.channels]

    def channels(self) -> Json:
        return {name: self._channel(name, CHANNELS[name]) for name in self.names}

    def operations(self) -> Json:
        """Those of each channel, the first one's name being the channel's."""
        return {
            title: self._operation(each)
            for name in self.names
            for title, each in self.roles.operations.items()
            if each.channel == name
        }

    def messages(self) -> Json:
        found: Json = {}
        for name in self.names:
            words = CHANNELS[name]
            for payload in self._payloads(name):
                found.setdefault(words.message_prefix + payload, message(payload, words))
        return found

    def schemas(self) -> Json:
        """Payloads and what they refer to, then headers."""
        sent = {payload for name in self.names if self._is_sent(name) for payload in self._payloads(name)}
        used = dict.fromkeys(payload for name in self.names for payload in self._payloads(name))
        sent = set(closure(sorted(sent), self.roles.schemas))
        reached = list(closure(used, self.roles.schemas))
        found = {name: tidy(self.roles.schemas[name], sent=name in sent) for name in reached}
        kinds = dict.fromkeys(CHANNELS[name].headers for name in self.names)
        return found | {f"{kind}Headers": deepcopy(HEADERS[kind]) for kind in kinds if kind}

    def _channel(self, name: str, words: ChannelWords) -> Json:
        address = self._address(name)
        parameters = re.findall(r"{(\w+)}", address or "")
        servers = ["nats"] if words.browser == "neither" else ["nats", "websocket"]
        return {
            "address": address,
            "title": words.title,
            "description": words.meaning or MEANINGS[words.subject],
            "servers": [{"$ref": f"#/servers/{server}"} for server in servers],
            **({"parameters": {key: self._parameter(key, name) for key in parameters}} if parameters else {}),
            "messages": {
                message: {"$ref": f"#/components/messages/{message}"} for message in self._message_names(name)
            },
            "tags": [{"name": words.group}],
            "x-audience": {"says": words.says, "hears": words.hears, "browsers": words.browser},
            "x-delivery": {
                "guarantee": words.guarantee,
                "because": words.because,
                "ordering": words.ordering,
            },
            **self._transport(name, address),
        }

    def _operation(self, operation: Operation) -> Json:
        name = operation.channel
        reply = self._reply(operation)
        return {
            "action": operation.action,
            "channel": {"$ref": f"#/channels/{name}"},
            "title": CHANNELS[name].title,
            "summary": self._summary(operation),
            "description": f"{CHANNELS[name].because} Ordering: {CHANNELS[name].ordering}.",
            "tags": [{"name": operation.role}],
            "messages": self._messages_of(name),
            **(
                {"bindings": {"nats": {"queue": operation.queue, "bindingVersion": "0.1.0"}}}
                if operation.queue
                else {}
            ),
            **({"reply": reply} if reply else {}),
        }

    def _summary(self, operation: Operation) -> str:
        """The docstring: the handler's for what we receive, the message's for what we send."""
        payloads = self._payloads(operation.channel)
        message = self.roles.schemas[payloads[0]].get("description", "")
        meaning = CHANNELS[operation.channel].meaning or MEANINGS[CHANNELS[operation.channel].subject]
        return _first_line(operation.handler or (message if len(payloads) == 1 else meaning))

    def _reply(self, operation: Operation) -> Json | None:
        """Where a role that receives something answers."""
        if operation.action != "receive":
            return None
        answers = [ANSWERS[each] for each in self._payloads(operation.channel) if each in ANSWERS]
        name = REPLIES.get(operation.channel) or next(iter(answers), None)
        if name is None:
            return None
        return {"channel": {"$ref": f"#/channels/{name}"}, "messages": self._messages_of(name)}

    def _messages_of(self, name: str) -> list[Json]:
        return [{"$ref": f"#/channels/{name}/messages/{each}"} for each in self._message_names(name)]

    def _transport(self, name: str, address: str | None) -> Json:
        """How the subject is carried: a queue group, a stream with its consumer, a republished stream."""
        if address is None:
            return {"x-nats-core": {"reply": True}}
        if name in self._pulled:
            return {"x-nats-jetstream": self._jetstream(address, self._pulled[name])}
        if self._is_sent(name) and stream_of(self.topology, address) is not None:
            return {"x-nats-jetstream": self._jetstream(address, None)}
        if address in self._answered and (source := republished_from(self.topology, address)):
            return {"x-nats-republish": source}
        queue = self.roles.operations[name].queue
        return {"x-nats-core": {"queue": queue} if queue else {"fan_out": True}}

    @cached_property
    def _answered(self) -> set[str]:
        """The subjects the streams are made to republish on; a pattern of theirs covers more."""
        response = self.settings.nats.response_subject
        return {response, f"{response}.error", self.settings.priority.result_subject}

    @cached_property
    def _pulled(self) -> dict[str, ConsumerConfig]:
        """The durable consumers by the channel they read."""
        declared = {(stream, config.durable_name): config for stream, config in self.topology.consumers}
        found = {
            name: declared[each.stream.name, each.extra_options["durable"]]
            for each in pull_subscribers(self.roles.worker.subscribers)
            for name in each.schema()
        }
        return found | {name: found[other] for name, other in ALSO_PULLED.items()}

    def _jetstream(self, address: str, consumer: ConsumerConfig | None) -> Json:
        stream = stream_of(self.topology, address)
        if stream is None:
            raise SpecError(f"{address}: no declared stream keeps it")
        facts: Json = {"stream": stream_facts(stream)}
        if consumer is not None:
            facts["consumer"] = consumer_facts(consumer, self._attempts[str(stream.name)])
        return facts

    @property
    def _attempts(self) -> dict[str, int]:
        """How often a message of a work queue is tried, by stream."""
        nats = self.settings.nats
        return {
            nats.stream: self.settings.delivery.max_attempts,
            nats.workflow_stream: self.settings.chat.max_attempts,
            nats.priority_stream: self.settings.delivery.max_attempts,
        }

    def _parameter(self, name: str, channel: str) -> Json:
        nats = self.settings.nats
        kind = nats.response_subject.rpartition(".")[2]
        usual = PARAMETERS | TASK_PARAMETERS if channel in PRIORITY else PARAMETERS
        known: dict[str, Json] = usual | {
            "kind": {
                "enum": [kind, f"{kind}.error"],
                "description": "Which answer. The error's is two tokens: subscribe to"
                " `answers.meme.{request_id}.>` for both.",
            },
            "stream": {
                "enum": [stream for stream, _ in self.topology.consumers],
                "description": "The stream that kept the original.",
            },
            "consumer": {
                "enum": [str(consumer.durable_name) for _, consumer in self.topology.consumers],
                "description": "The consumer that gave up.",
            },
        }
        if channel == "BattleEvent":
            known |= EVENT_PARAMETERS
        if name not in known:
            raise SpecError(f"no words for the parameter {name!r}")
        return deepcopy(known[name])

    def _payloads(self, name: str) -> list[str]:
        """The names of the payload schemas of a channel; a union is several messages."""
        return PAYLOADS.get(name) or list(self._declared_payloads(name))

    def _declared_payloads(self, name: str) -> Iterator[str]:
        for reference in self.roles.channels[name]["messages"].values():
            payload = self.roles.messages[name_in(reference)]["payload"]
            schema = self.roles.schemas[name_in(payload)]
            for each in schema.get("anyOf", [payload]):
                yield "MemeCancel" if name_in(each) == "EmptyPayload" else name_in(each)

    def _message_names(self, name: str) -> list[str]:
        return [CHANNELS[name].message_prefix + payload for payload in self._payloads(name)]

    def _address(self, name: str) -> str | None:
        address: str | None = self.roles.channels[name]["address"]
        return address

    def _is_sent(self, name: str) -> bool:
        """Whether what is heard there is made by us; else it is made by clients, and read by us."""
        return name in REPLIES.values() or self.roles.operations[name].action == "send"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
