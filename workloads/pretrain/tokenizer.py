"""The tokenizer: byte-level BPE, trained on the corpus it will read."""

from collections.abc import Callable, Iterator

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from workloads.pretrain.corpus import Corpus, Document

END_OF_TEXT = "<|end_of_text|>"
SPECIAL_TOKENS = (END_OF_TEXT, "<|user|>", "<|assistant|>")

SAMPLE_BYTES = 4 * 2**20
"""Text the merges are learnt from: enough for tens of thousands of them, and seconds of work."""


def train_tokenizer(corpus: Corpus, vocabulary: int, read: Callable[[Document], str]) -> Tokenizer:
    """A tokenizer of at most `vocabulary` tokens that encodes any text without loss; the same for the same corpus."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sample(corpus, read), trainer)
    return tokenizer


def _sample(corpus: Corpus, read: Callable[[Document], str]) -> Iterator[str]:
    """Documents from all over the corpus, up to the sample's size."""
    stride = max(1, corpus.size_bytes // SAMPLE_BYTES)
    taken = 0
    for document in corpus.documents[::stride]:
        text = read(document)[: SAMPLE_BYTES - taken]
        taken += len(text)
        if text:
            yield text
