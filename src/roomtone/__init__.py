"""Roomtone: a self-hosted server for conference calls that speaks TwiML."""
