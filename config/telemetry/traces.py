"""Traces to a collector by OTLP: a span for each request and for each message that a worker takes, and how they belong
together. They hold the route, never an address; the task, never its arguments; an error's class, never what it says.
"""

from collections.abc import Callable
from typing import Any

from celery.signals import before_task_publish, task_failure, task_postrun, task_prerun, worker_process_shutdown
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.re import parse_env_headers

from platforms import logs

GetResponse = Callable[[HttpRequest], HttpResponseBase]

HEADER = "trace_parent"  # of a message; a name of its own, as the standard's is for HTTP
provider = TracerProvider(resource=Resource.create({"service.name": settings.OTEL_SERVICE_NAME}))
tracer = provider.get_tracer("reflector-rooms")
propagator = TraceContextTextMapPropagator()


def begin() -> None:
    exporter = OTLPSpanExporter(
        endpoint=f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces",
        headers=parse_env_headers(settings.OTEL_EXPORTER_OTLP_HEADERS, liberal=True),
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    before_task_publish.connect(send_where_it_belongs)
    task_prerun.connect(begin_task)
    task_failure.connect(mark_failure)
    task_postrun.connect(end_task)
    worker_process_shutdown.connect(send_the_rest)


def traced(get_response: GetResponse) -> GetResponse:
    """Comes after `request_log`, whose id the span has."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        method = request.method or ""
        with tracer.start_as_current_span(method, kind=SpanKind.SERVER, record_exception=False) as span:
            response = get_response(request)
            route = request.resolver_match.route if request.resolver_match else ""
            span.update_name(f"{method} {route}".strip())
            span.set_attribute("http.request.method", method)
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
            name_what_it_is_about(span)
        return response

    return answer


def name_what_it_is_about(span: Span) -> None:
    for name, value in logs.current().items():
        span.set_attribute(f"rooms.{name}", value)


def send_where_it_belongs(headers: dict[str, Any], **kwargs: Any) -> None:
    carrier: dict[str, str] = {}
    propagator.inject(carrier)
    if "traceparent" in carrier:
        headers[HEADER] = carrier["traceparent"]


def begin_task(task: Any, **kwargs: Any) -> None:
    if task.request.is_eager:
        return
    parent = propagator.extract({"traceparent": task.request.get(HEADER) or ""})
    task.request.span = tracer.start_span(task.name, context=parent, kind=SpanKind.CONSUMER)
    name_what_it_is_about(task.request.span)
    task.request.in_span = trace.use_span(task.request.span, record_exception=False)
    task.request.in_span.__enter__()


def mark_failure(sender: Any, exception: BaseException, **kwargs: Any) -> None:
    if span := getattr(sender.request, "span", None):
        span.set_status(StatusCode.ERROR)
        span.set_attribute("error.type", type(exception).__name__)


def end_task(task: Any, **kwargs: Any) -> None:
    if span := getattr(task.request, "span", None):
        task.request.in_span.__exit__(None, None, None)
        span.end()


def send_the_rest(**kwargs: Any) -> None:
    provider.force_flush(timeout_millis=2000)
