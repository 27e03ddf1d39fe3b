"""What is kept: rows (`rows`), one writer (`Store.commit`), and a repository a noun. SQLite for now.

Rules: every repository's signature has the account; state and events of one change are one transaction; "durable" is what a reader sees.
"""
