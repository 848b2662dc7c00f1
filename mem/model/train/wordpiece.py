"""The vocabulary: WordPiece over lowercase text without accents, digits one by one."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

UNKNOWN = "[UNK]"
# A fixed alphabet (accents are stripped before), since the trainer would choose among rare characters by chance.
# What is in none of these scripts is unknown, and left to the words.
LETTERS = string.ascii_lowercase + string.digits + "\u00df\u00e6\u00f0\u00f8\u00fe\u0111\u0131\u0142\u0153"
LETTERS += "".join(map(chr, [*range(0x3B1, 0x3CA), *range(0x430, 0x450), 0x454, 0x456, 0x491]))
RAREST = 5
"""Occurrences of a piece, in a corpus that is large enough to have more pieces than are wanted."""


def train(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn a vocabulary of at most `size` entries; the same texts give the same one."""
    learner = _tokenizer({UNKNOWN: 0})
    # The trainer numbers inner letters in the order of a hash table, and settles ties by number: they are given.
    inner = [f"##{letter}" for letter in LETTERS if not letter.isdigit()]
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=[UNKNOWN, *inner],
        initial_alphabet=[*LETTERS, *string.punctuation],
        limit_alphabet=len(LETTERS + string.punctuation),
        min_frequency=RAREST if size > 5_000 else 1,
        show_progress=False,
    )
    learner.train_from_iterator(_batches(texts), trainer)
    known = sorted(learner.get_vocab(), key=lambda token: (token != UNKNOWN, token.encode()))
    return _tokenizer({token: number for number, token in enumerate(known)})


def encoder(tokenizer: Tokenizer) -> Callable[[list[str]], list[list[int]]]:
    """Texts → token numbers without those of unknown words."""

    def encode(texts: list[str]) -> list[list[int]]:
        return [[n for n in found.ids if n] for found in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    return encode


def _tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Digits(individual_digits=True)]
    )
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == 5_000:
            yield batch
            batch = []
    yield batch
