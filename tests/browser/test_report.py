"""The page of `gemini-replay report` in Chromium: it streams at the recorded rhythm, and anybody can use it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cassettes import streaming
from support.hostile import HOSTILE, hostile
from support.seen import assert_as_recorded
from support.streams import event, events

from gemini_replay import Cassette, Interaction
from gemini_replay.errors import MissError
from gemini_replay.report.html import data
from gemini_replay.report.html.page import page as made_page

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default::ResourceWarning")]

FOLDER = Path(__file__).parents[2] / "cassettes"
STORY = FOLDER / "story.jsonl"
PHONE = {"width": 390, "height": 844}
Open = Callable[..., Any]


@pytest.fixture
def show(chromium: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of some groups, cassettes or interactions. No request may leave it, and no policy be broken."""
    asked: list[str] = []
    pages: list[Any] = []

    def show(*shown: Any, at: str = "", clock: bool = False, **options: Any) -> Any:
        file = tmp_path / f"report-{len(pages)}.html"
        groups = [one if isinstance(one, dict) else data.cassette_group(loaded(one)) for one in shown]
        file.write_bytes(made_page("A report", groups, nothing="Nothing."))
        page = chromium.new_page(**options)
        pages.append(page)
        page.add_init_script(
            "window.broken = []; addEventListener('error', (event) => broken.push(event.message));"
            "document.addEventListener('securitypolicyviolation', (event) => broken.push(event.blockedURI));"
        )
        page.on("request", lambda request: asked.append(request.url))
        if clock:
            page.clock.install(time=0)
        page.goto(f"{file.as_uri()}{at}")
        return page

    yield show
    assert [page.evaluate("broken") for page in pages] == [[]] * len(pages)
    assert {url.partition("#")[0] for url in asked} == {page.url.partition("#")[0] for page in pages}
    for page in pages:
        page.close()


def loaded(shown: Path | Interaction) -> Cassette:
    return (
        Cassette.load(shown) if isinstance(shown, Path) else Cassette(interactions=[shown], path=Path("made.jsonl"))
    )


def position(page: Any) -> float:
    """The moment of the answer that the player shows, in seconds."""
    return float(page.locator(".scrubber").input_value())


# -- the player ------------------------------------------------------------------------------------------------------


def test_it_plays_at_the_recorded_rhythm(show: Open) -> None:
    """Measured in the page, by its own clock: each event's text appears at its time."""
    recorded = loaded(STORY).interactions[0]
    page = show(STORY)
    assert page.locator(".said").text_content() == recorded.text
    snapshots = page.evaluate("""() => new Promise((resolve) => {
        const said = document.querySelector('.said');
        const button = document.querySelector('.play');
        const seen = [];
        const started = performance.now();
        const note = () => seen.push([(performance.now() - started) / 1000, said.textContent]);
        new MutationObserver(note).observe(said, {childList: true, subtree: true, characterData: true});
        button.click();
        new MutationObserver(() => button.textContent === 'Play' && resolve(seen)).observe(button, {childList: true});
    })""")
    seen, until = [], ""
    for one in recorded.events:
        until += one.text
        seen.append((next(at for at, text in snapshots if text.startswith(until)), one.text))
    assert_as_recorded(seen, recorded)
    assert page.locator("#status").text_content() == "The answer has ended: STOP"


def test_it_pauses_changes_its_speed_and_goes_where_it_is_told(show: Open) -> None:
    """By the page's clock, which stands still until the test moves it: a frame is 16 ms."""
    page = show(STORY, clock=True)
    page.clock.pause_at(1000)
    play, said = page.locator(".play"), page.locator(".said")
    play.click()
    page.clock.run_for(1000)
    assert position(page) == pytest.approx(1.0, abs=0.04)
    play.click()
    assert page.locator("#status").text_content().startswith("Paused at ")
    page.clock.run_for(5000)
    assert position(page) == pytest.approx(1.0, abs=0.04)
    recorded = loaded(STORY).interactions[0]
    assert 0 < len(said.text_content()) < len(recorded.text)

    page.locator(".scrubber").fill("0.3")
    assert said.text_content() == "Waiting for the first event…"
    page.locator(".speed select").select_option("4")
    play.click()
    page.clock.run_for(300)
    assert position(page) == pytest.approx(1.5, abs=0.14)
    page.locator(".speed select").select_option("0.25")
    page.clock.run_for(400)
    assert position(page) == pytest.approx(1.6, abs=0.2)
    box = page.locator(".timeline").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 5, box["y"] + 20)
    assert said.text_content() == recorded.text


