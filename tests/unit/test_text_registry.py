"""Who may be named by a message, who answers when nobody is, and which configurations cannot work."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable

import pytest

from memebattle.generation.ports import InvalidPrompt
from memebattle.generation.text_registry import TextModels, open_text_models
from memebattle.settings import Settings, SettingsError

OPENAI = {"OPENAI_API_KEY": "sk-1"}
ANTHROPIC = {"ANTHROPIC_API_KEY": "sk-ant-1"}
CUSTOM = {"CHAT_CUSTOM_URL": "http://vllm.models.svc:8000/v1"}
ALL = OPENAI | ANTHROPIC | CUSTOM

GPTS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1-mini", "gpt-4.1", "gpt-4")
CLAUDES = ("claude-haiku-4-5", "claude-sonnet-4-5", "claude-opus-4-5")

type Open = Callable[[dict[str, str]], TextModels]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Opens models of an environment, and gives them back."""
    all_models: list[TextModels] = []

    def make(environ: dict[str, str]) -> TextModels:
        all_models.append(open_text_models(Settings.from_env(environ)))
        return all_models[-1]

    yield make
    for models in all_models:
        await models.aclose()


def chosen(models: TextModels, provider: str | None, model: str | None = None) -> tuple[str, str]:
    found, name = models.choose(provider, model)
    return found.name, name


# --- who is there ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "names", "default"),
    [
        ({}, {"local": ("local-1",)}, "local"),
        (OPENAI, {"openai": GPTS, "local": ("local-1",)}, "openai"),
        (ANTHROPIC, {"anthropic": CLAUDES, "local": ("local-1",)}, "anthropic"),
        (CUSTOM, {"custom": ("*",), "local": ("local-1",)}, "custom"),
        (
            ALL,
            {"openai": GPTS, "anthropic": CLAUDES, "custom": ("*",), "local": ("local-1",)},
            "openai",
        ),
        (ANTHROPIC | CUSTOM, {"anthropic": CLAUDES, "custom": ("*",), "local": ("local-1",)}, "anthropic"),
        (
            {**OPENAI, **ANTHROPIC, "CHAT_PROVIDER": "anthropic"},
            {"openai": GPTS, "anthropic": CLAUDES},
            "anthropic",
        ),
        ({**OPENAI, "CHAT_PROVIDER": "local"}, {"openai": GPTS, "local": ("local-1",)}, "local"),
        ({"CHAT_PROVIDER": "local"}, {"local": ("local-1",)}, "local"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:8901/v1"}, {"openai": GPTS, "local": ("local-1",)}, "openai"),
        (
            {"ANTHROPIC_BASE_URL": "http://[::1]:8901", "CHAT_PROVIDER": "anthropic"},
            {"anthropic": CLAUDES},
            "anthropic",
        ),
    ],
)
async def test_who_is_configured_and_who_answers_by_default(
    opened: Open, environ: dict[str, str], names: dict[str, tuple[str, ...]], default: str
) -> None:
    models = opened(environ)

    assert dict(models.names) == names
    assert models.default == default


async def test_a_message_that_names_nobody_gets_the_default_and_its_first_model(opened: Open) -> None:
    models = opened(ALL)

    assert chosen(models, None) == ("openai", "gpt-4o-mini")
    assert chosen(models, "") == ("openai", "gpt-4o-mini")
    assert chosen(models, None, "gpt-4") == ("openai", "gpt-4")
    assert chosen(models, "anthropic") == ("anthropic", "claude-haiku-4-5")
    assert chosen(models, "anthropic", "claude-opus-4-5") == ("anthropic", "claude-opus-4-5")
    assert chosen(models, "local") == ("local", "local-1")


@pytest.mark.parametrize("environ", [{}, {"CHAT_PROVIDER": "local"}])
@pytest.mark.parametrize("provider", [None, "openai", "anthropic", "custom", "local"])
async def test_while_nobody_is_configured_local_answers_for_all_and_says_so(
    opened: Open, environ: dict[str, str], provider: str | None
) -> None:
    """What is written for GPT-4 runs offline, signed by who really wrote it."""
    models = opened(environ)

    assert chosen(models, provider) == ("local", "local-1")
    assert chosen(models, provider, "gpt-4") == ("local", "local-1")


async def test_a_provider_nobody_has_heard_of_is_refused_offline_too(opened: Open) -> None:
    with pytest.raises(InvalidPrompt, match="'mistral' is not configured here"):
        opened({}).choose("mistral", None)


async def test_with_somebody_configured_nobody_answers_for_another(opened: Open) -> None:
    models = opened(OPENAI)

    with pytest.raises(InvalidPrompt) as caught:
        models.choose("anthropic", None)

    assert str(caught.value) == (
        "`ai_provider` 'anthropic' is not configured here; there is "
        "openai (gpt-4o-mini, gpt-4o, gpt-4.1-mini, gpt-4.1, gpt-4), local (local-1)"
    )


async def test_a_model_that_is_not_on_the_list_is_refused(opened: Open) -> None:
    models = opened(OPENAI)

    with pytest.raises(InvalidPrompt) as caught:
        models.choose("openai", "o1-pro")

    assert str(caught.value) == (
        "`model` 'o1-pro' is not to be had from openai; there is "
        "openai (gpt-4o-mini, gpt-4o, gpt-4.1-mini, gpt-4.1, gpt-4), local (local-1)"
    )
    with pytest.raises(InvalidPrompt):
        models.choose("local", "gpt-4")


