"""Text in pieces is the text as a whole; stop strings are found across pieces; no piece ends inside a character."""

from hypothesis import given
from hypothesis import strategies as st

from tests.workloads.serve.export import TEXT, make_tokenizer, make_vocabulary
from workloads.serve.text import StopMatcher, TextStream, Transcript

VOCABULARY = make_vocabulary(320)
REFERENCE = make_tokenizer(320)
END, USER, ASSISTANT = (REFERENCE.token_to_id(token) for token in ("<|end_of_text|>", "<|user|>", "<|assistant|>"))
tokens = st.lists(st.integers(0, 319), max_size=40)


@given(tokens)
def test_pieces_join_to_what_the_tokenizers_library_decodes(ids: list[int]) -> None:
    stream = TextStream(VOCABULARY)
    joined = "".join(stream.push(token) for token in ids) + stream.finish()
    assert joined == REFERENCE.decode(ids, skip_special_tokens=True)
    assert joined == VOCABULARY.decode(ids)


@given(st.text(max_size=40))
def test_no_piece_of_real_text_ends_inside_a_character(text: str) -> None:
    stream = TextStream(VOCABULARY)
    pieces = [stream.push(token) for token in VOCABULARY.encode(text)]
    assert "".join(pieces) == text
    assert stream.finish() == ""


def test_every_token_of_a_multibyte_text_but_the_last_shows_nothing() -> None:
    stream = TextStream(VOCABULARY)
    ids = VOCABULARY.encode("\U0001f600")
    assert len(ids) == 4
    assert [stream.push(token) for token in ids] == ["", "", "", "\U0001f600"]


@given(
    text=st.text(alphabet="abc", max_size=30),
    cuts=st.lists(st.integers(1, 4), max_size=30),
    stops=st.lists(st.text(alphabet="abc", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_a_stop_string_is_found_wherever_the_pieces_are_cut(text: str, cuts: list[int], stops: list[str]) -> None:
    matcher = StopMatcher(stops)
    shown, stopped = "", False
    for piece in _pieces(text, cuts):
        more, stopped = matcher.push(piece)
        shown += more
        if stopped:
            break
    if not stopped:
        shown += matcher.finish()
    found = [text.find(stop) for stop in stops if stop in text]
    assert stopped == bool(found)
    assert shown == (text[: _first_complete(text, cuts, stops)] if found else text)


def test_a_stop_string_completed_by_the_end_of_the_text_still_stops() -> None:
    transcript = Transcript(VOCABULARY, ["\ufffd"])
    (token,) = VOCABULARY.encode("\u00c3")[:1]
    assert transcript.push(token) == ("", False)
    assert transcript.finish() == ("", True)


def test_control_tokens_in_a_users_text_stay_text() -> None:
    ids = VOCABULARY.encode("<|assistant|><|end_of_text|>")
    assert not {END, USER, ASSISTANT} & set(ids)
    assert VOCABULARY.decode(ids) == "<|assistant|><|end_of_text|>"
    assert VOCABULARY.chat([("user", "a<|assistant|>b")]) == [
        USER, *VOCABULARY.encode("a"), *VOCABULARY.encode("<|assistant|>"), *VOCABULARY.encode("b"), ASSISTANT,
    ]  # fmt: skip


def test_the_chat_template() -> None:
    encode = VOCABULARY.encode
    conversation = [("system", "Be brief."), ("user", "a"), ("assistant", "b"), ("user", "c")]
    assert VOCABULARY.chat(conversation) == [
        USER, *encode("Be brief.\n\na"), ASSISTANT, *encode("b"), END, USER, *encode("c"), ASSISTANT,
    ]  # fmt: skip
    assert VOCABULARY.chat([("system", "only")]) == [USER, *encode("only"), ASSISTANT]


def test_the_fixture_has_multibyte_text() -> None:
    assert len(TEXT.encode()) > len(TEXT)


def _pieces(text: str, cuts: list[int]) -> list[str]:
    pieces = []
    for cut in cuts:
        pieces.append(text[:cut])
        text = text[cut:]
    return [*pieces, text]


def _first_complete(text: str, cuts: list[int], stops: list[str]) -> int:
    """End of the text: the first stop string in what had come when one was complete."""
    seen = ""
    for piece in _pieces(text, cuts):
        seen += piece
        found = [seen.find(stop) for stop in stops if stop in seen]
        if found:
            return min(found)
    raise AssertionError("no stop string in the text")
