"""``python -m crmresearch`` is the command ``crmresearch``."""

from crmresearch.cli import main

main()
