"""An interaction in a notebook: a timeline as SVG and text, without a script, in any colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from itertools import accumulate

from ...cassette.describing import describe
from ...cassette.model import Interaction
from ...gemini.describing import Described, describe_events, describe_request
from ...plain_text import plain_lines
from ..moments import timed_chunks
from ..pages import joined
from .data import ended, figures

_WIDTH, _HEIGHT, _MARKS = 640, 56, 14
_MOST_CHUNKS = 2000
"""Chunks that are drawn; of more, every so many."""
_LONGEST = 2000
"""Characters of a text; the rest is counted."""
_COLOUR = "#0d9488"  # can be seen on white and on black


def card(interaction: Interaction) -> str:
    """The interaction as HTML; what it says is escaped, and invisible characters are shown as escapes."""
    told = ", ".join(f"{name} {value}" for name, value in figures(interaction))
    asked = describe_request(interaction.request.json) if interaction.request.json is not None else ()
    return (
        '<div style="max-width: 660px; line-height: 1.45">'
        f"<div><strong>{_text(describe(interaction.request))}</strong> · {_text(ended(interaction))}</div>"
        f'<div style="opacity: .75; font-size: .9em">{_text(told)}</div>'
        f"{_timeline(interaction, told)}"
        f"{''.join(_rows(asked))}"
        '<hr style="border: 0; border-top: 1px solid currentColor; opacity: .25; margin: 6px 0">'
        f"{''.join(_rows(joined(describe_events(interaction.events))))}"
        "</div>"
    )


def _timeline(interaction: Interaction, told: str) -> str:
    """The sum of bytes over time, and a mark for each chunk."""
    chunks = timed_chunks(interaction)
    if not chunks:
        return ""
    span = max(interaction.duration, 0.001)
    sums = list(accumulate(len(one.chunk.data) for one in chunks))
    every = -(-len(chunks) // _MOST_CHUNKS)
    shown = [*list(zip(chunks, sums, strict=True))[::every], (chunks[-1], sums[-1])]
    line, marks = f"M0 {_HEIGHT}", ""
    for (at, _), total in shown:
        x = at / span * _WIDTH
        line += f"H{x:.1f}V{_HEIGHT - total / max(sums[-1], 1) * (_HEIGHT - 4):.1f}"
        marks += f"M{x:.1f} {_HEIGHT + 4}v{_MARKS - 4}"
    axis = _HEIGHT + _MARKS + 14
    ticks = ((0, "start", "0 s"), (_WIDTH, "end", f"{span:.2f} s"))
    look = 'font-size="11" fill="currentColor" opacity=".75"'
    texts = "".join(f'<text x="{x}" y="{axis}" text-anchor="{at}" {look}>{text}</text>' for x, at, text in ticks)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {axis + 4}" width="100%" role="img" aria-label="{_text(told)}" '
        'style="display: block; margin: 6px 0">'
        f'<path d="{line}H{_WIDTH}V{_HEIGHT}Z" fill="{_COLOUR}" opacity=".18"/>'
        f'<path d="{line}H{_WIDTH}" fill="none" stroke="{_COLOUR}" stroke-width="1.5"/>'
        f'<path d="{marks}" stroke="currentColor" opacity=".5"/>{texts}</svg>'
    )


def _rows(described: Iterable[Described]) -> Iterator[str]:
    for kind, text in described:
        clipped = text[:_LONGEST]
        left = len(text) - len(clipped)
        more = f"… {left:,} more characters" if left else ""
        yield (
            '<div style="display: flex; gap: 12px; margin: 2px 0">'
            f'<span style="flex: 0 0 70px; opacity: .75">{_text(kind)}</span>'
            '<span style="white-space: pre-wrap; overflow-wrap: anywhere; min-width: 0">'
            f"{_text(clipped)}{more}</span></div>"
        )


def _text(text: str) -> str:
    return escape(plain_lines(text))
