"""placeholder until the cycle exists"""


def rehearse() -> None:
    """Run a stack through the real engine."""
