"""mem: a local-first personal memory for people who work in a shell and with coding agents."""

__version__ = "0.1.0"
