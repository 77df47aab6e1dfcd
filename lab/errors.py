"""Errors of the lab."""

from components.errors import PenstockError


class LabError(PenstockError):
    """The lab cannot be had, or does not do what was asked: what is wrong, and the remedy."""