def test_the_keyboard_is_enough(show: Open) -> None:
    """The list, the player and the events by keys alone; the focus is where one expects it."""
    page = show(FOLDER / "404.jsonl", STORY, FOLDER / "thinking.jsonl")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator(".entry").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.tagName === 'H2'")
    assert page.locator(".entry[aria-current]").count() == 1
    assert page.locator(".facts dd", has_text="story.jsonl").count() == 1
    while page.evaluate("document.activeElement.className") != "scrubber":
        page.keyboard.press("Tab")
    page.keyboard.press("Home")
    assert position(page) == 0
    page.keyboard.press("Space")
    assert page.locator(".play").text_content() == "Pause"
    page.keyboard.press("Space")
    at = position(page)
    page.keyboard.press("ArrowRight")
    assert position(page) == pytest.approx(at + 1.934 / 50, abs=0.002)
    page.keyboard.press("+")
    assert page.locator(".speed select").input_value() == "2"
    page.locator(".of-events summary").nth(2).focus()
    page.keyboard.press("Enter")
    page.locator(".of-events .code").first.wait_for()
    assert '"candidates": [' in page.locator(".of-events .code").first.text_content()
    assert page.locator(".of-events .code").nth(1).text_content().startswith("data: {")


# -- many interactions -----------------------------------------------------------------------------------------------


def test_search_and_filters(show: Open) -> None:
    """By words of prompts, answers, calls and errors, and by how interactions ended."""
    page = show(*sorted(FOLDER.glob("*.jsonl")))
    shown = page.locator(".entry:visible")
    everything = shown.count()
    assert everything > 20
    assert page.locator("#found").text_content() == f"{everything} entries"
    page.locator("#search").fill("get_weather ZÜRICH")
    assert 0 < shown.count() < everything
    assert page.locator("#found").text_content() == f"{shown.count()} of {everything} entries"
    page.locator("#search").fill("no cassette says this")
    assert shown.count() == 0
    page.locator("#search").fill("")
    page.get_by_label("Outcome").select_option("failed")
    assert 4 <= shown.count() < everything
    assert page.locator(".entry:visible .dot:not(.failed)").count() == 0
    page.get_by_label("Outcome").select_option("")
    assert shown.count() == everything


# -- much ------------------------------------------------------------------------------------------------------------


def large(count: int, size: int) -> Interaction:
    """An answer of so many events of so many bytes."""
    chunks = [event(f"{nth}: {'word ' * (size // 5)}\n") for nth in range(count - 1)]
    return streaming(*chunks, event("end", finishReason="STOP"), gap=0.005)


def test_two_thousand_events_are_built_as_they_come_into_sight(show: Open) -> None:
    """At first few rows are there; all can be reached; and playing adds to the answer, never builds it anew."""
    page = show(large(2000, 100))
    rows = page.locator(".of-events > li")
    assert rows.count() < 500
    assert page.evaluate("document.querySelectorAll('*').length") < 5000
    page.locator(".scrubber").fill("0")
    page.locator(".speed select").select_option("16")
    built = page.evaluate("""() => new Promise((resolve) => {
        const said = document.querySelector('.said');
        let removed = 0;
        new MutationObserver((all) => { for (const one of all) removed += one.removedNodes.length; })
            .observe(said, {childList: true, subtree: true});
        const button = document.querySelector('.play');
        button.click();
        const ended = () => button.textContent === 'Play' && resolve(removed);
        new MutationObserver(ended).observe(button, {childList: true});
    })""")
    assert built <= 1  # the words "Waiting…"
    for _ in range(12):
        if rows.count() == 2000:
            break
        page.locator(".events .more:visible").first.scroll_into_view_if_needed()
        page.wait_for_timeout(50)
    assert rows.count() == 2000