# --- any model ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        "llama3.2:1b",
        "meta-llama/Llama-3.1-8B-Instruct:fastest",
        "ft:gpt-4o-mini:acme::8Kx",
        "@cf/meta/llama-3",
        "/models/qwen+lora.gguf",
    ],
)
async def test_a_star_allows_any_model_of_a_sane_form(opened: Open, model: str) -> None:
    assert chosen(opened(CUSTOM), "custom", model) == ("custom", model)


@pytest.mark.parametrize("model", ["*", "a b", "a\nb", "ü", '"', "x" * 201, "a\0b", "${x}"])
async def test_a_star_does_not_allow_everything(opened: Open, model: str) -> None:
    with pytest.raises(InvalidPrompt, match="not to be had from custom") as caught:
        opened(CUSTOM).choose("custom", model)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


async def test_a_name_before_the_star_is_the_default(opened: Open) -> None:
    models = opened({**CUSTOM, "CHAT_CUSTOM_MODELS": " llama3.2 , *,llama3.2"})

    assert models.names["custom"] == ("llama3.2", "*")
    assert chosen(models, "custom") == ("custom", "llama3.2")
    assert chosen(models, "custom", "qwen3") == ("custom", "qwen3")


async def test_a_star_alone_has_no_default(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    """vLLM, Ollama and the HuggingFace router all want a name, and answer a made-up one with 404."""
    with caplog.at_level(logging.WARNING):
        models = opened(CUSTOM)

    with pytest.raises(InvalidPrompt, match="custom has no default model; name one as `model`"):
        models.choose(None, None)
    assert ["CHAT_CUSTOM_MODELS names no default" in record.message for record in caplog.records] == [True]


async def test_a_default_or_another_provider_in_front_is_no_reason_to_warn(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    opened(ALL)
    opened({**CUSTOM, "CHAT_CUSTOM_MODELS": "llama3.2,*"})
    opened({})

    assert caplog.records == []


# --- what cannot work -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"CHAT_PROVIDER": "openai"}, "CHAT_PROVIDER=openai needs a key in OPENAI_API_KEY"),
        (
            {"CHAT_PROVIDER": "anthropic", **OPENAI},
            "CHAT_PROVIDER=anthropic needs a key in ANTHROPIC_API_KEY",
        ),
        ({"CHAT_PROVIDER": "custom"}, "CHAT_PROVIDER=custom needs the API's address in CHAT_CUSTOM_URL"),
        (
            {"CHAT_PROVIDER": "openai", "OPENAI_BASE_URL": "https://proxy.example/v1"},
            "CHAT_PROVIDER=openai needs a key",
        ),
        ({**OPENAI, "OPENAI_BASE_URL": "http://api.openai.com/v1"}, "OPENAI_BASE_URL is not https"),
        ({"ANTHROPIC_BASE_URL": "http://proxy:4000"}, "ANTHROPIC_BASE_URL is not https"),
        ({"OPENAI_BASE_URL": "https://me:secret@api.openai.com"}, "OPENAI_BASE_URL carries a user name"),
        ({"CHAT_CUSTOM_URL": "http://vllm/v1#x"}, "CHAT_CUSTOM_URL carries a user name or a fragment"),
        ({"CHAT_CUSTOM_URL": "http://vllm/v1?key=x"}, "CHAT_CUSTOM_URL carries a query"),
        ({"CHAT_CUSTOM_URL": "ftp://vllm/v1"}, "CHAT_CUSTOM_URL is neither https nor http"),
        ({"CHAT_CUSTOM_URL": "localhost:11434"}, "CHAT_CUSTOM_URL is neither https nor http"),
        ({"CHAT_CUSTOM_URL": "http:///v1"}, "CHAT_CUSTOM_URL names no proper host"),
        ({"CHAT_CUSTOM_URL": "http://v llm/v1"}, "CHAT_CUSTOM_URL contains a space"),
        ({"OPENAI_API_KEY": "sk 1"}, "OPENAI_API_KEY contains spaces"),
        ({"ANTHROPIC_API_KEY": "sk-ünsafe"}, "ANTHROPIC_API_KEY contains spaces or characters"),
        ({**CUSTOM, "CHAT_CUSTOM_KEY": "a\nb"}, "CHAT_CUSTOM_KEY contains spaces or characters"),
        ({**OPENAI, "OPENAI_MODELS": " , "}, "OPENAI_MODELS names no model"),
        ({**OPENAI, "OPENAI_MODELS": "gpt 4"}, "OPENAI_MODELS contains 'gpt 4', which is no model's name"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_at_the_start(
    environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        open_text_models(Settings.from_env(environ))

    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "environ",
    [
        {**OPENAI, "OPENAI_BASE_URL": "https://proxy.example:8443/v1/"},
        {**OPENAI, "OPENAI_BASE_URL": "http://localhost:9/v1"},
        {"CHAT_CUSTOM_URL": "http://ollama:11434/v1", "CHAT_CUSTOM_KEY": "x"},
        {"CHAT_CUSTOM_URL": "https://router.huggingface.co/v1", "CHAT_CUSTOM_KEY": "hf_x\n"},
    ],
)
async def test_a_configuration_that_can_work_is_not(opened: Open, environ: dict[str, str]) -> None:
    assert opened(environ).default in {"openai", "custom"}


def test_who_answers_offline_loads_no_http_client() -> None:
    """A worker without keys starts faster and holds less memory."""
    code = (
        "import sys; from memebattle.generation.text_registry import open_text_models; "
        "from memebattle.settings import Settings; open_text_models(Settings.from_env({})); "
        "sys.exit('httpx' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
