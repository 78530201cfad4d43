import asking
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture
def spans():
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instruments = [HTTPXClientInstrumentor(), RequestsInstrumentor()]
    for instrument in instruments:
        instrument.instrument(tracer_provider=provider)
    yield exporter.get_finished_spans
    for instrument in instruments:
        instrument.uninstrument()


def statuses(spans):
    return [span.attributes["http.status_code"] for span in spans()]


def test_before_the_cassette(spans, gemini_cassette):
    assert len(asking.ask()) == asking.CHUNKS
    assert len(asking.ask_with_requests("Again.")) > 0
    assert statuses(spans) == [200, 200]


def test_after_the_cassette(gemini_cassette, spans):
    assert len(asking.ask()) == asking.CHUNKS
    assert len(asking.ask_with_requests("Again.")) > 0
    assert statuses(spans) == [200, 200]


def test_miss(spans, gemini_cassette):
    asking.ask("What nobody recorded")
