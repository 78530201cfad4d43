"""Chromium, and a page with @google/genai in it. Everything is on this machine."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

PACKAGES = ("@google/genai@>=3 <4", "esbuild@>=0.25 <1")
AUDIT = ("axe-core@>=4.10 <5",)
OTHER_HOST = "app.example"
"""The host of a page that is not local, which this browser alone finds on this machine."""

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of these tests."""
    config.addinivalue_line("markers", "browser: needs Chromium, npm and playwright, and is skipped without them")


@dataclass
class Browser:
    """A browser that shows one page: at `local`, or at `other` as that of another site.

    Attributes:
        local: the page's URL on 127.0.0.1.
        other: its URL at a host that is not local.
        open: opens the page at a URL; gives playwright's page.
    """

    local: str
    other: str
    open: Callable[[str], Any]


@pytest.fixture(scope="module")  # playwright holds the thread's event loop while it is there
def chromium() -> Iterator[Any]:
    """The running browser, as playwright has it; it finds no host but this machine."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("there is no Chromium")
    rules = f"MAP {OTHER_HOST} 127.0.0.1, EXCLUDE 127.0.0.1, MAP * ^NOTFOUND"
    arguments = [
        f"--host-resolver-rules={rules}",
        *(["--no-sandbox"] if getattr(os, "geteuid", int)() == 0 else []),
    ]
    with playwright.sync_playwright() as library:
        running = library.chromium.launch(executable_path=path, args=arguments)
        yield running
        running.close()


@pytest.fixture(scope="module")
def browser(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("page")
    _bundle(HERE / "page.mjs", folder / "page.mjs")
    (folder / "index.html").write_text('<!doctype html><script type="module" src="page.mjs"></script>')
    with _serving(folder) as port:

        def open_page(url: str) -> Any:
            page = chromium.new_page()
            page.goto(url)
            page.wait_for_function("typeof window.ask === 'function'")
            return page

        yield Browser(f"http://127.0.0.1:{port}", f"http://{OTHER_HOST}:{port}", open_page)


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which finds what keeps people from using a page."""
    return (_npm_packages(AUDIT) / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def _bundle(source: Path, target: Path) -> None:
    """Make one module of a page's script and the npm packages it imports."""
    folder = _npm_packages(PACKAGES)
    shutil.copy(source, folder / source.name)
    command = ["node_modules/.bin/esbuild", source.name, "--bundle", "--format=esm", f"--outfile={target}"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)


def _npm_packages(packages: tuple[str, ...]) -> Path:
    """A folder of the user's cache with the packages; installed where they are missing."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gemini-replay" / "npm"
    folder = cache / "-".join(re.findall(r"[\w.]+", " ".join(packages)))
    if folder.exists():
        return folder
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm")
    cache.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=cache))
    (fresh / "package.json").write_text('{"private": true}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages]
    try:
        installed = subprocess.run(command, cwd=fresh, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip("npm does not come to an end")
    if installed.returncode != 0:
        pytest.skip(f"npm cannot install {packages}: {installed.stderr[-300:]}")
    with contextlib.suppress(OSError):  # another worker was quicker
        fresh.rename(folder)
    return folder


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[int]:
    class Handler(SimpleHTTPRequestHandler):
        extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}  # noqa: RUF012

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
