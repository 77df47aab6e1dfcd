"""Size of the key-value cache where the stack file leaves it to the server.

On processors it is a fixed number of tokens, as their memory is the pod's and planned before. On an accelerator it is
measured: the heaviest steps are run once with hardly any cache, and what they leave of the memory is the cache's.
"""

from typing import Protocol

import torch

from components.spec.inference import InferenceSpec
from workloads.model.transformer import Transformer
from workloads.serve.load import LoadError
from workloads.serve.runner import ModelRunner
from workloads.serve.sampling import choose
from workloads.serve.scheduler import ScheduledStep, Work
from workloads.serve.sequence import Sampling, Sequence
from workloads.serve.text import Transcript, Vocabulary

KEPT_SHARE = 0.05
"""Share of an accelerator's memory that stays free: what its allocator cannot give out in one piece. Not measured."""


class DeviceMemory(Protocol):
    """Memory of the device that a model lies on."""

    def begin(self) -> None:
        """Forgets the peak so far."""
        ...

    def peak_bytes(self) -> int:
        """Most bytes that were held since `begin`, beyond those that are held now."""
        ...

    def free_bytes(self) -> int:
        """Bytes that can be taken: free on the device, or held by torch's allocator and used by nobody."""
        ...

    def total_bytes(self) -> int:
        """Bytes of the whole device."""
        ...


class CudaMemory:
    """Memory of the current CUDA device, other processes' share left out of what is free."""

    def begin(self) -> None:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()

    def peak_bytes(self) -> int:
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - torch.cuda.memory_allocated()

    def free_bytes(self) -> int:
        return torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()

    def total_bytes(self) -> int:
        return torch.cuda.mem_get_info()[1]


def cache_tokens(
    model: Transformer,
    vocabulary: Vocabulary,
    inference: InferenceSpec,
    block_tokens: int,
    memory: DeviceMemory | None = None,
) -> int:
    """Tokens of the cache: those asked for, else those that fit; LoadError where not even one text does.

    `memory` is the device's, and on processors None.
    """
    context = model.spec.context
    if inference.cache_tokens is not None or memory is None:
        return inference.cache_on_processors(context)
    runner = ModelRunner(model, blocks=-(-inference.max_batch_tokens // block_tokens), block_tokens=block_tokens)
    memory.begin()
    for step in heaviest_steps(runner, vocabulary, inference):
        choose(*runner.forward(step))
    # The runner's own buffers are made again beside the cache, so they stay counted as held.
    room = memory.free_bytes() - memory.peak_bytes() - int(KEPT_SHARE * memory.total_bytes())
    fits = max(0, room) // runner.token_bytes // block_tokens * block_tokens
    if fits < context:
        raise LoadError(
            f"the model leaves room for a cache of {fits} tokens, and one text of it takes {context}; take an "
            "accelerator with more memory, a smaller model, or lower inference.maxBatchTokens and maxSequences"
        )
    return min(fits, inference.max_sequences * (context + block_tokens))


def heaviest_steps(runner: ModelRunner, vocabulary: Vocabulary, inference: InferenceSpec) -> list[ScheduledStep]:
    """Steps that take the most memory: all sequences decode at the end of the longest text, and the last chunk of such
    a text is computed. All look back on one block again and again, so that no cache is needed for it.
    """
    context, most = runner.model.spec.context, inference.max_sequences
    last = min(inference.max_batch_tokens, context)

    def work(count: int) -> Work:
        transcript = Transcript(vocabulary, ())
        tokens = [vocabulary.begin] * context
        sequence = Sequence(prompt=tokens, sampling=Sampling(max_tokens=1), transcript=transcript, deadline=0.0)
        sequence.blocks = [0] * -(-context // runner.block_tokens)
        return Work(sequence=sequence, start=context - count, count=count)

    one = work(1)
    return [ScheduledStep(decodes=[one] * most, prefills=[]), ScheduledStep(decodes=[], prefills=[work(last)])]
