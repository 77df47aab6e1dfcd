"""The preparation of a run's text: scan, tokenizer, tokens, manifest."""

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import xxhash
from tokenizers import Tokenizer

from components.errors import PenstockError, Problem, SpecError
from components.home import expand_home
from components.spec.data import TextFormat
from components.spec.training import TrainingSpec
from workloads.model.hugging_face import TOKENIZER, end_tokens, read_ends
from workloads.prepare.chat import DTYPE, ChatEncoding, LeftOut, require_template
from workloads.prepare.corpus import Corpus, check_data, require_tokens
from workloads.prepare.encode import LEFT_OUT, SIDES, Encoding, Split, dtype_of, encode_part, token_file
from workloads.prepare.manifest import (
    MANIFEST,
    DataManifest,
    Shard,
    Source,
    missing_shard,
    read_manifest,
    write_manifest,
)
from workloads.prepare.parts import Part, Scan, UnreadableError, into_parts, part_bytes, scan_file
from workloads.prepare.tokenizer import (
    RECIPE,
    GivenTokenizer,
    check_template,
    given_tokenizer,
    plan_sample,
    sample_of,
    save_tokenizer,
    take_tokenizer,
    train_tokenizer,
)
from workloads.prepare.workers import Workers

Report = Callable[[str], None]

FACTS = "facts.json"
CHAT_RECIPE = "chat 1"
"""Part of the digest of conversations: another way to write or pack them makes other data."""
MARK = ".prepared"
"""File by which a folder of prepared text is known as one, and goes with a volume that is deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that was read once."""

    corpus: Corpus
    digest: str
    """Of names and contents."""
    parts: tuple[Part, ...]
    sizes: tuple[int, ...]

    @property
    def documents(self) -> int:
        return sum(part.documents for part in self.parts)


def prepare(training: TrainingSpec, data_folder: Path, report: Report, cores: int = 0) -> Path:
    """The folder with what the run trains on, made if it is not there yet; `report` gets the progress in words.

    SpecError for what the user can mend: text that is not there or none, less of it than a batch, a vocabulary that it
    does not give, token files that do not fit the model.
    """
    data_folder.mkdir(parents=True, exist_ok=True)
    (data_folder / MARK).touch()
    corpora = check_data(training)
    given = given_tokenizer(training)
    check_template(training, given)
    context = training.model.context
    taken = [_tokens(key, path, context) for key, _, path, _ in training.data.sources() if path is not None]
    with Workers(cores or len(os.sched_getaffinity(0))) as workers:
        folder = _Preparation(training, data_folder, workers, report).run(corpora, given, taken)
    _require_enough(training, read_manifest(folder))
    return folder


