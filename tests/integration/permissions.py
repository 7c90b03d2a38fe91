"""Who may say and hear what: the table that `bus/accounts.conf` is held to.

Written by hand from what each role does, not from the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass

ACK = "MEMES.meme-generator.1.1.1.1700000000000000000.0"
CHAT_ACK = "WORKFLOW_REQUESTS.workflow-processor.1.1.1.1700000000000000000.0"
PRIORITY_ACK = "PRIORITY_REQUESTS.priority-processor.1.1.1.1700000000000000000.0"

# what chat says on Core NATS, for those who may say nothing of it
ALL_OF_CHAT = [
    "chat.workflow.execute.s",
    "chat.workflow.cancel.s",
    "chat.pod.pod-1.response",
    "chat.session.s.broadcast",
    "chat.stream.s.m",
    "chat.pod.pod-1.health",
    "chat.pods.health",
    "chat.pod.pod-1.heartbeat",
]
ALL_OF_CHAT_HEARD = [
    "chat.workflow.execute.*",
    "chat.workflow.execute.* workflow-workers",
    "chat.workflow.cancel.*",
    "chat.pod.*.response",
    "chat.pod.pod-1.response",
    "chat.session.*.broadcast",
    "chat.session.s.broadcast",
    "chat.stream.*.*",
    "chat.stream.s.>",
    "chat.pod.*.health",
    "chat.pods.health",
    "chat.pod.*.heartbeat",
    "chat.>",
]

# what is said of tasks on Core NATS, for those who may say nothing of it
ALL_OF_PRIORITY = [
    "prioritization.request",
    "prioritization.request.t",
    "prioritization.sync",
    "prioritization.cancel.t",
    "prioritization.result",
    "prioritization.result.t",
    "prioritization.suggestions.t",
    "prioritization.override.t",
    "prioritization.status.t",
    "audit.priority.set",
    "dlq.PRIORITY_REQUESTS.priority-processor",
]
ALL_OF_PRIORITY_HEARD = [
    "prioritization.request",
    "prioritization.request.*",
    "prioritization.sync",
    "prioritization.sync priority-workers",
    "prioritization.cancel.*",
    "prioritization.result",
    "prioritization.result priority-bridge",
    "prioritization.result.t",
    "prioritization.suggestions.t",
    "prioritization.override.t",
    "prioritization.status.t",
    "prioritization.>",
    "audit.>",
]
# what may be done about the streams of priority beyond taking, storing and reading
MEDDLING_WITH_PRIORITY = [
    *(
        f"$JS.API.STREAM.{verb}.{stream}"
        for verb in ("UPDATE", "DELETE", "PURGE", "MSG.DELETE")
        for stream in ("PRIORITY_REQUESTS", "PRIORITY_RESULTS", "SYSTEM_EVENTS")
    ),
    "$JS.API.STREAM.MSG.GET.PRIORITY_REQUESTS",
    "$JS.API.DIRECT.GET.SYSTEM_EVENTS",
    "$JS.API.CONSUMER.DELETE.PRIORITY_REQUESTS.priority-processor",
    "$JS.API.CONSUMER.CREATE.PRIORITY_RESULTS.x.prioritization.result.t",
    "$JS.ACK.PRIORITY_REQUESTS.other.1.1.1.1700000000000000000.0",
]
TAKING_TASKS = [
    "$JS.API.CONSUMER.MSG.NEXT.PRIORITY_REQUESTS.priority-processor",
    f"$JS.ACK.{PRIORITY_ACK}",
    f"$JS.ACK.hub.A1B2C3.{PRIORITY_ACK}.x",
]
READING_RESULTS = ["$JS.API.STREAM.MSG.GET.PRIORITY_RESULTS", "$JS.API.DIRECT.GET.PRIORITY_RESULTS"]

# what is said of battles and of the engine room
COMMANDING = ["battle.command.KBDF.join", "battle.command.new.create", "battle.state"]
PLAYING = [
    "battle.event.KBDF.course.log",
    "battle.view.KBDF",
    "battle.stage.KBDF",
    "$JS.API.DIRECT.GET.BATTLES",
]
BEING_WATCHED = ["battle.view.*", "battle.view.KBDF", "battle.stage.*", "meme.stats"]
SERVING_BATTLES = ["battle.command.*.* battle-hosts", "battle.state battle-hosts"]
# a browser's reply subject, as the server rewrites it between accounts
ACROSS = "_R_.Ab3dEf.Gh1jKl"
MEDDLING_WITH_BATTLES = [
    *(f"$JS.API.STREAM.{verb}.BATTLES" for verb in ("UPDATE", "DELETE", "PURGE", "MSG.DELETE", "MSG.GET")),
    "$JS.API.CONSUMER.CREATE.BATTLES.x.battle.event.>",
    "battle.event.KBDF",
    "battle.event.KBDF.course",
    "battle.event.KBDF.course.log.more",
]
OVERHEARING_BATTLES = [
    "battle.command.*.*",
    "battle.command.*.* other",
    "battle.command.KBDF.join",
    "battle.state",
    "battle.event.>",
    "battle.event.*.*.*",
    "battle.>",
    "_R_.>",
]

# role: may publish, may not publish, may subscribe, may not subscribe ("subject queue" names a queue group)
RULES: dict[str, tuple[list[str], list[str], list[str], list[str]]] = {
    "developer": (
        [
            "meme.request",
            "dlq.MEMES.x",
            "$JS.API.STREAM.NAMES",
            "$JS.API.STREAM.PURGE.MEMES_LOG",
            "anything",
            *ALL_OF_CHAT,
            *ALL_OF_PRIORITY,
            *READING_RESULTS,
            *COMMANDING,
            *PLAYING,
            ACROSS,
            "meme.stats",
            "worker.w-1.heartbeat",
        ],
        [],
        [">", "_INBOX.>", "$JS.EVENT.ADVISORY.>"],
        [],
    ),
    "provision": (
        [
            "$JS.API.INFO",
            "$JS.API.STREAM.CREATE.ANY",
            "$JS.API.STREAM.UPDATE.MEMES",
            "$JS.API.CONSUMER.CREATE.MEMES.meme-generator.meme.request",
            "$JS.API.CONSUMER.DURABLE.CREATE.MEMES.meme-generator",
            "$JS.API.STREAM.UPDATE.CHAT_CHUNKS",
            "$JS.API.CONSUMER.CREATE.WORKFLOW_REQUESTS.workflow-processor.chat.workflow.execute.*",
            "$JS.API.STREAM.CREATE.PRIORITY_REQUESTS",
            "$JS.API.STREAM.UPDATE.PRIORITY_RESULTS",
            # a consumer of two filters has none in its subject
            "$JS.API.CONSUMER.CREATE.PRIORITY_REQUESTS.priority-processor",
            "$JS.API.CONSUMER.DURABLE.CREATE.PRIORITY_REQUESTS.priority-processor",
            "$JS.API.STREAM.CREATE.BATTLES",
            "$JS.API.STREAM.UPDATE.BATTLES",
        ],
        [
            *ALL_OF_CHAT,
            *ALL_OF_PRIORITY,
            *TAKING_TASKS,
            *READING_RESULTS,
            "$JS.API.STREAM.DELETE.PRIORITY_RESULTS",
            "$JS.API.STREAM.PURGE.PRIORITY_REQUESTS",
            "$JS.API.STREAM.DELETE.WORKFLOW_REQUESTS",
            "$JS.API.STREAM.MSG.GET.CHAT_CHUNKS",
            "$JS.API.DIRECT.GET.CHAT_CHUNKS",
            "$JS.API.CONSUMER.MSG.NEXT.WORKFLOW_REQUESTS.workflow-processor",
            "meme.request",
            "answers.meme.x.response",
            "$JS.API.STREAM.DELETE.MEMES",
            "$JS.API.STREAM.PURGE.MEMES",
            "$JS.API.STREAM.MSG.GET.MEME_RESULTS",
            "$JS.API.CONSUMER.DELETE.MEMES.meme-generator",
            "$JS.API.CONSUMER.MSG.NEXT.MEMES.meme-generator",
            *COMMANDING,
            *PLAYING,
            ACROSS,
            "$JS.API.STREAM.DELETE.BATTLES",
            "$JS.API.STREAM.PURGE.BATTLES",
            "meme.stats",
            "worker.w-1.heartbeat",
        ],
        ["_INBOX_provision.>"],
        [
            "_INBOX.>",
            "_INBOX_worker.>",
            "meme.request",
            "answers.meme.>",
            ">",
            *ALL_OF_CHAT_HEARD,
            *ALL_OF_PRIORITY_HEARD,
            *BEING_WATCHED,
            *SERVING_BATTLES,
            *OVERHEARING_BATTLES,
            "worker.*.heartbeat",
        ],
    ),
    "worker": (
        [
            "answers.meme.x.response",
            "answers.meme.x.response.error",
            "meme.created",
            "meme.status.x",
            "dlq.MEMES.meme-generator",
            "$JS.API.STREAM.INFO.MEMES",
            "$JS.API.CONSUMER.MSG.NEXT.MEMES.meme-generator",
            "$JS.API.STREAM.MSG.GET.MEME_RESULTS",
            "$O.meme-images.C.x",
            f"$JS.ACK.{ACK}",
            f"$JS.ACK.hub.A1B2C3.{ACK}.x",  # as servers after 2.14 may say it
            "chat.stream.s.m",
            "chat.pod.pod-1.response",
            "chat.session.s.broadcast",
            "dlq.WORKFLOW_REQUESTS.workflow-processor",
            "$JS.API.STREAM.CREATE.WORKFLOW_REQUESTS",
            "$JS.API.STREAM.CREATE.CHAT_CHUNKS",
            "$JS.API.CONSUMER.CREATE.WORKFLOW_REQUESTS.workflow-processor.chat.workflow.execute.*",
            "$JS.API.CONSUMER.INFO.WORKFLOW_REQUESTS.workflow-processor",
            "$JS.API.CONSUMER.MSG.NEXT.WORKFLOW_REQUESTS.workflow-processor",
            "$JS.API.STREAM.MSG.GET.CHAT_CHUNKS",
            "$JS.API.DIRECT.GET.CHAT_CHUNKS",
            f"$JS.ACK.{CHAT_ACK}",
            f"$JS.ACK.hub.A1B2C3.{CHAT_ACK}.x",
            "prioritization.result.t",
            "prioritization.suggestions.t",
            "prioritization.status.t",
            "prioritization.request.t",  # the bridge
            "dlq.PRIORITY_REQUESTS.priority-processor",
            "_INBOX_question.x.y",  # the reply to a question; a developer's inbox is the plain one
            "_INBOX.x.y",
            "$JS.API.STREAM.CREATE.PRIORITY_REQUESTS",
            "$JS.API.STREAM.CREATE.PRIORITY_RESULTS",
            "$JS.API.STREAM.CREATE.SYSTEM_EVENTS",
            "$JS.API.CONSUMER.INFO.PRIORITY_REQUESTS.priority-processor",
            "$JS.API.CONSUMER.CREATE.PRIORITY_REQUESTS.priority-processor",
            *TAKING_TASKS,
            *READING_RESULTS,
            "$JS.API.STREAM.CREATE.BATTLES",
            *PLAYING,
            "meme.request",  # of a battle
            "meme.cancel.x",  # when its prompt was replaced
            ACROSS,
            "worker.w-1.heartbeat",
        ],
        [
            "meme.response",  # only the answer stream speaks here
            "meme.response.error",
            "dlq.MEMES.other",
            "$JS.API.STREAM.UPDATE.MEMES",
            "$JS.API.STREAM.DELETE.MEMES",
            "$JS.API.STREAM.PURGE.MEMES",
            "$JS.API.STREAM.CREATE.OTHER",
            "$JS.API.STREAM.MSG.DELETE.MEME_RESULTS",
            "$JS.API.CONSUMER.DELETE.MEMES.meme-generator",
            "$JS.API.CONSUMER.MSG.NEXT.MEMES_LOG.x",
            "$JS.ACK.MEMES.other.1.1.1.1700000000000000000.0",
            "chat.workflow.execute.s",
            "chat.workflow.cancel.s",
            "chat.pod.pod-1.health",  # how pods are is none of its business
            "chat.pods.health",
            "chat.pod.pod-1.heartbeat",
            "chat.pod.pod-1.response.more",
            "chat.stream.s",
            "dlq.WORKFLOW_REQUESTS.other",
            "$JS.API.STREAM.UPDATE.CHAT_CHUNKS",
            "$JS.API.STREAM.DELETE.CHAT_CHUNKS",
            "$JS.API.STREAM.PURGE.CHAT_CHUNKS",
            "$JS.API.STREAM.PURGE.WORKFLOW_REQUESTS",
            "$JS.API.STREAM.MSG.DELETE.CHAT_CHUNKS",
            "$JS.API.STREAM.MSG.GET.WORKFLOW_REQUESTS",
            "$JS.API.CONSUMER.DELETE.WORKFLOW_REQUESTS.workflow-processor",
            "$JS.API.CONSUMER.CREATE.CHAT_CHUNKS.x.chat.stream.s.m",
            "$JS.ACK.WORKFLOW_REQUESTS.other.1.1.1.1700000000000000000.0",
            "$JS.ACK.hub.A1B2C3.WORKFLOW_REQUESTS.other.1.1.1.1700000000000000000.0.x",
            "prioritization.request",
            "prioritization.sync",
            "prioritization.cancel.t",
            "prioritization.result",  # only the results' stream speaks here
            "prioritization.override.t",  # people decide, over a gateway
            "audit.priority.set",
            "prioritization.result.t.more",
            "dlq.PRIORITY_REQUESTS.other",
            "_INBOX_gateway.x.y",  # where the broker acknowledges what a gateway stores
            "_INBOX_provision.x.y",
            "_INBOX_monitor.x.y",
            *MEDDLING_WITH_PRIORITY,
            *COMMANDING,
            *MEDDLING_WITH_BATTLES,
            "_R_.x",
            "_R_.x.y.z",
            "meme.stats",  # gateways tell it
        ],
        [
            "_INBOX_worker.>",
            "meme.request meme-generator-core",
            "meme.cancel.*",
            "chat.workflow.execute.* workflow-workers",
            "chat.workflow.cancel.*",
            "prioritization.sync priority-workers",
            "prioritization.cancel.*",
            "prioritization.result priority-bridge",
            *SERVING_BATTLES,
            "meme.created",
            "meme.response.error",
        ],
        [
            "prioritization.sync",  # without the queue group every worker would answer
            "prioritization.sync other",
            "prioritization.request",
            "prioritization.request.*",
            "prioritization.result",
            "prioritization.result.*",
            "prioritization.suggestions.*",
            "prioritization.override.*",
            "prioritization.status.*",
            "prioritization.>",
            "audit.>",
            "chat.workflow.execute.*",  # without the queue group every worker would hear every message
            "chat.workflow.execute.* other",
            "chat.pod.*.response",
            "chat.session.*.broadcast",
            "chat.stream.*.*",
            "chat.pod.*.health",
            "chat.pods.health",
            "chat.pod.*.heartbeat",
            "chat.>",
            "meme.request",
            "meme.request other",
            "meme.response",
            "answers.meme.>",
            "_INBOX.>",
            "_INBOX_gateway.>",
            ">",
            *OVERHEARING_BATTLES,
            *BEING_WATCHED,
            "worker.*.heartbeat",
        ],
    ),
    "gateway": (
        [
            "meme.request",
            "meme.cancel.x",
            "$JS.API.STREAM.MSG.GET.MEME_RESULTS",
            "$JS.API.DIRECT.GET.OBJ_meme-images.$O.meme-images.M.x",
            "$JS.API.CONSUMER.CREATE.OBJ_meme-images.x.$O.meme-images.C.x",
            "chat.workflow.execute.s",
            "chat.workflow.cancel.s",
            "chat.pod.pod-1.heartbeat",
            "$JS.API.STREAM.INFO.CHAT_CHUNKS",
            "$JS.API.STREAM.MSG.GET.CHAT_CHUNKS",
            "$JS.API.DIRECT.GET.CHAT_CHUNKS",
            "_INBOX_monitor.x.y",  # the reply of a pod that was asked how it is
            "_INBOX.x.y",
            "prioritization.request.t",
            "prioritization.cancel.t",
            "prioritization.sync",
            "prioritization.result.t",  # of content that had been scored before
            "prioritization.override.t",
            "audit.priority.set",
            "$JS.API.STREAM.INFO.PRIORITY_RESULTS",
            # it says how much waits, also while no worker does
            "$JS.API.CONSUMER.INFO.MEMES.meme-generator",
            "$JS.API.CONSUMER.INFO.WORKFLOW_REQUESTS.workflow-processor",
            "$JS.API.CONSUMER.INFO.PRIORITY_REQUESTS.priority-processor",
            *READING_RESULTS,
            "$JS.API.DIRECT.GET.BATTLES",
            "meme.stats",
        ],
        [
            "$JS.API.CONSUMER.INFO.MEMES.other",
            "$JS.API.CONSUMER.DELETE.MEMES.meme-generator",
            "chat.pod.pod-1.response",  # it passes chunks on and makes none
            "chat.session.s.broadcast",
            "chat.stream.s.m",
            "chat.pod.pod-1.health",
            "chat.pods.health",
            "dlq.WORKFLOW_REQUESTS.workflow-processor",
            "prioritization.request",
            "prioritization.result",
            "prioritization.suggestions.t",  # it scores nothing and advises nobody
            "prioritization.status.t",
            "audit.chat.set",
            "system.events.x",
            "dlq.PRIORITY_REQUESTS.priority-processor",
            *TAKING_TASKS,
            *MEDDLING_WITH_PRIORITY,
            "_INBOX_worker.x.y",
            "_INBOX_provision.x.y",
            "$JS.API.STREAM.MSG.GET.WORKFLOW_REQUESTS",
            "$JS.API.DIRECT.GET.WORKFLOW_REQUESTS",
            "$JS.API.STREAM.MSG.GET.MEMES",
            "$JS.API.STREAM.MSG.GET.DEAD_LETTERS",
            "$JS.API.DIRECT.GET.DEAD_LETTERS",
            "$JS.API.DIRECT.GET.MEME_RESULTS",
            "$JS.API.STREAM.PURGE.CHAT_CHUNKS",
            "$JS.API.STREAM.DELETE.CHAT_CHUNKS",
            "$JS.API.STREAM.MSG.DELETE.CHAT_CHUNKS",
            "$JS.API.STREAM.CREATE.CHAT_CHUNKS",
            "$JS.API.CONSUMER.CREATE.CHAT_CHUNKS.x.chat.stream.s.m",
            "$JS.API.CONSUMER.CREATE.WORKFLOW_REQUESTS.x.chat.workflow.execute.*",
            "$JS.API.CONSUMER.MSG.NEXT.WORKFLOW_REQUESTS.workflow-processor",
            f"$JS.ACK.{CHAT_ACK}",
            f"$JS.ACK.hub.A1B2C3.{CHAT_ACK}.x",
            "answers.meme.x.response",
            "meme.response",
            "meme.created",
            "dlq.MEMES.meme-generator",
            "$O.meme-images.C.x",
            "$JS.API.STREAM.CREATE.MEMES",
            "$JS.API.STREAM.DELETE.MEMES",
            "$JS.API.CONSUMER.CREATE.MEMES.x.meme.request",
            "$JS.API.CONSUMER.MSG.NEXT.MEMES.meme-generator",
            f"$JS.ACK.{ACK}",
            *COMMANDING,
            *(subject for subject in PLAYING if not subject.startswith("$JS")),
            *MEDDLING_WITH_BATTLES,
            ACROSS,
            "worker.w-1.heartbeat",
        ],
        [
            "_INBOX_gateway.>",
            "answers.meme.>",
            "answers.meme.x.>",
            "meme.status.*",
            "meme.created",
            "chat.pod.pod-1.response",
            "chat.session.*.broadcast",
            "chat.pod.pod-1.health",
            "chat.pods.health",
            "prioritization.result.t",
            "prioritization.suggestions.t",
            "prioritization.override.t",
            "prioritization.status.t",
            "battle.view.*",
            "battle.view.KBDF",
            "meme.stats",
            "worker.*.heartbeat",
        ],
        [
            "prioritization.request",
            "prioritization.request.*",
            "prioritization.sync",
            "prioritization.sync priority-workers",
            "prioritization.cancel.*",
            "prioritization.result",
            "prioritization.>",
            "audit.>",
            "_INBOX.>",
            "_INBOX_worker.>",
            "_INBOX_monitor.>",
            "meme.request",
            "dlq.>",
            "$JS.EVENT.ADVISORY.>",
            "chat.workflow.execute.*",
            "chat.workflow.execute.* workflow-workers",
            "chat.workflow.cancel.*",
            "chat.stream.*.*",
            "chat.pod.*.heartbeat",
            "chat.>",
            ">",
            *SERVING_BATTLES,
            *OVERHEARING_BATTLES,
            "battle.stage.*",
        ],
    ),
    "monitor": (
        [
            "$JS.API.INFO",
            "$JS.API.STREAM.INFO.MEMES",
            "$JS.API.STREAM.NAMES",
            "$JS.API.CONSUMER.INFO.MEMES.x",
            "$JS.API.STREAM.INFO.CHAT_CHUNKS",
            "$JS.API.CONSUMER.INFO.WORKFLOW_REQUESTS.workflow-processor",
            "chat.pod.pod-1.health",
            "chat.pods.health",
            "$JS.API.STREAM.INFO.PRIORITY_RESULTS",
            "$JS.API.CONSUMER.INFO.PRIORITY_REQUESTS.priority-processor",
        ],
        [
            *(subject for subject in ALL_OF_CHAT if not subject.endswith(".health")),
            *ALL_OF_PRIORITY,
            *TAKING_TASKS,
            *READING_RESULTS,
            "$JS.API.STREAM.MSG.GET.CHAT_CHUNKS",
            "$JS.API.DIRECT.GET.CHAT_CHUNKS",
            "$JS.API.CONSUMER.MSG.NEXT.WORKFLOW_REQUESTS.workflow-processor",
            "meme.request",
            "meme.cancel.x",
            "answers.meme.x.response",
            "$JS.API.STREAM.DELETE.MEMES",
            "$JS.API.STREAM.MSG.GET.MEME_RESULTS",
            "$JS.API.CONSUMER.MSG.NEXT.MEMES.meme-generator",
            *COMMANDING,
            *PLAYING,
            *MEDDLING_WITH_BATTLES,
            ACROSS,
            "meme.stats",
            "worker.w-1.heartbeat",
        ],
        [
            "_INBOX_monitor.>",
            "$JS.EVENT.ADVISORY.>",
            "chat.pod.*.heartbeat",
            "worker.*.heartbeat",
            "meme.stats",
        ],
        [
            "_INBOX.>",
            "meme.request",
            "meme.response",
            "answers.meme.>",
            ">",
            *(subject for subject in ALL_OF_CHAT_HEARD if not subject.endswith(".heartbeat")),
            *ALL_OF_PRIORITY_HEARD,
            *SERVING_BATTLES,
            *OVERHEARING_BATTLES,
            "battle.view.*",
            "battle.stage.*",
        ],
    ),
    "browser": (
        [
            "meme.request",
            "meme.cancel.x",
            *COMMANDING,
        ],
        [
            "answers.meme.x.response",
            "meme.response",
            "meme.created",
            "meme.status.x",
            "dlq.MEMES.meme-generator",
            "$JS.API.INFO",
            "$JS.API.STREAM.DELETE.MEMES",
            "$JS.API.STREAM.MSG.GET.MEME_RESULTS",
            "$O.meme-images.C.x",
            f"$JS.ACK.{ACK}",
            f"$JS.ACK.{CHAT_ACK}",
            "_INBOX_worker.x",
            "_INBOX.x.y",
            "$JS.API.STREAM.MSG.GET.CHAT_CHUNKS",
            "$JS.API.DIRECT.GET.CHAT_CHUNKS",
            *ALL_OF_CHAT,  # a browser chats over HTTP
            *ALL_OF_PRIORITY,  # and so it asks about tasks
            *TAKING_TASKS,
            *READING_RESULTS,
            *MEDDLING_WITH_PRIORITY,
            *PLAYING,
            *MEDDLING_WITH_BATTLES,
            ACROSS,
            "battle.command.KBDF",
            "battle.command.KBDF.join.more",
            "meme.stats",
            "worker.w-1.heartbeat",
        ],
        [
            "meme.response",
            "meme.response.error",
            "meme.created",
            "meme.status.*",
            "answers.meme.x.>",
            "_INBOX.x.*",
            *BEING_WATCHED,
        ],
        [
            "meme.request",
            "meme.cancel.*",
            "dlq.>",
            "_INBOX_worker.>",
            "_INBOX_gateway.>",
            "$JS.EVENT.ADVISORY.>",
            ">",
            *ALL_OF_CHAT_HEARD,
            *ALL_OF_PRIORITY_HEARD,
            *SERVING_BATTLES,
            *OVERHEARING_BATTLES,
            "worker.*.heartbeat",
        ],
    ),
}
RULES["nobody"] = RULES["browser"]  # a page that logs in with no name is the browser user


@dataclass(frozen=True, slots=True)
class Check:
    """One cell of the matrix."""

    role: str
    verb: str
    subject: str
    allowed: bool

    def __str__(self) -> str:
        return f"{self.role}-{'may' if self.allowed else 'may-not'}-{self.verb}-{self.subject}"


def checks() -> list[Check]:
    """Every line of the table by itself."""
    verbs = (("publish", True), ("publish", False), ("subscribe", True), ("subscribe", False))
    return [
        Check(role, verb, subject, allowed)
        for role, rules in RULES.items()
        for (verb, allowed), subjects in zip(verbs, rules, strict=True)
        for subject in subjects
    ]
