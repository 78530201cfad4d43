"""A limited number of resources is kept in memory."""

from __future__ import annotations

from gemini_replay.server.upstream.shelf import Calendar, Shelf, stamp


def test_the_oldest_resources_are_dropped() -> None:
    """There is a limit on their number and on their size."""
    shelf: Shelf[dict[str, str]] = Shelf("files", 0, most=3, most_bytes=1000)
    for name in "abcd":
        shelf.put(name, {"name": name})
    assert [one["name"] for one in shelf] == ["d", "c", "b"]
    shelf.put("e", {"name": "e" * 980})
    assert [one["name"][0] for one in shelf] == ["e"]
    shelf.put("f", {"name": "f" * 2000})
    assert [one["name"][0] for one in shelf] == ["e"]


def test_a_resource_is_replaced_and_removed() -> None:
    """Its size counts once."""
    shelf: Shelf[dict[str, str]] = Shelf("files", 0, most_bytes=100)
    for _ in range(20):
        shelf.put("a", {"name": "a" * 30})
    shelf.put("b", {"name": "b" * 30})
    assert shelf.get("a") is not None
    assert shelf.take("a") == {"name": "a" * 30}
    assert shelf.take("a") is shelf.get("a") is None


def test_ids_differ_and_depend_on_the_seed() -> None:
    """They also depend on the kind of resource."""
    first = [Shelf(kind, seed).new_id(12) for kind in ("files", "caches") for seed in (1, 2)]
    assert len(set(first)) == 4
    shelf: Shelf[dict[str, str]] = Shelf("files", 1)
    assert shelf.new_id(12) == first[0] != shelf.new_id(12)


def test_time_is_a_fixed_day() -> None:
    """Each time is one second later than the one before."""
    calendar = Calendar()
    assert [stamp(calendar.now()) for _ in range(2)] == ["2026-01-01T09:00:01.000000Z", "2026-01-01T09:00:02.000000Z"]