@dataclass(frozen=True, slots=True)
class _Preparation:
    """One preparation while it runs."""

    training: TrainingSpec
    data_folder: Path
    workers: Workers
    report: Report

    def run(
        self, corpora: Sequence[Corpus], given: GivenTokenizer | None, taken: Sequence[tuple[Path, DataManifest]]
    ) -> Path:
        """The folder, there already or made."""
        data = self.training.data
        texts = [self._read(corpus) for corpus in corpora]
        tokenizer = self._tokenizer(given, texts)
        file = tokenizer / TOKENIZER
        identity = GivenTokenizer(folder=tokenizer, file=file, key="training.data.tokenizer").identity
        kinds = [(path is None, weight) for _, _, path, weight in data.sources()]
        contents = [self._content(text, tokenizer) for text in texts], [manifest.digest for _, manifest in taken]
        digest = _digest(identity, data.validation_share, kinds, *contents)
        folder = self.data_folder / digest
        if (folder / MANIFEST).exists():
            return folder
        made = [self._source(text, tokenizer, identity) for text in texts]
        sources = _in_order(self.training, made, taken)
        left_out = [_left_out(text, at) for text, at in zip(texts, made, strict=True)]
        manifest = DataManifest(
            digest=digest,
            tokenizer=identity,
            end_of_text=end_tokens(read_ends(tokenizer))[0],
            unigram_loss=unigram_loss([(np.load(at / one.counts), one.weight) for at, one in sources]),
            documents=sum(text.documents for text in texts)
            - sum(lines.counts.total() for lines in left_out)
            + sum(manifest.documents for _, manifest in taken),
            bytes=sum(corpus.size_bytes for corpus in corpora if corpus.format is not TextFormat.CHAT)
            + sum(manifest.bytes for _, manifest in taken),
            sources=tuple(_seen_from(folder, at, one) for at, one in sources),
            left_out="; ".join(str(lines) for lines in left_out if lines.counts),
        )
        _write(folder, tokenizer, manifest)
        return folder

    def _read(self, corpus: Corpus) -> Text:
        """Digest, documents and parts of a text; SpecError where a file is none of its format."""
        size, read, done = part_bytes(corpus), list[Scan](), 0
        digest = xxhash.xxh3_128(f"{corpus.format} {corpus.column} {size}".encode())
        sizes = np.zeros(64, dtype=np.int64)
        scans = self.workers.map(partial(scan_file, form=corpus.format, part=size), corpus.files)
        try:
            for file, scan in zip(corpus.files, scans, strict=True):
                digest.update(f"{file.name}\0{scan.digest}\n".encode())
                sizes += np.array(scan.sizes)
                read.append(Scan(digest="", stretches=scan.stretches, sizes=()))
                done += file.size_bytes
                self.report(f"reading the text {done / corpus.size_bytes:.0%}")
        except UnreadableError as error:
            raise corpus.refused(str(error)) from None
        parts = into_parts(read, size)
        if not parts:
            raise corpus.refused(f"{corpus.files[0].path} holds no document; choose other files")
        bare = replace(corpus, files=())  # what goes to other processes is no longer than it has to be
        return Text(corpus=bare, digest=digest.hexdigest(), parts=parts, sizes=tuple(sizes.tolist()))

    def _tokenizer(self, given: GivenTokenizer | None, texts: Sequence[Text]) -> Path:
        """The folder of the tokenizer, trained on a sample of all texts where none is given."""
        vocabulary = self.training.model.vocabulary
        name = given.contents if given else _digest(RECIPE, vocabulary, *(text.digest for text in texts))
        folder = self.data_folder / "tokenizers" / name
        if folder.exists():
            return folder
        mine = _own(folder)
        try:
            if given is None:
                self.report("training the tokenizer")
                save_tokenizer(mine, train_tokenizer(self._sample(texts), vocabulary))
            else:
                take_tokenizer(mine, given)
        except BaseException:
            shutil.rmtree(mine)
            raise
        _publish(mine, folder)
        return folder

    def _sample(self, texts: Sequence[Text]) -> Iterator[str]:
        plan = plan_sample([text.sizes for text in texts])
        for text in texts:
            try:
                for pieces in self.workers.map(partial(sample_of, text.corpus, plan=plan), text.parts):
                    yield from pieces
            except UnreadableError as error:
                raise text.corpus.refused(str(error)) from None

    def _content(self, text: Text, tokenizer: Path) -> str:
        """Digest of all that a text's tokens depend on but the tokenizer itself and the split."""
        chat = self._chat(text, tokenizer)
        return text.digest if chat is None else _digest(CHAT_RECIPE, text.digest, chat)

    def _chat(self, text: Text, tokenizer: Path) -> ChatEncoding | None:
        if text.corpus.format is not TextFormat.CHAT:
            return None
        template = require_template(tokenizer, text.corpus.key)
        return ChatEncoding(
            template=template, ends=end_tokens(read_ends(tokenizer)), context=self.training.model.context
        )

    def _source(self, text: Text, tokenizer: Path, identity: str) -> Path:
        """The folder with the tokens of a text, made if it is not there yet."""
        share = self.training.data.validation_share
        folder = self.data_folder / "sources" / _digest(identity, share, self._content(text, tokenizer))
        if (folder / FACTS).exists():
            return folder
        # Of one name, so that a preparation that was killed is gone on with.
        unfinished = folder.with_name(f".partial-{folder.name}")
        unfinished.mkdir(parents=True, exist_ok=True)
        file, chat = tokenizer / TOKENIZER, self._chat(text, tokenizer)
        how = Encoding(
            tokenizer=file,
            end_of_text=end_tokens(read_ends(tokenizer))[0],
            dtype=DTYPE if chat else dtype_of(Tokenizer.from_file(str(file)).get_vocab_size()),
            split=Split(share=share, documents=text.documents, cuts=chat is None),
            chat=chat,
        )
        whole, done = sum(part.bytes for part in text.parts), 0
        try:
            for size in self.workers.map(partial(_encoded, unfinished, text.corpus, how), text.parts):
                done += size
                self.report(f"tokenizing {done / whole:.0%}")
        except UnreadableError as error:
            raise text.corpus.refused(str(error)) from None
        _finish(unfinished, text, how)
        _publish(unfinished, folder)
        return folder


