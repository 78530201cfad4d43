"""Invalid entrance rules are refused at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gemini_replay import Cassette
from gemini_replay.cli import main
from gemini_replay.errors import UsageError
from gemini_replay.server.entrance import Rules, parse_size


class TestRules:
    """Invalid rules are refused at once."""

    @pytest.mark.parametrize(
        ("text", "size"),
        [("0", 0), ("1000", 1000), ("64K", 65536), ("128m", 2**27), ("1 GiB", 2**30), ("2MB", 2**21)],
    )
    def test_sizes(self, text: str, size: int) -> None:
        """A size is in bytes, or has the suffix K, M or G."""
        assert parse_size(text) == size

    @pytest.mark.parametrize("text", ["", "-1", "1.5M", "much", "1T"])
    def test_invalid_sizes(self, text: str) -> None:
        """A negative number, a fraction or another unit is refused."""
        with pytest.raises(UsageError, match="is not a size"):
            parse_size(text)

    @pytest.mark.parametrize(
        ("rules", "words"),
        [
            ({"allow_origins": ("app.example",)}, "is not an origin"),
            ({"allow_origins": ("https://app.example/",)}, "is not an origin"),
            ({"allow_origins": ("*",)}, "is not an origin"),
            ({"allow_hosts": ("app.example:80",)}, "is not a host name"),
            ({"allow_hosts": ("http://app.example",)}, "is not a host name"),
            ({"max_body": -1}, "max_body is -1"),
        ],
    )
    def test_invalid_rules(self, rules: dict[str, Any], words: str) -> None:
        """An origin has a scheme and no path; a host has no port."""
        with pytest.raises(UsageError, match=words):
            Rules(**rules)

    @pytest.mark.parametrize("command", ["serve", "record", "upstream"])
    @pytest.mark.parametrize(
        ("option", "words"),
        [
            (("--allow-origin", "app.example"), "is not an origin"),
            (("--allow-host", "a:80"), "is not a host name"),
            (("--max-body", "much"), "is not a size"),
        ],
        ids=["origin", "host", "size"],
    )
    def test_every_command_that_listens_checks_its_rules(
        self, command: str, option: tuple[str, str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The error comes before anything listens."""
        path = tmp_path / "c.jsonl"
        Cassette([]).save(path)
        assert main([command, *([] if command == "upstream" else [str(path)]), *option]) == 2
        captured = capsys.readouterr()
        assert (words in captured.err, captured.out) == (True, "")
