"""The identity of `roomtone dev`: always the same, so that it may stand in examples; known to everybody, so that it exists only there."""

from __future__ import annotations

__all__ = ["ACCOUNT_SID", "NUMBER", "PLIVO_AUTH_ID", "PROJECT_ID", "TOKEN", "URL", "WORD"]

ACCOUNT_SID = "AC00000000000000000000000000000001"
TOKEN = "roomtonedevtoken0000000000000000"
PROJECT_ID = "00000000-0000-0000-0000-000000000001"
PLIVO_AUTH_ID = "MAROOMTONEDEV0000000"
NUMBER = "+15550100"
WORD = "demo"
URL = "http://127.0.0.1:8080"