def _encoded(folder: Path, corpus: Corpus, how: Encoding, part: Part) -> int:
    encode_part(folder, corpus, part, how)
    return part.bytes


def _finish(folder: Path, text: Text, how: Encoding) -> None:
    """Adds up what the parts have counted, one after the other."""
    counts: np.ndarray | None = None
    left_out = LeftOut()
    sides: dict[str, list[dict[str, object]]] = {side: [] for side in SIDES}
    for part in text.parts:
        counted, held = (
            np.load(folder / f"{part.index:05}.npy"),
            json.loads((folder / f"{part.index:05}.json").read_text()),
        )
        counts = counted if counts is None else counts + counted
        for side in SIDES:
            name = token_file(folder, part.index, side).name
            sides[side].append({"path": name, "tokens": held[side], "dtype": how.dtype})
        for reason, (count, place) in held[LEFT_OUT].items():
            left_out.add(reason, place, count)
    assert counts is not None
    np.save(folder / "counts.npy", counts)
    told = {reason: [count, left_out.places[reason]] for reason, count in left_out.counts.items()}
    facts = {**sides, "packed": how.chat.context if how.chat else 0, LEFT_OUT: told}
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n")
    for part in text.parts:
        (folder / f"{part.index:05}.npy").unlink()
        (folder / f"{part.index:05}.json").unlink()


def _left_out(text: Text, source: Path) -> LeftOut:
    """Conversations of a text that are in no token file; SpecError where that is all of them."""
    found = LeftOut()
    for reason, (count, place) in json.loads((source / FACTS).read_text()).get(LEFT_OUT, {}).items():
        found.add(reason, place, count)
    if found.counts.total() == text.documents:
        raise text.corpus.refused(f"no conversation is left to train on: {found}")
    return found


def _in_order(
    training: TrainingSpec, made: Iterable[Path], taken: Iterable[tuple[Path, DataManifest]]
) -> list[tuple[Path, Source]]:
    """Sources with the folder that their paths are relative to, as the spec names them."""
    texts, tokens = iter(made), iter(taken)
    found: list[tuple[Path, Source]] = []
    for _, _, path, weight in training.data.sources():
        if path is None:
            folder = next(texts)
            facts = json.loads((folder / FACTS).read_text())
            shards = [tuple(Shard(**one) for one in facts[side]) for side in SIDES]
            packed = facts.get("packed", 0)
            source = Source(weight=weight, counts="counts.npy", train=shards[0], validation=shards[1], packed=packed)
            found.append((folder, source))
        else:
            folder, manifest = next(tokens)
            whole = sum(source.weight for source in manifest.sources)
            found += [(folder, replace(one, weight=weight * one.weight / whole)) for one in manifest.sources]
    return found


