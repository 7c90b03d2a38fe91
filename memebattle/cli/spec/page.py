"""The document as one page: no script, nothing fetched from elsewhere, readable in a terminal browser.

Everything comes from the AsyncAPI document; prose in it is Markdown and passes through a renderer that
escapes HTML, all else through `html.escape`. The looks are in `style.css` beside the page, because the
gateway's content security policy forbids inline styles.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html import escape

from markdown_it import MarkdownIt

from memebattle.cli.spec.schema import Json, kind, name_in, notes
from memebattle.cli.spec.transport import carried_by

GROUPS = {"publishes": "What you send", "subscribes": "What you hear", "neither": "For operators"}

PROSE = MarkdownIt("commonmark", {"html": False})

JSON_TOKEN = re.compile(r'(?P<text>"(?:\\.|[^"\\])*")(?P<colon>:)?|true|false|null|-?[\d.]+')


def page(document: Json, types: str) -> str:
    """The whole page. `types` is the TypeScript to copy."""
    info = document["info"]
    lead, *sections = info["description"].split("\n## ")
    chapters = {_slug(text): text.partition("\n") for text in sections}
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="The messages of {escape(info["title"])}: subjects, schemas, guarantees.">
<title>{escape(info["title"])} {escape(info["version"])}: messages</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<nav aria-label="Contents">
<a class="brand" href="#top">{escape(info["title"])}</a>
<ul>{"".join(_link(slug, heading) for slug, (heading, _, _) in chapters.items())}</ul>
{"".join(_menu(document, group) for group in GROUPS)}
<ul>{_link("servers", "Servers")}{_link("types", "TypeScript types")}</ul>
</nav>
<main id="top">
<header class="hero">
<p class="version">AsyncAPI {escape(document["asyncapi"])} &middot; version {escape(info["version"])}</p>
<h1>The messages of {escape(info["title"])}</h1>
{_prose(lead)}
</header>
{_flow(document)}
{"".join(_chapter(slug, heading, text) for slug, (heading, _, text) in chapters.items())}
{"".join(_group(document, group) for group in GROUPS)}
{_servers(document)}
<section id="types"><h2>TypeScript types</h2>
<p>Interfaces for every payload, and <code>Requests</code> and <code>Events</code>: maps from subject to
payload.</p>
<details><summary>types.ts</summary>{_code(types)}</details></section>
<footer><p><a href="asyncapi.json" download>asyncapi.json</a> is this document for programs.
Generated from the code. {escape(info["license"]["name"])}.</p></footer>
</main>
</body>
</html>
"""


def _flow(document: Json) -> str:
    """One request's way, as the names of these settings have it."""
    channels = document["channels"]
    steps = [
        ("you ask", "MemeRequestJetStream"),
        ("a worker answers", "MemeAnswer"),
        ("the stream keeps the first answer and repeats it to all", "MemeResponse"),
    ]
    items = "".join(
        f'<li><a href="#{name}">{_subject(channels[name]["address"])}</a><span>{escape(text)}</span></li>'
        for text, name in steps
    )
    return f'<ol class="flow" aria-label="The way of a request">{items}</ol>'


def _chapter(slug: str, heading: str, text: str) -> str:
    return f'<section id="{slug}"><h2>{escape(heading)}</h2>{_prose(text)}</section>\n'


def _menu(document: Json, group: str) -> str:
    links = "".join(_link(name, each["title"]) for name, each in _members(document, group))
    return f"<h2>{GROUPS[group]}</h2><ul>{links}</ul>\n"


def _group(document: Json, group: str) -> str:
    cards = "".join(_channel(document, name, each) for name, each in _members(document, group))
    return f"<section><h2>{GROUPS[group]}</h2>\n{cards}</section>\n"


def _members(document: Json, group: str) -> Iterator[tuple[str, Json]]:
    for name, each in document["channels"].items():
        if each["x-audience"]["browsers"] == group:
            yield name, each


def _channel(document: Json, name: str, channel: Json) -> str:
    delivery, audience = channel["x-delivery"], channel["x-audience"]
    guarantee = escape(delivery["guarantee"])
    badge = f'<span class="badge {guarantee}">{guarantee.replace("-", " ")}</span>'
    operation = document["operations"][name]
    facts = {
        "Who speaks": _inline(audience["says"]),
        "Who listens": _inline(audience["hears"]),
        "Delivery": _inline(delivery["because"]),
        "Order": _inline(delivery["ordering"]),
        "Carried by": "".join(f"<p>{_inline(line)}</p>" for line in carried_by(channel)),
    }
    if operation["action"] == "receive":
        facts["Handled"] = _inline(operation["summary"])
    return f"""<article id="{escape(name)}">
<header><h3>{escape(channel["title"])} {badge}</h3>
<p class="subject">{_subject(channel["address"])}</p></header>
<p>{_inline(channel["description"])}</p>
<dl>{"".join(f"<div><dt>{term}</dt><dd>{fact}</dd></div>" for term, fact in facts.items())}</dl>
{_parameters(channel.get("parameters", {}))}
{"".join(_message(document, name, each) for each in channel["messages"])}
</article>
"""


