"""Steps from one version's tables to the next; part of the package, so that an installed server can migrate."""
