"""The routes of chat: read, call, answer.

A message goes in at any pod, its answer comes out at whichever pods hold connections of its session.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from memebattle.bus.messages import TOKEN_PATTERN, Token, decode
from memebattle.chat.asking import Chatting, new_session_id
from memebattle.chat.events import Connected, MessageComplete, NotResumable, Ping, position_of
from memebattle.chat.messages import HistoryEntry, ResponseChunk, Timestamp, WorkflowRequest, now
from memebattle.chat.sessions import Sessions
from memebattle.kit.http import body_as, body_schema, schema_of, the_last_event_id
from memebattle.kit.sse import EventStream


class ChatMessage(WorkflowRequest):
    """A message; without a session it begins one."""

    session_id: Token = Field(
        default_factory=new_session_id,
        description="Missing: a new one, to be found in the answer",
        examples=["sess_456"],
    )


class ChatAccepted(BaseModel):
    """The message is stored and will be answered."""

    message_id: str = Field(examples=["msg_abc123"])
    session_id: str = Field(examples=["sess_456"])
    status: Literal["accepted", "cancelling"]
    timestamp: Timestamp = Field(default_factory=now)
    correlation_id: str | None = None


class Conversation(BaseModel):
    """What is remembered of a session, oldest first."""

    session_id: str
    messages: list[HistoryEntry]


async def the_chatting(request: Request) -> Chatting:
    chatting: Chatting = request.app.state.chatting
    return chatting


async def the_sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


async def the_message(request: Request) -> ChatMessage:
    """The body, no longer than CHAT_MAX_MESSAGE.

    Raises:
        HTTPException: 400, not JSON.
        RequestValidationError: no message, or too long.
    """
    message = await body_as(ChatMessage, request, decode)
    longest: int = request.app.state.wiring.settings.chat.max_message
    if len(message.message) > longest:
        fault = {"loc": ("message",), "msg": f"has more than {longest} characters", "type": "too_long"}
        raise RequestValidationError([fault])
    return message


async def the_last_event(
    event_id: Annotated[str | None, Depends(the_last_event_id("1047-12"))],
) -> str | None:
    """Where the client wants to go on; None when it begins.

    Raises:
        HTTPException: 400, that is no event id of ours.
    """
    try:
        if event_id is not None:
            position_of(event_id)
    except ValueError as error:
        raise HTTPException(400, f"Last-Event-ID: {error}") from error
    return event_id


Chat = Annotated[Chatting, Depends(the_chatting)]
Connections = Annotated[Sessions, Depends(the_sessions)]
SessionId = Annotated[str, Query(pattern=TOKEN_PATTERN, description="Whose answers", examples=["sess_456"])]
MessageId = Annotated[
    str, Path(pattern=TOKEN_PATTERN, description="The message whose answer it is", examples=["msg_abc123"])
]

BODY = body_schema(
    ChatMessage,
    {"session_id": "sess_456", "message": "What is the weather today?", "context": {"max_tokens": 2000}},
)
EVENTS: dict[str, type[BaseModel]] = {
    "connected": Connected,
    "chunk": ResponseChunk,
    "message_complete": MessageComplete,
    "not_resumable": NotResumable,
    "ping": Ping,
}
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `connected`, `chunk`, `message_complete`, `ping`, and at the end perhaps"
        " `not_resumable`",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": "id: 1047-12\nevent: chunk\ndata: "
                '{"session_id":"sess_456","message_id":"msg_abc123","chunk_id":12,"chunk":" weather",'
                '"chunk_type":"content","is_final":false,"timestamp":"2025-11-17T20:30:05.123Z"}\n\n',
                "x-events": {name: schema_of(model) for name, model in EVENTS.items()},
            }
        },
    },
}

router = APIRouter(tags=["chat"])


@router.post("/api/chat", status_code=202, response_model=ChatAccepted, openapi_extra={"requestBody": BODY})
async def say(
    chat: Chat,
    message: Annotated[ChatMessage, Depends(the_message)],
    traceparent: Annotated[
        str | None, Header(description="The trace this message belongs to (W3C Trace Context)")
    ] = None,
) -> ChatAccepted:
    """Send a message; its answer is streamed to the session's connections, on whichever pod they are."""
    said = await chat.say(message, traceparent)
    return _accepted(str(said.message_id), said.session_id, "accepted", said.correlation_id, said.timestamp)


@router.delete("/api/chat/{message_id}", status_code=202, response_model=ChatAccepted)
async def stop(
    chat: Chat,
    message_id: MessageId,
    session_id: Annotated[
        str | None,
        Query(
            pattern=TOKEN_PATTERN,
            description="Needed only when the message was not sent over HTTP, or more than a day ago",
            examples=["sess_456"],
        ),
    ] = None,
) -> ChatAccepted:
    """Stop an answer; what was said stays. A client that disconnects stops nothing."""
    return _accepted(message_id, await chat.stop(message_id, session_id), "cancelling")


@router.get("/api/sse", status_code=200, response_class=EventStream, responses=STREAM)
async def listen(
    sessions: Connections,
    session_id: SessionId,
    last_event: Annotated[str | None, Depends(the_last_event)],
) -> EventStream:
    """Listen to a session: the last ten minutes, or what follows `Last-Event-ID`, and all that comes."""
    connection = await sessions.connect(session_id, last_event)
    return EventStream(connection, send_timeout=sessions.settings.send_timeout, on_stuck=sessions.let_go)


@router.get("/api/chat/history", response_model=Conversation)
async def look_back(chat: Chat, session_id: SessionId) -> Conversation:
    """Read what is remembered of a session, for a client whose stream could not be resumed."""
    messages = []
    for user, assistant in await chat.conversation(session_id):
        messages += [
            HistoryEntry(role="user", content=user),
            HistoryEntry(role="assistant", content=assistant),
        ]
    return Conversation(session_id=session_id, messages=messages)


def _accepted(
    message_id: str,
    session_id: str,
    status: Literal["accepted", "cancelling"],
    correlation_id: str | None = None,
    timestamp: datetime | None = None,
) -> ChatAccepted:
    return ChatAccepted(
        message_id=message_id,
        session_id=session_id,
        status=status,
        correlation_id=correlation_id,
        timestamp=timestamp or now(),
    )