def test_an_event_with_an_image_opens(show: Open) -> None:
    """Three megabytes of base64 in one text are cut, with a button that shows the rest."""
    image = {"inlineData": {"mimeType": "image/png", "data": "QUJD" * 800_000}}
    body = b"data: " + json.dumps({"candidates": [{"content": {"parts": [image]}}]}).encode() + b"\n\n"
    page = show(streaming(body))
    assert page.locator(".part").text_content() == "data image/png, 2,400,000 bytes"
    page.locator(".of-events summary").click()
    shown = page.locator(".of-events .code").first
    assert shown.text_content().startswith('{\n  "candidates": [\n    {\n')
    assert len(shown.text_content()) < 4000
    shown.locator("button").click()
    assert len(shown.text_content()) > 3_200_000


def test_five_megabytes_open_in_two_seconds(show: Open) -> None:
    """The best of three, since the machine may be busy: until the page is built and can be used."""
    interaction = large(2000, 2500)
    assert len(interaction.body) > 5_000_000

    def opened() -> float:
        page = show(interaction)
        page.locator(".deck .play").wait_for()
        return float(page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))

    assert min(opened() for _ in range(3)) < 2000


# -- for everybody ---------------------------------------------------------------------------------------------------


def missed() -> dict[str, Any]:
    """A test of a run that missed an answer."""
    error = MissError(
        "No recording answers POST gemini-2.5-flash:streamGenerateContent.",
        suggestion="The nearest is interaction 1.",
        hint="Record it again with: pytest --gemini-record rewrite",
        differences=['body.contents[0].parts[0].text: recorded "a", asked "b"', "query: recorded none, asked alt"],
    )
    return data.group("tests/test_story.py::test_it", [data.problem_entry(error, "missed")])


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
@pytest.mark.parametrize("what", ["many", "long", "error", "missed", "hostile", "nothing"])
def test_an_audit_finds_nothing_serious(show: Open, axe: str, what: str, look: str) -> None:
    """axe-core, in every look: nothing that is serious or critical; every event row and fold is open."""
    shown: dict[str, tuple[Any, ...]] = {
        "many": tuple(sorted(FOLDER.glob("*.jsonl"))),
        "long": (FOLDER / "long_answer.jsonl",),
        "error": (FOLDER / "429.jsonl",),
        "missed": (missed(), STORY),
        "hostile": (hostile(),),
        "nothing": (),
    }
    options = {"viewport": PHONE} if look == "phone" else {"color_scheme": look}
    page = show(*shown[what], reduced_motion="reduce", **options)
    page.evaluate("for (const one of [...document.querySelectorAll('details')].slice(0, 12)) one.open = true")
    page.evaluate(axe)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in serious] == []


def test_nothing_is_wider_than_a_phone(show: Open) -> None:
    """The list, an answer and a problem fit a width of 390 points; the list and what is chosen take turns."""
    page = show(missed(), hostile(), FOLDER / "long_answer.jsonl", viewport=PHONE)
    width = "document.documentElement.scrollWidth"
    assert page.locator(".entry:visible").count() == 3
    assert page.evaluate(width) == 390
    for nth in range(3):
        page.locator(".entry").nth(nth).click()
        page.locator("h2:visible").first.wait_for()
        assert page.evaluate(width) == 390
        page.locator(".back").click()
        assert page.locator(".entry:visible").count() == 3


def test_hostile_text_is_text(show: Open) -> None:
    """It ends no element, runs nothing, and reverses nothing: each text is there, letter by letter."""
    page = show(hostile())
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    shown = page.locator("main").text_content()
    assert [text for text in HOSTILE if text.isprintable() and text not in shown] == []
    assert not set("\u202e\u2028\ufeff") & set(shown)
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img, main script, main iframe").count() == 0


def test_a_stream_that_ended_badly_says_so(show: Open) -> None:
    """In the list, in the answer and in words for a screen reader."""
    page = show(FOLDER / "cut.jsonl", *[streaming(*events(3))])
    assert "ended by" in page.locator(".said").text_content()
    assert page.locator(".entry-end").first.text_content() == "reset"
