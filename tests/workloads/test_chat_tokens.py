"""Conversations as `transformers` writes them: the same tokens, and the same answers among them."""

import json
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from tests.workloads.serve.export import SPECIAL, make_tokenizer
from workloads.prepare.chat import IDS, LEARNED, ChatEncoding, Conversations, find_template
from workloads.prepare.parts import Part, Stretch

BEGIN, USER, END = SPECIAL[0], SPECIAL[1], SPECIAL[2]
LLAMA = (
    "{{- bos_token }}{%- for message in messages %}{{- '" + USER + "' + message['role'] + '\n\n' }}"
    "{%- if message['role'] == 'assistant' %}{% generation %}{{- message['content'] | trim + '" + END + "' }}"
    "{% endgeneration %}{%- else %}{{- message['content'] | trim + '" + END + "' }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '" + USER + "assistant\n\n' }}{%- endif %}"
)
CHATML = (
    "{%- for message in messages %}{{- '" + USER + "' + message.role + '\n' }}"
    "{%- if message.role == 'assistant' %}{% generation %}{{- message.content + '" + END + "' }}{% endgeneration %}"
    "{%- else %}{{- message.content + '" + END + "' }}{%- endif %}{{- '\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '" + USER + "assistant\n' }}{%- endif %}"
)
TALKS = [
    [("system", "Be brief."), ("user", " Who wrote it? "), ("assistant", "Ada, in 1843.")],
    [("user", "import os"), ("assistant", "os.path"), ("user", "and\nthen?"), ("assistant", "sys")],
]


@pytest.mark.parametrize("template", [LLAMA, CHATML], ids=["as Llama's", "as ChatML"])
@pytest.mark.parametrize("talk", TALKS, ids=["with a system message", "of two turns"])
def test_tokens_and_answers_are_those_of_transformers(
    tmp_path: Path, template: str, talk: list[tuple[str, str]]
) -> None:
    tokenizer = make_tokenizer(320)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END)
    fast.chat_template = template
    fast.save_pretrained(tmp_path)
    messages = [{"role": role, "content": content} for role, content in talk]
    expected = fast.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    line = json.dumps({"messages": messages})
    file = tmp_path / "one.jsonl"
    file.write_text(line)
    stretch = Stretch(path=file, begin=0, end=len(line.encode()), documents=1, bytes=len(line))
    source = find_template(tmp_path)
    assert source is not None
    how = ChatEncoding(template=source, ends=(SPECIAL.index(END),), context=256)
    part = Part(index=0, stretches=(stretch,), first_document=0)
    ((found,),) = Conversations(part, "messages", how, tokenizer).sequences()
    assert (found[1] & IDS).tolist() == expected["input_ids"]
    assert (found[1] >= LEARNED).astype(int).tolist() == expected["assistant_masks"]
