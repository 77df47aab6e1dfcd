"""Leftovers of an account, in words."""

from rehearsal.cloud.leftovers import Leftover, kept_in_words


def test_what_is_kept_is_told_once_with_its_settings() -> None:
    def kept(what: str, *, on_purpose: bool = True) -> Leftover:
        return Leftover(what=what, called="objects", usd_per_hour=None, on_purpose=on_purpose)

    left = (kept("BucketVersioning data"), kept("Bucket data"), kept("Key 1"), kept("Vpc vpc-1", on_purpose=False))
    assert kept_in_words(left) == (
        "Key 1 (objects), price unknown",
        "Bucket data (objects), price unknown, with its settings (1)",
    )
