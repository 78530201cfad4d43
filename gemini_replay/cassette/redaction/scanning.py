"""Searches a stored cassette for secrets.

It repeats the search of the recording in the request, the response and the joined texts of the response. A second,
independent search uses the library detect-secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ...errors import MissingExtraError
from ..model import Interaction
from .encodings import UnchangeableError, UnsearchableError
from .parsed_body import ParsedBody
from .randomness import could_be_secret, is_placeholder
from .redactor import Redactor
from .replacements import MARK, Removal

Detect = Callable[[str], Iterator[tuple[str, str]]]
"""Finds secrets in a text: each with its kind."""

_PLUGINS = """
    artifactory.ArtifactoryDetector aws.AWSKeyDetector azure_storage_key.AzureStorageKeyDetector
    basic_auth.BasicAuthDetector cloudant.CloudantDetector discord.DiscordBotTokenDetector
    github_token.GitHubTokenDetector gitlab_token.GitLabTokenDetector ibm_cloud_iam.IbmCloudIamDetector
    ibm_cos_hmac.IbmCosHmacDetector jwt.JwtTokenDetector mailchimp.MailchimpDetector npm.NpmDetector
    openai.OpenAIDetector pypi_token.PypiTokenDetector sendgrid.SendGridDetector slack.SlackDetector
    softlayer.SoftlayerDetector square_oauth.SquareOAuthDetector stripe.StripeDetector
    telegram_token.TelegramBotTokenDetector twilio.TwilioKeyDetector
""".split()  # noqa: SIM905
"""The plugins that search for keys. The others report every random text and every word "password"."""

_MASKED = re.compile(r"[REDACT]{4,}|9+")
_SHORTEST = 6
_CHUNK = re.compile(r"answer, chunk (\d+)")


@dataclass(frozen=True, order=True)
class Finding:
    """A possible secret in a cassette, without its value.

    Attributes:
        path: the cassette.
        line: the line, from 1.
        place: where in the interaction, as in `replacements.Removal`.
        kind: the kind of secret.
    """

    path: Path
    line: int
    place: str
    kind: str


def scan(
    interaction: Interaction, path: Path, lines: Sequence[int], *, redactor: Redactor, detect: Detect | None = None
) -> list[Finding]:
    """Possible secrets in an interaction of a cassette, in the order of its lines.

    Args:
        interaction: the interaction.
        path: the cassette.
        lines: the numbers of its lines, the comments left out: first that of the request.
        redactor: what knows secrets.
        detect: a second search, such as `detect_secrets()`.
    """

    def line(place: str) -> int:
        return lines[min(_offset(place), len(lines) - 1)]

    found = {
        Finding(path, line(removal.place), removal.place, removal.kind) for removal in _again(redactor, interaction)
    }
    if detect is not None:
        for place, text in _texts(interaction):
            for kind, value in detect(text):
                if not _is_harmless(value):
                    found.add(Finding(path, line(place), place, f"{kind} (detect-secrets)"))
    return sorted(found)


def _again(redactor: Redactor, interaction: Interaction) -> Iterator[Removal]:
    """What a recording of this interaction would remove now."""
    again = redactor.for_request(interaction.request)
    again.request()
    try:
        if interaction.response is not None:
            again.response(interaction.response)
        stream = again.stream()
        for chunk in interaction.chunks:
            stream.feed(chunk.data + chunk.coded)
        stream.close()
    except (UnchangeableError, UnsearchableError) as error:
        yield Removal("answer, compressed", error.message)
    sent = {name.lower(): value for name, value in interaction.request.headers}
    for removal in again.removals:
        # A cassette that was written by hand can have values that a recording would remove, but that are not secret.
        name = removal.place.removeprefix("request header ")
        if name == removal.place or could_be_secret(sent.get(name, "").rpartition(" ")[2], certain=True):
            yield removal
    if not any(removal.in_answer for removal in again.removals):
        for text in (interaction.text, interaction.thoughts):
            yield from (Removal("answer, its texts joined", kind) for kind in again.kinds(text))


def _texts(interaction: Interaction) -> Iterator[tuple[str, str]]:
    request = interaction.request
    yield "request URL", request.url
    for name, value in request.headers:
        yield f"request header {name.lower()}", value
    yield from (("request body", text) for text in _leaves(request.body))
    for name, value in interaction.response.headers if interaction.response else ():
        yield f"answer header {name.lower()}", value
    for number, chunk in enumerate(interaction.chunks, 1):
        yield from ((f"answer, chunk {number}", text) for text in _leaves(chunk.data))
    yield from (("answer, its texts joined", text) for text in (interaction.text, interaction.thoughts))


def _leaves(body: bytes) -> Iterator[str]:
    return (leaf.text for leaf in ParsedBody(body).leaves if not leaf.opaque)


def _offset(place: str) -> int:
    """How many lines of its interaction, comments left out, are before a place."""
    chunk = _CHUNK.fullmatch(place)
    return 1 + int(chunk[1]) if chunk else 1 if place.startswith("answer") else 0


def _is_harmless(value: str) -> bool:
    if len(value) < _SHORTEST:  # some plugins return only the first part of a key
        return False
    return MARK.search(value) is not None or _MASKED.fullmatch(value) is not None or is_placeholder(value)


def detect_secrets() -> Detect:
    """The search of the library detect-secrets; a `MissingExtraError` if it is not installed."""
    try:
        plugins = [
            getattr(import_module(f"detect_secrets.plugins.{module}"), name)()
            for module, _, name in (plugin.partition(".") for plugin in _PLUGINS)
        ]
    except ImportError:
        raise MissingExtraError("detect-secrets", extra="scan", purpose="A second search for secrets") from None

    def detect(text: str) -> Iterator[tuple[str, str]]:
        for plugin in plugins:
            for value in plugin.analyze_string(text):
                yield plugin.secret_type, value

    return detect
