"""Tokens of the simulated API server: good for a while from their first use, as a cloud's are."""

from pathlib import Path

from rehearsal.kubernetes.tokens import Tokens


def test_a_token_lives_from_its_first_use(tmp_path: Path) -> None:
    now_min = 100.0
    tokens = Tokens("mine", now_min=lambda: now_min)
    given = tmp_path / "tokens"
    tokens.given_out(given, 15.0)
    assert not tokens.takes("a")
    given.write_text("a\n")
    assert tokens.takes("a")
    now_min = 115.0
    assert tokens.takes("a")
    now_min = 115.1
    assert not tokens.takes("a")
    assert tokens.takes("mine")
    assert not tokens.takes("")