def _write(folder: Path, tokenizer: Path, manifest: DataManifest) -> None:
    mine = _own(folder)
    for file in tokenizer.iterdir():
        shutil.copyfile(file, mine / file.name)
    write_manifest(mine, manifest)
    _publish(mine, folder)


def unigram_loss(sources: Sequence[tuple[np.ndarray, float]]) -> float:
    """Cross-entropy, in nats per token, of the validation tokens under the frequencies of the training tokens; of
    several sources by their weights. Each is the counts of either side by token, and a weight.

    One is added to every count, so that a token that training never showed does not make it infinite.
    """
    whole = sum(weight for _, weight in sources)
    shares = sum(weight / whole * (counts[0] + 1.0) / (counts[0] + 1.0).sum() for counts, weight in sources)
    nats = -np.log(shares)
    parts = [weight / whole * (counts[1] * nats).sum() / max(1, counts[1].sum()) for counts, weight in sources]
    return float(sum(parts))


def _require_enough(training: TrainingSpec, manifest: DataManifest) -> None:
    # The token behind the last of text is a target too; what follows packed conversations is none.
    behind = 1 if any(source.packed for source in manifest.sources) else 0
    require_tokens(training, manifest.tokens[0] + behind, "tokens")
    for source in manifest.sources:
        train, validation = source.sizes
        needed = source.packed or training.model.context + 1
        if train < needed:
            message = f"a text has {train:,} tokens to train on, but one sequence needs {needed:,}; give more of it"
            raise SpecError([Problem(path="training.data", message=message)])
        if validation < needed:
            message = (
                f"{training.data.validation_share} keeps {validation:,} tokens to measure the loss on, but one "
                f"sequence needs {needed:,}; raise it, or give more text"
            )
            message += f" ({manifest.left_out})" if manifest.left_out else ""
            raise SpecError([Problem(path="training.data.validationShare", message=message)])


def _tokens(key: str, path: str, context: int) -> tuple[Path, DataManifest]:
    """A folder that was prepared before; SpecError where it is none, not whole, or packed for another context."""
    folder = expand_home(path).resolve()
    try:
        manifest = read_manifest(folder)
    except PenstockError as error:
        raise SpecError([Problem(path=f"training.data.{key}", message=str(error))]) from None
    if lost := missing_shard(folder, manifest):
        message = f"{lost} is not there as {MANIFEST} says; bring the folder anew, with sources/ beside it"
        raise SpecError([Problem(path=f"training.data.{key}", message=message)])
    if other := next((one.packed for one in manifest.sources if one.packed not in (0, context)), 0):
        message = f"{folder} has conversations packed for a context of {other}; set training.model.context to {other}"
        raise SpecError([Problem(path=f"training.data.{key}", message=message)])
    return folder, manifest


def _seen_from(folder: Path, at: Path, source: Source) -> Source:
    """The source with paths relative to `folder` in place of `at`."""

    def moved(path: str) -> str:
        return os.path.relpath(at.resolve() / path, folder.parent.resolve() / folder.name)

    sides = [
        tuple(replace(shard, path=moved(shard.path)) for shard in side) for side in (source.train, source.validation)
    ]
    return replace(source, counts=moved(source.counts), train=sides[0], validation=sides[1])


def _own(folder: Path) -> Path:
    """A fresh folder beside another, which it is to become."""
    mine = folder.with_name(f".partial-{folder.name}-{secrets.token_hex(4)}")
    mine.mkdir(parents=True)
    return mine


def _publish(mine: Path, folder: Path) -> None:
    """Gives a whole folder its name; what another preparation has made meanwhile is as good."""
    try:
        mine.rename(folder)
    except OSError:
        if not folder.exists():
            raise
        with suppress(OSError):
            shutil.rmtree(mine)


def _digest(*parts: object) -> str:
    return xxhash.xxh3_128_hexdigest(repr(parts).encode())
