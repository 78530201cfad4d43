"""`tools/pythons.sh`, which runs the suite on other Pythons: its messages where it cannot run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "tools" / "pythons.sh"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the script is for Debian")


@pytest.mark.parametrize(
    ("user", "missing", "says"),
    [
        ("1000", "none", "needs root"),
        ("0", "debootstrap", "needs debootstrap (apt-get install debootstrap"),
        ("0", "none", "found no Debian mirror in this machine's apt sources (run apt-get update first)"),
    ],
    ids=["user", "no debootstrap", "no mirror"],
)
def test_it_says_what_it_needs(user: str, missing: str, says: str, tmp_path: Path) -> None:
    """It stops before it makes anything."""
    programs = {"id": f"echo {user}", "apt-get": "", "debootstrap": "", "unshare": "", "chroot": "", "git": ""}
    for name, does in programs.items():
        if name != missing:
            program = tmp_path / name
            program.write_text(f"#!/bin/sh\n{does}\n")
            program.chmod(0o755)
    for name in ("dirname", "sort", "head"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    ran = subprocess.run(
        [str(shutil.which("bash")), SCRIPT, tmp_path / "made"],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"pythons.sh: {says}")
    assert not (tmp_path / "made").exists()


def test_it_names_no_host() -> None:
    """It uses the machine's own mirrors and indexes."""
    assert "://" not in SCRIPT.read_text(encoding="utf-8").replace("file://", "")
