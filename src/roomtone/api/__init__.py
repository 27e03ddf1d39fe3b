"""Roomtone's own HTTP API under `/api/v1`, the probes, the metrics and the hold-music twimlet: readers of what the rest of the server knows.

Each noun is a router in its own file, made by a function of what it needs (`sources`); `app.Api` puts them together. Who asks is settled in `auth` before a
router runs: an account sees itself, the operator sees all. Every error is `{"error": {code, message, remedy}}`.

Router files do not postpone their annotations: FastAPI must see the dependencies in them, which are local to the function that makes the router.
"""
