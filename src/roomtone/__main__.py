"""`python -m roomtone` is the command line."""

from roomtone.cli.main import main

main()
