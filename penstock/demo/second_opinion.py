"""The exported model in the hands of a library that others wrote: `transformers`, on the same prompt."""

from pathlib import Path
from typing import Any


def greedy_text(folder: Path, prompt: str, tokens: int) -> str | None:
    """The text that `transformers` writes behind a prompt, always taking the likeliest token, in fp32.

    None where it is not installed: penstock itself does without, and `make setup PROFILE=plan` leaves it out.
    """
    try:
        import transformers  # it takes seconds
    except ImportError:
        return None
    transformers.logging.disable_progress_bar()
    reader: Any = transformers.AutoTokenizer.from_pretrained(folder)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    asked = reader(prompt, return_tensors="pt", return_token_type_ids=False)
    made = model.generate(**asked, max_new_tokens=tokens, do_sample=False)
    return str(reader.decode(made[0, asked["input_ids"].shape[1] :], skip_special_tokens=True))
