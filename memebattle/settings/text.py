"""Who writes the text."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from memebattle.settings.group import Group, Secret

type TextProvider = Literal["openai", "anthropic", "custom", "local"]


class TextSettings(Group):
    """Who writes the text of a chat. A message may choose among these, never bring an address or a key."""

    provider: Literal["auto"] | TextProvider = Field(
        "auto",
        alias="CHAT_PROVIDER",
        description="Who answers a message that names nobody: `openai`, `anthropic`, `custom`, `local`"
        " (offline), or `auto`: the first that is configured; while none is, `local` answers for all",
    )
    openai_key: Secret = Field(SecretStr(""), alias="OPENAI_API_KEY", description="Key of the OpenAI API")
    openai_url: str = Field(
        "https://api.openai.com/v1", alias="OPENAI_BASE_URL", description="Where the OpenAI API is"
    )
    openai_models: str = Field(
        "gpt-4o-mini,gpt-4o,gpt-4.1-mini,gpt-4.1,gpt-4",
        alias="OPENAI_MODELS",
        description="Models a message may name, comma separated, the default first; `*` allows any",
    )
    anthropic_key: Secret = Field(
        SecretStr(""), alias="ANTHROPIC_API_KEY", description="Key of the Anthropic API"
    )
    anthropic_url: str = Field(
        "https://api.anthropic.com", alias="ANTHROPIC_BASE_URL", description="Where the Anthropic API is"
    )
    anthropic_models: str = Field(
        "claude-haiku-4-5,claude-sonnet-4-5,claude-opus-4-5",
        alias="ANTHROPIC_MODELS",
        description="Models a message may name, comma separated, the default first; `*` allows any",
    )
    custom_url: str = Field(
        "",
        alias="CHAT_CUSTOM_URL",
        description="Any OpenAI-compatible API: the HuggingFace router, vLLM, Ollama, llama.cpp",
    )
    custom_key: Secret = Field(SecretStr(""), alias="CHAT_CUSTOM_KEY", description="Its key, if it wants one")
    custom_models: str = Field(
        "*",
        alias="CHAT_CUSTOM_MODELS",
        description="Models a message may name, comma separated, the default first; `*` allows any",
    )
    custom_token_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens",
        alias="CHAT_CUSTOM_TOKEN_FIELD",
        description="What the custom API calls the longest answer",
    )
    idle_timeout: float = Field(
        30,
        gt=0,
        alias="CHAT_IDLE_TIMEOUT",
        description="Seconds a provider may be silent, at the start or midway",
    )
    timeout: float = Field(300, gt=0, alias="CHAT_TIMEOUT", description="Seconds one answer may take in all")
    max_answer_bytes: int = Field(
        256 * 1024,
        gt=0,
        alias="CHAT_MAX_ANSWER_BYTES",
        description="Longest answer that is read from a provider",
    )
    local_token_ms: float = Field(
        20, ge=0, alias="LOCAL_TOKEN_MS", description="Milliseconds the offline provider takes for each token"
    )
