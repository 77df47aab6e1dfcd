"""Names of the clouds as a message lists them."""

from providers.registry import MODULES

*_FIRST, _LAST = map(repr, MODULES)
CLOUDS_IN_WORDS = f"{', '.join(_FIRST)} or {_LAST}"
"""As in `is not one of 'aws' or 'local'`: all that are registered."""
