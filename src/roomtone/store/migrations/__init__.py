"""Steps from one version's tables to the next; part of the package, so that an installed server can migrate."""

__all__ = ["HEAD"]

HEAD = "0002"
"""The newest step. A database that is there needs nothing; one in memory is made by `tables` at once. A test holds that all three agree."""
