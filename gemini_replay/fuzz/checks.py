"""What is checked besides the case classes: each check by its name, with the result that it leads to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from .budget import NO_TIME, Share, Tally
from .classes import CHECKS, GROWTH, IN_ARRAY, ISOLATION, LOST_CONNECTION, ProfileName, checks_of
from .documents import document
from .growth import Growth, growth
from .isolation import isolation
from .lost import unnoticed
from .pace import NONE, Pace
from .plain_stream import reads
from .promptness import Promptness, promptness
from .results import Result
from .target import FuzzTarget


@dataclass(frozen=True)
class Check:
    """A check in one framing."""

    name: str  # in `classes.CHECKS`
    array: bool  # whether it feeds a JSON array
    profiles: tuple[ProfileName, ...]  # those of this framing

    def result(self) -> Result:
        """The result if nothing is wrong."""
        return Result(self.name + IN_ARRAY if self.array else self.name, CHECKS[self.name], self.profiles)

    def not_tried(self, why: str = NO_TIME) -> Result:
        """The result if no time is left, or for another reason."""
        return replace(self.result(), verdict="not tried", left_out=why)

    @property
    def parts(self) -> int:
        """Of the time of a search, see `Budget.expect`."""
        return 10 if self.name == GROWTH else 1


@dataclass(frozen=True)
class Checked:
    """The result of a check, with the measurements that it is based on."""

    result: Result
    growth: tuple[Growth, ...] = ()
    promptness: Promptness | None = None


def chosen_checks(profiles: Sequence[ProfileName], names: Collection[str] | None) -> list[Check]:
    """The checks of some profiles, in each of their framings; those in ``names`` instead, if these are given."""
    wanted = checks_of(profiles) if names is None else names
    framings = [(array, tuple(one for one in profiles if (one == "json-array") == array)) for array in (False, True)]
    return [
        Check(name, array, framed)
        for array, framed in framings
        for name in CHECKS
        if framed and (name in wanted or (array and name + IN_ARRAY in wanted))
    ]


def checked(
    target: FuzzTarget, check: Check, *, thorough: bool = True, until: Share | None = None, pace: Pace = NONE
) -> Checked:
    """Check a parser; `thorough`, `until` and `pace` as for `growth`."""
    if check.name == ISOLATION:
        return _isolation(target, check, until)
    if not reads(target, array=check.array):
        return Checked(
            replace(check.result(), verdict="behaviour", behaviour="not known: it does not read this framing")
        )
    if check.name == LOST_CONNECTION:
        return _lost_connection(target, check, until)
    return _growth(target, check, thorough, until, pace) if check.name == GROWTH else _promptness(target, check)


def _isolation(target: FuzzTarget, check: Check, until: Share | None) -> Checked:
    found_out = isolation(target, array=check.array, until=until)
    leak = found_out.leak
    if leak is None and not found_out.whole:
        unknown = "not known for all uses: a stream does not end"
        return Checked(replace(check.result(), verdict="behaviour", behaviour=unknown))
    if leak is None:
        return Checked(replace(check.result(), left_out=found_out.left_out))
    found = replace(
        check.result(),
        verdict="bug",
        kind="leaks",
        chunks=leak.chunks,
        expected=leak.expected,
        got=leak.got,
        error=leak.how,
        document=document(b"".join(leak.chunks), leak.expected) if leak.after else None,
        after=leak.after,
    )
    return Checked(found)


def _lost_connection(target: FuzzTarget, check: Check, until: Share | None) -> Checked:
    if not target.is_here:
        unknown = "not known: a source in another process cannot fail"
        return Checked(replace(check.result(), verdict="behaviour", behaviour=unknown))
    tally = Tally()
    found = unnoticed(target, array=check.array, until=until, tally=tally)
    if found is None:
        return Checked(replace(check.result(), left_out=str(tally)))
    hidden = replace(
        check.result(),
        verdict="bug",
        kind="hides",
        chunks=found.chunks,
        expected=found.got,
        got=found.got,
        error=f"no error, although the source raised {found.error} after these chunks",
    )
    return Checked(hidden)


def _growth(target: FuzzTarget, check: Check, thorough: bool, until: Share | None, pace: Pace) -> Checked:
    tally = Tally()
    figures = growth(
        target,
        array=check.array,
        profiles=check.profiles,
        thorough=thorough,
        until=until,
        pace=pace,
        tally=tally,
    )
    if not figures:
        return Checked(check.not_tried())
    worst = max(figures, key=lambda one: (one.bad, one.exponent))
    good = replace(check.result(), left_out=str(tally))
    if worst.bad:
        return Checked(replace(good, verdict="bug", kind="grows", error=str(worst)), figures)
    if doubtful := [one for one in figures if one.doubt]:
        return Checked(replace(good, verdict="behaviour", behaviour=f"not known: {doubtful[0]}"), figures)
    return Checked(good, figures)


def _promptness(target: FuzzTarget, check: Check) -> Checked:
    seen = promptness(target, array=check.array, profiles=check.profiles)
    good = check.result()
    if not seen.chunks:
        at_the_end = replace(good, verdict="behaviour", behaviour="returns all at the end")
        return Checked(good if seen.lazy else at_the_end, promptness=seen)
    out = f"{len(seen.out)} of {len(seen.due)}" if seen.out else "none"
    late = replace(
        good,
        verdict="bug",
        kind="stalls",
        needs_cut=True,
        chunks=seen.chunks,
        expected=seen.due,
        got=seen.out,
        error=f"{out} had come out when the last of these chunks was asked for",
    )
    return Checked(late, promptness=seen)
