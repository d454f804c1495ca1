"""The command line: ``main`` is its frame, and each command is a module with ``configure`` and ``run``."""
