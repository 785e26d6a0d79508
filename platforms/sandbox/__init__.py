"""The providers' side of the wire, without the providers: for a first run, demonstrations, drills and tests.

`world` is what goes on in rooms, and who has which page open. `daily`, `whereby` and `mock` play one provider each:
its API, its webhooks, and where it leaves recordings. `provider` is what is asked of each, `context` what each gets;
what its parts share is its `state`. `wire` is what APIs and webhooks have in common, and `wire.faults` are
injected into each; `wire.deliveries` alone makes events for drills. `media` makes files of what browsers heard, and
has a transcription service that hears but does not understand. `web` is where people meet, and the controls of
faults; `storage` is S3 and SQS. `server` is all of that together, and `python -m platforms.sandbox` runs it.

Everything is in memory: when a sandbox stops, its rooms, people and recordings are gone. It needs the packages of the
extra `sandbox`, and nothing of the product but `platforms.signing`.
"""
