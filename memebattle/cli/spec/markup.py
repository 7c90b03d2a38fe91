"""HTML for the page, from texts that are escaped here and Markdown that passes through a renderer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from markdown_it import MarkdownIt

PROSE = MarkdownIt("commonmark", {"html": False})

JSON_TOKEN = re.compile(r'(?P<text>"(?:\\.|[^"\\])*")(?P<colon>:)?|true|false|null|-?[\d.]+')


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Nothing when there are no rows."""
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    if not body:
        return ""
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def folded(summary: str, content: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{content}</details>" if content else ""


def subject(address: str | None) -> str:
    if address is None:
        return "the reply subject of whoever asks"
    return f"<code>{re.sub(r'({\w+})', r'<var>\1</var>', escape(address))}</code>"


def coloured(text: str) -> str:
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


def code(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def prose(text: str) -> str:
    return str(PROSE.render(text))


def inline(text: str) -> str:
    return str(PROSE.renderInline(text))


def link(slug: str, text: str) -> str:
    return f'<li><a href="#{escape(slug)}">{escape(text)}</a></li>'


def slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.partition("\n")[0].lower()).strip("-")
