from gevent import monkey

monkey.patch_all()

import asking  # noqa: E402
import gevent  # noqa: E402


def test_greenlets(gemini_cassette):
    jobs = [gevent.spawn(asking.ask, f"Story {number}.") for number in range(3)]
    gevent.joinall(jobs, raise_error=True)
    assert [len(job.get()) for job in jobs] == [asking.CHUNKS] * 3


def test_requests(gemini_cassette):
    assert len(asking.ask_with_requests()) > 0


def test_miss(gemini_cassette):
    gevent.spawn(asking.ask, "What nobody recorded").join()
