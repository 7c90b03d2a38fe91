"""The document as one page: no script, nothing fetched from elsewhere, readable in a terminal browser.

Everything comes from the AsyncAPI document; prose in it is Markdown and passes through a renderer that
escapes HTML, all else through `html.escape`. The looks are in `style.css` beside the page, because the
gateway's content security policy forbids inline styles.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from html import escape

from memebattle.cli.spec.markup import code, coloured, folded, inline, link, prose, slug, subject, table
from memebattle.cli.spec.schema import Json, kind, name_in, notes, within
from memebattle.cli.spec.transport import carried_by

# the ways of a request, of a chat message and of a task, by what happens on a channel
FLOWS = {
    "The way of a request": [
        ("you ask", "MemeRequestJetStream"),
        ("a worker answers", "MemeAnswer"),
        ("the stream keeps the first answer and repeats it to all", "MemeResponse"),
    ],
    "The way of a chat message": [
        ("a pod takes a message", "WorkflowRequestJetStream"),
        ("a worker stores each chunk of its answer", "ChatStored"),
        ("and tells the pods that hold the session", "ChatPodResponse"),
    ],
    "The way of a task": [
        ("you send a task", "PriorityRequestById"),
        ("a worker scores it", "StoredPriorityResult"),
        ("the stream keeps the first result and repeats it to all", "PriorityResult"),
    ],
}

FIELDS, HEADERS = ("Field", "Type", "Meaning"), ("Header", "Type", "Meaning")


def page(document: Json, types: str) -> str:
    """The whole page. `types` is the TypeScript to copy."""
    info = document["info"]
    lead, *sections = info["description"].split("\n## ")
    chapters = {slug(text): text.partition("\n") for text in sections}
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
<ul>{"".join(link(slug, heading) for slug, (heading, _, _) in chapters.items())}</ul>
{"".join(_menu(document, group) for group in _groups(document))}
<ul>{link("servers", "Servers")}{link("types", "TypeScript types")}</ul>
</nav>
<main id="top">
<header class="hero">
<p class="version">AsyncAPI {escape(document["asyncapi"])} &middot; version {escape(info["version"])}</p>
<h1>The messages of {escape(info["title"])}</h1>
{prose(lead)}
</header>
{"".join(_flow(document, label, steps) for label, steps in FLOWS.items())}
{"".join(_chapter(slug, heading, text) for slug, (heading, _, text) in chapters.items())}
{"".join(_group(document, group) for group in _groups(document))}
{_servers(document)}
<section id="types"><h2>TypeScript types</h2>
<p>Interfaces for every payload, and maps from subject to payload: <code>Requests</code> and
<code>Events</code> for browsers, <code>Messages</code> and <code>Replies</code> for services.</p>
<details><summary>types.ts</summary>{code(types)}</details></section>
<footer><p><a href="asyncapi.json" download>asyncapi.json</a> is this document for programs.
Generated from the code. {escape(info["license"]["name"])}.</p></footer>
</main>
</body>
</html>
"""


def _flow(document: Json, label: str, steps: list[tuple[str, str]]) -> str:
    """One message's way, as the names of these settings have it."""
    channels = document["channels"]
    items = "".join(
        f'<li><a href="#{name}">{subject(channels[name]["address"])}</a><span>{escape(text)}</span></li>'
        for text, name in steps
    )
    return f'<ol class="flow" aria-label="{label}">{items}</ol>'


def _chapter(slug: str, heading: str, text: str) -> str:
    return f'<section id="{slug}"><h2>{escape(heading)}</h2>{prose(text)}</section>\n'


def _menu(document: Json, group: str) -> str:
    links = "".join(link(name, each["title"]) for name, each in _members(document, group))
    return f"<h2>{escape(group)}</h2><ul>{links}</ul>\n"


def _groups(document: Json) -> list[str]:
    """What the channels are tagged with, in their order."""
    return list(dict.fromkeys(_group_of(channel) for channel in document["channels"].values()))


def _group_of(channel: Json) -> str:
    return str(channel["tags"][0]["name"])


def _group(document: Json, group: str) -> str:
    cards = "".join(_channel(document, name, each) for name, each in _members(document, group))
    return f"<section><h2>{escape(group)}</h2>\n{cards}</section>\n"


def _members(document: Json, group: str) -> Iterator[tuple[str, Json]]:
    for name, each in document["channels"].items():
        if _group_of(each) == group:
            yield name, each


