"""Words of a stack file that hold a secret: they would stand in plans, the state and pods for all to read."""

import re
from collections.abc import Sequence

_TOKEN = re.compile(
    r"(hf_[A-Za-z0-9]{6,}|sk-[-_A-Za-z0-9]{8,}|nvapi-[-_A-Za-z0-9]{8,}|gh[pousr]_[A-Za-z0-9]{16,}"
    r"|github_pat_[A-Za-z0-9_]{16,}|glpat-[-_A-Za-z0-9]{16,}|(AKIA|ASIA)[A-Z0-9]{16})"
)
"""Tokens by how they begin: of Hugging Face ("User access tokens"), OpenAI ("Authentication"), NVIDIA NGC ("API keys"),
GitHub ("About authentication to GitHub"), GitLab ("Token prefixes"), and AWS's access keys (IAM, "Unique identifiers").
"""
_FLAG = re.compile(r"[-\w.]*(api|access|auth|secret|hf|hub|wandb|ngc)[-_]?(token|key)s?|[-\w.]*(password|passwd)", re.I)


def is_token(text: str) -> bool:
    """True of a text that is a token of a known service itself, as far as its beginning tells."""
    return bool(_TOKEN.fullmatch(text))


def secret_word(words: Sequence[str]) -> str:
    """The finding of a secret among the words of a command, without the secret itself; "" where none is."""
    for at, word in enumerate(words):
        flag, given, value = word.partition("=")
        if given and _FLAG.fullmatch(flag) and value and not value.startswith(("/", "$")):
            return f"{flag} holds a secret"
        beside = words[at + 1] if at + 1 < len(words) else "-"
        if not given and word.startswith("-") and _FLAG.fullmatch(word) and not beside.startswith(("-", "/", "$")):
            return f"{word} holds a secret"
        if is_token(word) or is_token(value):
            return f"word {at + 1} looks like a token"
    return ""
