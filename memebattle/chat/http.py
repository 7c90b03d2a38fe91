"""The routes of chat: read, call, answer.

A message goes in at any pod, its answer comes out at whichever pods hold connections of its session.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request
from pydantic import BaseModel, Field

from memebattle.bus.messages import TOKEN_PATTERN, Token, decode
from memebattle.chat.asking import Chatting, new_session_id
from memebattle.chat.events import Connected, MessageComplete, NotResumable, Ping
from memebattle.chat.messages import HistoryEntry, ResponseChunk, Timestamp, WorkflowRequest, now
from memebattle.chat.sessions import Sessions
from memebattle.kit.http import body_as
from memebattle.kit.sse import EventStream, last_event_id


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
    """The body, no longer than CHAT_MAX_MESSAGE."""
    message = await body_as(ChatMessage, request, decode)
    longest: int = request.app.state.wiring.settings.chat.max_message
    if len(message.message) > longest:
        raise HTTPException(422, f"a message may have {longest} characters")
    return message


Chat = Annotated[Chatting, Depends(the_chatting)]
Connections = Annotated[Sessions, Depends(the_sessions)]
SessionId = Annotated[str, Query(pattern=TOKEN_PATTERN, examples=["sess_456"])]
MessageId = Annotated[str, Path(pattern=TOKEN_PATTERN, examples=["msg_abc123"])]

BODY = {"required": True, "content": {"application/json": {"schema": ChatMessage.model_json_schema()}}}
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `connected`, `chunk`, `message_complete`, `ping`, and at the end perhaps"
        " `not_resumable`",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "x-events": {
                    "connected": Connected.model_json_schema(),
                    "chunk": ResponseChunk.model_json_schema(),
                    "message_complete": MessageComplete.model_json_schema(),
                    "not_resumable": NotResumable.model_json_schema(),
                    "ping": Ping.model_json_schema(),
                },
            }
        },
    },
}

router = APIRouter(tags=["chat"])


@router.post("/api/chat", status_code=202, response_model=ChatAccepted, openapi_extra={"requestBody": BODY})
async def say(chat: Chat, message: Annotated[ChatMessage, Depends(the_message)]) -> ChatAccepted:
    """Send a message; its answer is streamed to the session's connections, on whichever pod they are."""
    said = await chat.say(message)
    return _accepted(str(said.message_id), said.session_id, "accepted", said.correlation_id, said.timestamp)


@router.delete("/api/chat/{message_id}", status_code=202, response_model=ChatAccepted)
async def stop(
    chat: Chat,
    message_id: MessageId,
    session_id: Annotated[str | None, Query(pattern=TOKEN_PATTERN)] = None,
) -> ChatAccepted:
    """Stop an answer; what was said stays. A client that disconnects stops nothing."""
    return _accepted(message_id, await chat.stop(message_id, session_id), "cancelling")


@router.get("/api/sse", status_code=200, response_class=EventStream, responses=STREAM)
async def listen(
    request: Request,
    sessions: Connections,
    session_id: SessionId,
    last_event: Annotated[str | None, Header(alias="Last-Event-ID", description="Go on after this")] = None,
) -> EventStream:
    """Listen to a session: the last ten minutes, or what follows `Last-Event-ID`, and all that comes."""
    last_event = last_event_id(request.headers, request.query_params)
    try:
        connection = await sessions.connect(session_id, last_event)
    except ValueError as error:
        raise HTTPException(400, f"Last-Event-ID: {error}") from error
    return EventStream(connection, send_timeout=sessions.settings.send_timeout)


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