def _channel(document: Json, name: str, channel: Json) -> str:
    delivery, audience = channel["x-delivery"], channel["x-audience"]
    guarantee = escape(delivery["guarantee"])
    badge = f'<span class="badge {guarantee}">{guarantee.replace("-", " ")}</span>'
    facts = {
        "Who speaks": inline(audience["says"]),
        "Who listens": inline(audience["hears"]),
        "Delivery": inline(delivery["because"]),
        "Order": inline(delivery["ordering"]),
        "Carried by": "".join(f"<p>{inline(line)}</p>" for line in carried_by(channel)),
        **_handling(document, name),
    }
    return f"""<article id="{escape(name)}">
<header><h3>{escape(channel["title"])} {badge}</h3>
<p class="subject">{subject(channel["address"])}</p></header>
<p>{inline(channel["description"])}</p>
<dl>{"".join(f"<div><dt>{term}</dt><dd>{fact}</dd></div>" for term, fact in facts.items())}</dl>
{_parameters(channel.get("parameters", {}))}
{"".join(_message(document, name, each) for each in channel["messages"])}
</article>
"""


def _handling(document: Json, name: str) -> dict[str, str]:
    """What the roles do with what they receive, and where they answer."""
    facts = {}
    for operation in document["operations"].values():
        if name_in(operation["channel"]) != name or operation["action"] != "receive":
            continue
        facts[f"In a {escape(operation['tags'][0]['name'])}"] = inline(operation["summary"])
        if "reply" in operation:
            facts["Answered on"] = _to_channel(document, name_in(operation["reply"]["channel"]))
    return facts


def _to_channel(document: Json, name: str) -> str:
    return f'<a href="#{escape(name)}">{escape(document["channels"][name]["title"])}</a>'


def _parameters(parameters: Json) -> str:
    rows = [
        (f"<code>{{{escape(name)}}}</code>", inline(_parameter(each))) for name, each in parameters.items()
    ]
    return table(("Parameter", "Meaning"), rows)


def _parameter(parameter: Json) -> str:
    values = ", ".join(f"`{value}`" for value in parameter.get("enum", []))
    usual = f" Usually `{parameter['default']}`." if "default" in parameter else ""
    return f"{values}{'. ' if values else ''}{parameter['description']}{usual}"


def _message(document: Json, channel: str, name: str) -> str:
    """A message; its fields are told where it is at home, and linked to from everywhere else."""
    message, schemas = document["components"]["messages"][name], document["components"]["schemas"]
    payload_name = name_in(message["payload"])
    payload, home = schemas[payload_name], _home(document, payload_name)
    there = _to_channel(document, home)
    if home != channel and name in document["channels"][home]["messages"]:
        return f'<section class="message"><h4>{escape(name)}</h4><p>As in {there}.</p></section>'
    told = {name_in(each["payload"]) for each in document["components"]["messages"].values()}
    rows = _rows(payload, schemas, told)
    fields = table(FIELDS, rows) if home == channel else f"<p>Fields as in {there}.</p>"
    headers = schemas[name_in(message["headers"])] if "headers" in message else {}
    return f"""<section class="message"><h4>{escape(name)}</h4>
<p>{inline(payload.get("description", ""))}</p>
{fields}
{folded("Headers", table(HEADERS, _rows(headers, schemas, told)))}
{"".join(folded(f"Example: {each['name']}", _example(each)) for each in message["examples"])}
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


def _rows(schema: Json, schemas: Json, told: Collection[str]) -> Iterator[tuple[str, ...]]:
    """A row per field; those of an object in it follow, indented, unless it is `told` as a message."""
    required = schema.get("required", [])
    for name, field in (schema.get("properties", {}) | schema.get("patternProperties", {})).items():
        mark = ' <span class="required">required</span>' if name in required else ""
        yield (
            f"<code>{escape(name)}</code>{mark}",
            inline(kind(field, schemas)),
            inline(notes(field)),
        )
        inner = within(field, schemas)
        if inner is not None and inner["title"] not in told:
            for first, *rest in _rows(inner, schemas, told):
                yield f'<span class="inner">{first}</span>', *rest


def _example(example: Json) -> str:
    headers = "".join(f"{name}: {value}\n" for name, value in example.get("headers", {}).items())
    payload = example["payload"]
    # a payload that is no JSON object is shown as the text it is
    body = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False, indent=2)
    return (f"<pre>{escape(headers)}</pre>" if headers else "") + f"<pre>{coloured(body)}</pre>"


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
<p>{inline(server["description"])}</p>
{"".join(f"<p>{inline(scheme['description'])}</p>" for scheme in schemes)}</article>
"""
