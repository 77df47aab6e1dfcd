"""The next token of every sequence of a step, chosen for all of them at once."""

import torch
from torch import Tensor

from workloads.serve.sequence import Sequence, TokenLogprob


def choose(logits: Tensor, sequences: list[Sequence]) -> list[int]:
    """One token per row of float32 `logits`.

    Temperature 0 takes the likeliest. Otherwise the token is drawn from the softmax at that temperature, cut to the
    smallest set of likeliest tokens whose probability reaches top_p. One random number per token comes from the
    sequence's own generator, so a seed gives the same text whatever else is in the batch.
    """
    likeliest = logits.argmax(dim=-1)
    drawing = [row for row, sequence in enumerate(sequences) if sequence.sampling.temperature > 0]
    if drawing:
        rows = torch.tensor(drawing, device=logits.device)
        likeliest[rows] = _draw(logits[rows], [sequences[row] for row in drawing])
    tokens: list[int] = likeliest.tolist()
    return tokens


def logprobs(logits: Tensor, sequences: list[Sequence], tokens: list[int]) -> list[TokenLogprob | None]:
    """The log probability of each chosen token, for the sequences that asked for it."""
    asking = [row for row, sequence in enumerate(sequences) if sequence.sampling.top_logprobs is not None]
    reports: list[TokenLogprob | None] = [None] * len(sequences)
    if not asking:
        return reports
    table = torch.log_softmax(logits[asking], dim=-1)
    for line, row in zip(table, asking, strict=True):
        top = line.topk(sequences[row].sampling.top_logprobs or 0)
        pairs = zip(top.indices.tolist(), top.values.tolist(), strict=True)
        reports[row] = TokenLogprob(token=tokens[row], logprob=line[tokens[row]].item(), top=list(pairs))
    return reports


def _draw(logits: Tensor, sequences: list[Sequence]) -> Tensor:
    def column(numbers: list[float]) -> Tensor:
        return torch.tensor(numbers, device=logits.device, dtype=torch.float32).unsqueeze(1)

    temperature = column([sequence.sampling.temperature for sequence in sequences])
    # the likeliest token's logit becomes 0 first: a tiny temperature then cannot overflow
    scaled = (logits - logits.amax(dim=-1, keepdim=True)) / temperature
    probabilities = torch.softmax(scaled, dim=-1)
    order = None
    if any(sequence.sampling.top_p < 1 for sequence in sequences):
        probabilities, order = probabilities.sort(dim=-1, descending=True)
        before = probabilities.cumsum(dim=-1) - probabilities
        top_p = column([sequence.sampling.top_p for sequence in sequences])
        # the first token always stays; rows with top_p 1 keep all, whatever rounding adds up to
        probabilities = probabilities.masked_fill((before >= top_p) & (before > 0) & (top_p < 1), 0.0)
    cumulative = probabilities.cumsum(dim=-1)
    drawn = column([sequence.random.random() for sequence in sequences]) * cumulative[:, -1:]
    index = torch.searchsorted(cumulative, drawn, right=True).clamp_(max=logits.shape[-1] - 1)
    return (index if order is None else order.gather(1, index)).squeeze(1)
