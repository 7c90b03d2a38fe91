"""Who may say and hear what: the table that `bus/accounts.conf` is held to.

Written by hand from what each role does, not from the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass

ACK = "MEMES.meme-generator.1.1.1.1700000000000000000.0"

# role: may publish, may not publish, may subscribe, may not subscribe ("subject queue" names a queue group)
RULES: dict[str, tuple[list[str], list[str], list[str], list[str]]] = {
    "developer": (
        ["meme.request", "dlq.MEMES.x", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.PURGE.MEMES_LOG", "anything"],
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
        ],
        [
            "meme.request",
            "answers.meme.x.response",
            "$JS.API.STREAM.DELETE.MEMES",
            "$JS.API.STREAM.PURGE.MEMES",
            "$JS.API.STREAM.MSG.GET.MEME_RESULTS",
            "$JS.API.CONSUMER.DELETE.MEMES.meme-generator",
            "$JS.API.CONSUMER.MSG.NEXT.MEMES.meme-generator",
        ],
        ["_INBOX_provision.>"],
        ["_INBOX.>", "_INBOX_worker.>", "meme.request", "answers.meme.>", ">"],
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
        ],
        [
            "meme.request",  # a worker does not give itself work
            "meme.response",  # only the answer stream speaks here
            "meme.response.error",
            "meme.cancel.x",
            "dlq.MEMES.other",
            "$JS.API.STREAM.UPDATE.MEMES",
            "$JS.API.STREAM.DELETE.MEMES",
            "$JS.API.STREAM.PURGE.MEMES",
            "$JS.API.STREAM.CREATE.OTHER",
            "$JS.API.STREAM.MSG.DELETE.MEME_RESULTS",
            "$JS.API.CONSUMER.DELETE.MEMES.meme-generator",
            "$JS.API.CONSUMER.MSG.NEXT.MEMES_LOG.x",
            "$JS.ACK.MEMES.other.1.1.1.1700000000000000000.0",
        ],
        ["_INBOX_worker.>", "meme.request meme-generator-core", "meme.cancel.*"],
        [
            "meme.request",
            "meme.request other",
            "meme.response",
            "answers.meme.>",
            "_INBOX.>",
            "_INBOX_gateway.>",
            ">",
        ],
    ),
    "gateway": (
        [
            "meme.request",
            "meme.cancel.x",
            "$JS.API.STREAM.MSG.GET.MEME_RESULTS",
            "$JS.API.DIRECT.GET.OBJ_meme-images.$O.meme-images.M.x",
            "$JS.API.CONSUMER.CREATE.OBJ_meme-images.x.$O.meme-images.C.x",
        ],
        [
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
        ],
        ["_INBOX_gateway.>", "answers.meme.>", "answers.meme.x.>", "meme.status.*", "meme.created"],
        ["_INBOX.>", "_INBOX_worker.>", "meme.request", "dlq.>", "$JS.EVENT.ADVISORY.>", ">"],
    ),
    "monitor": (
        [
            "$JS.API.INFO",
            "$JS.API.STREAM.INFO.MEMES",
            "$JS.API.STREAM.NAMES",
            "$JS.API.CONSUMER.INFO.MEMES.x",
        ],
        [
            "meme.request",
            "meme.cancel.x",
            "answers.meme.x.response",
            "$JS.API.STREAM.DELETE.MEMES",
            "$JS.API.STREAM.MSG.GET.MEME_RESULTS",
            "$JS.API.CONSUMER.MSG.NEXT.MEMES.meme-generator",
        ],
        ["_INBOX_monitor.>", "$JS.EVENT.ADVISORY.>"],
        ["_INBOX.>", "meme.request", "meme.response", "answers.meme.>", ">"],
    ),
    "browser": (
        ["meme.request", "meme.cancel.x"],
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
            "_INBOX_worker.x",
        ],
        [
            "meme.response",
            "meme.response.error",
            "meme.created",
            "meme.status.*",
            "answers.meme.x.>",
            "_INBOX.x.*",
        ],
        [
            "meme.request",
            "meme.cancel.*",
            "dlq.>",
            "_INBOX_worker.>",
            "_INBOX_gateway.>",
            "$JS.EVENT.ADVISORY.>",
            ">",
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
