"""What each process counts and times for Prometheus; `config.metrics` adds what the database knows.

Where /metrics is open, all processes of a machine keep their figures in files of one folder; whoever is asked
adds them up (the mode of prometheus_client for several processes). No label holds what outsiders choose.
"""

from prometheus_client import Counter, Histogram

QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LONG = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 10_800.0)

webhooks_received = Counter(
    "reflector_webhooks_received", "Deliveries, by how they were answered", ["platform", "answer"]
)
webhook_seconds = Histogram("reflector_webhook_seconds", "Until a delivery was answered", ["platform"], buckets=QUICK)
events_processed = Counter(
    "reflector_events_processed", "Events, by what became of them", ["platform", "type", "outcome"]
)
meetings_opened = Counter("reflector_meetings_opened", "Meetings that were to be opened", ["platform", "outcome"])
provider_seconds = Histogram(
    "reflector_provider_call_seconds", "Calls to a provider", ["platform", "outcome"], buckets=QUICK
)
task_seconds = Histogram("reflector_task_seconds", "Messages that workers took", ["task"], buckets=LONG)
job_seconds = Histogram("reflector_job_seconds", "Rows of work, each attempt", ["job", "outcome"], buckets=LONG)