def _parameters(parameters: Json) -> str:
    rows = [
        (f"<code>{{{escape(name)}}}</code>", _inline(_parameter(each))) for name, each in parameters.items()
    ]
    return _table(("Parameter", "Meaning"), rows) if rows else ""


def _parameter(parameter: Json) -> str:
    values = ", ".join(f"`{value}`" for value in parameter.get("enum", []))
    usual = f" Usually `{parameter['default']}`." if "default" in parameter else ""
    return f"{values}{'. ' if values else ''}{parameter['description']}{usual}"


def _message(document: Json, channel: str, name: str) -> str:
    """A message; its fields are told where it is at home, and linked to from everywhere else."""
    message, schemas = document["components"]["messages"][name], document["components"]["schemas"]
    payload_name = name_in(message["payload"])
    payload, home = schemas[payload_name], _home(document, payload_name)
    there = f'<a href="#{home}">{escape(document["channels"][home]["title"])}</a>'
    if home != channel and name in document["channels"][home]["messages"]:
        return f'<section class="message"><h4>{escape(name)}</h4><p>As in {there}.</p></section>'
    fields = _fields("Field", payload, schemas) if home == channel else f"<p>Fields as in {there}.</p>"
    headers = schemas[name_in(message["headers"])] if "headers" in message else {}
    return f"""<section class="message"><h4>{escape(name)}</h4>
<p>{_inline(payload.get("description", ""))}</p>
{fields}
{_folded("Headers", _fields("Header", headers, schemas))}
{"".join(_folded(f"Example: {each['name']}", _example(each)) for each in message["examples"])}
</section>
"""


def _home(document: Json, payload: str) -> str:
    """The channel of the payload's name, else the first that carries it."""
    messages = document["components"]["messages"]
    carriers = [
        channel
        for channel, each in document["channels"].items()
        if any(name_in(messages[name]["payload"]) == payload for name in each["messages"])
    ]
    return payload if payload in carriers else carriers[0]


def _fields(heading: str, schema: Json, schemas: Json) -> str:
    required = schema.get("required", [])
    fields = schema.get("properties", {}) | schema.get("patternProperties", {})
    rows = [
        (
            f"<code>{escape(name)}</code>{_required() if name in required else ''}",
            _inline(kind(field, schemas)),
            _inline(notes(field)),
        )
        for name, field in fields.items()
    ]
    return _table((heading, "Type", "Meaning"), rows) if rows else ""


def _required() -> str:
    return ' <span class="required">required</span>'


def _example(example: Json) -> str:
    headers = "".join(f"{name}: {value}\n" for name, value in example.get("headers", {}).items())
    payload = example["payload"]
    # a payload that is no JSON object is shown as the text it is
    body = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False, indent=2)
    return (f"<pre>{escape(headers)}</pre>" if headers else "") + f"<pre>{_coloured(body)}</pre>"


def _servers(document: Json) -> str:
    cards = "".join(_server(document, each) for each in document["servers"].values())
    return f'<section id="servers"><h2>Servers</h2>{cards}</section>\n'


def _server(document: Json, server: Json) -> str:
    schemes = [
        document["components"]["securitySchemes"][name_in(reference)] for reference in server["security"]
    ]
    address = f"{server['protocol']}://{server['host']}"
    return f"""<article><header><h3>{escape(server["title"])}</h3>
<p class="subject"><code>{escape(address)}</code></p></header>
<p>{_inline(server["description"])}</p>
{"".join(f"<p>{_inline(scheme['description'])}</p>" for scheme in schemes)}</article>
"""


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{content}</details>" if content else ""


def _subject(address: str) -> str:
    return f"<code>{re.sub(r'({\w+})', r'<var>\1</var>', escape(address))}</code>"


def _coloured(text: str) -> str:
    """JSON with its tokens marked for the style sheet."""
    pieces, end = [], 0
    for token in JSON_TOKEN.finditer(text):
        pieces += [escape(text[end : token.start()]), _token(token)]
        end = token.end()
    return "".join([*pieces, escape(text[end:])])


def _token(token: re.Match[str]) -> str:
    if token["colon"]:
        return f"<b>{escape(token['text'])}</b>:"
    return f"<i>{escape(token[0])}</i>"


def _code(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _prose(text: str) -> str:
    return str(PROSE.render(text))


def _inline(text: str) -> str:
    return str(PROSE.renderInline(text))


def _link(slug: str, text: str) -> str:
    return f'<li><a href="#{escape(slug)}">{escape(text)}</a></li>'


def _slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.partition("\n")[0].lower()).strip("-")
