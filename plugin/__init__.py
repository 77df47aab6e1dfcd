"""Penstock's own Pulumi provider: this machine's folders and processes as resources of the engine."""
