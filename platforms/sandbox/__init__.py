"""The providers' side of the wire, without the providers: for a first run, demonstrations, drills and tests.

`world` is what goes on in rooms, `scene` what there is in them. `daily`, `whereby` and `mock` play one provider each:
its API, its webhooks, and where it leaves recordings (`provider` is what is asked of each). `page` is where people
meet; `recorder` makes files of what their browsers heard, in `finishing`; `storage` is S3 and SQS, `transcription` a
service that hears but does not understand. `faults` and `controls` make each of them misbehave on purpose. `server` is
all of that together; `python -m platforms.sandbox` runs it. `deliveries` alone makes events for drills.

Everything is in memory: when a sandbox stops, its rooms, people and recordings are gone. It needs the packages of the
extra `sandbox`, and nothing of the product but `platforms.signing`.
"""
