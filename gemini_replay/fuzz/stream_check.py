"""`check_stream`: one stream against all that may come out of it, judged as `check_parser` judges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from ..arguments import is_whole, items, require, require_flag, texts
from ..loops import run_without_loop
from .cuts import every, split
from .documents import Document, Reading
from .report import parser_bug
from .results import stream_result
from .steadiness import Steadiness, Stream
from .target import FuzzTarget, Parse, check_parse, name_of
from .verdicts import Complaint, Examiner, error_types


def check_stream(
    parse: Parse,
    chunks: Sequence[bytes],
    *,
    one_of: Iterable[Sequence[Any]] | None = None,
    may_raise: bool = False,
    must_raise: bool = False,
    says: Iterable[str] = (),
    after: Iterable[Sequence[bytes]] = (),
    times: int = 1,
    documented: type[BaseException] | Sequence[type[BaseException]] = (),
) -> None:
    """Check one stream, as the test to keep of a bug does.

    If a stream in several chunks has more than one correct result, the parser must choose the same as for the whole
    stream in one chunk.

    Args:
        parse: as for `check_parser`.
        chunks: the stream.
        one_of: the correct results, each a list of JSON values. None: any result is correct.
        may_raise: whether an error is correct, too; accidents such as KeyError and TypeError are not.
        must_raise: whether only an error is correct.
        says: the messages of error objects in the stream; an error that quotes one is correct.
        after: streams that the parser reads before this one. What comes of them is not judged; none is read after one
            that does not end.
        times: how often all of it is done, for a bug that shows only sometimes.
        documented: as for `check_parser`.

    Raises:
        ParserBug: the parser is wrong.
        UsageError: an argument cannot be used.
    """
    __tracebackhide__ = True
    check_parse(parse)
    given = _stream("chunks", chunks)
    earlier = tuple(_stream("after", one) for one in items("after", after, "a list of lists of bytes"))
    require_flag("may_raise", may_raise)
    require_flag("must_raise", must_raise)
    require(is_whole(times, 1), "times", times, "a number above 0")
    excused = error_types(documented)
    correct = None if one_of is None else _results(one_of)
    document = Document(
        b"".join(given),
        tuple(Reading(f"returns {list(values)!r}", values) for values in (((),) if correct is None else correct)),
        malformed=may_raise or must_raise,
        says=texts("says", says, "messages of errors"),
        free=correct is None,
        must_raise=must_raise,
    )
    cuts = tuple(accumulate(map(len, given[:-1])))

    def run() -> Complaint | None:
        with FuzzTarget(parse) as target:
            examiner = Examiner(target, excused)
            for _ in range(times):
                if complaint := _complaint(examiner, document, cuts, earlier):
                    return complaint
        return None

    complaint = run_without_loop(run)
    if complaint is not None:
        raise parser_bug(
            stream_result(document, given, complaint, Steadiness(after=earlier)), parse, name_of(parse), ""
        )


def check_bytes(
    parse: Parse,
    data: bytes,
    *,
    documented: type[BaseException] | Sequence[type[BaseException]] = (),
) -> None:
    """Check any bytes, as a coverage-guided engine makes them, whole and cut in a few ways.

    No result is wrong in itself. A hang is, an accident such as KeyError or TypeError, and a result that depends on
    the cuts.

    Raises:
        ParserBug: the parser is wrong.
        UsageError: an argument cannot be used.
    """
    __tracebackhide__ = True
    require(isinstance(data, bytes), "data", data, "bytes")
    for cuts in dict.fromkeys(((), every(1, len(data)), every(7, len(data)), every(1 + len(data) // 2, len(data)))):
        check_stream(parse, split(data, cuts), may_raise=True, documented=documented)


def _results(one_of: object) -> list[tuple[Any, ...]]:
    takes = "a list of results, each a list of JSON values"
    given = items("one_of", one_of, takes)
    require(all(isinstance(one, list | tuple) for one in given), "one_of", one_of, takes)
    return [tuple(one) for one in given]  # type: ignore[arg-type]  # each is a list or a tuple


def _stream(name: str, chunks: object) -> Stream:
    takes = "a list of bytes"
    given = items(name, chunks, takes)
    require(all(isinstance(chunk, bytes) for chunk in given), name, chunks, takes)
    return given  # type: ignore[return-value]  # each is bytes


def _complaint(
    examiner: Examiner, document: Document, cuts: tuple[int, ...], earlier: Sequence[Stream]
) -> Complaint | None:
    if len(document.readings) > 1 or document.free or document.malformed or document.says:
        return examiner.after(document, cuts, earlier)
    examiner.target.run_all(earlier)
    return examiner.alone(document, cuts)
