"""Environment and engine for building and running penstock. Standard library only: it runs before they exist."""

# The engine and its SDK are one version: requirements/run.in, pyproject.toml, tools/pulumi/go.mod pin it too (tested).
PULUMI_VERSION = "3.259.0"
