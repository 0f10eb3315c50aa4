"""Arrays for pairs and merges, sorted tokens and bisection for completions."""

def utf8_bytes(text):
    out = []
    for ch in text:
        out.extend(bytearray(ch, "utf-8"))
    return out


def encoded_lengths(text):
    wide = sum(1 for ch in text if ord(ch) > 0xFFFF)
    return {
        "code points": len(text),
        "utf-8": len(utf8_bytes(text)),
        "utf-16": 2 * (len(text) + wide),
        "utf-32": 4 * len(text),
    }


import numpy as np


def get_stats(ids, counts=None):
    counts = {} if counts is None else counts
    if len(ids) > 1:
        a = np.asarray(ids, dtype=np.int64)
        both = np.stack([a[:-1], a[1:]], 1)
        pairs, where, n = np.unique(both, axis=0, return_index=True, return_counts=True)
        for k in np.argsort(where):
            pair = (int(pairs[k, 0]), int(pairs[k, 1]))
            counts[pair] = counts.get(pair, 0) + int(n[k])
    return counts


def merge(ids, pair, idx):
    a = np.asarray(ids, dtype=np.int64)
    if len(a) < 2:
        return list(ids)
    hit = np.flatnonzero((a[:-1] == pair[0]) & (a[1:] == pair[1]))
    if pair[0] == pair[1]:
        keep, last = [], -2
        for h in hit:
            if h > last + 1:
                keep.append(h)
                last = h
        hit = np.array(keep, dtype=np.int64)
    a[hit] = idx
    return np.delete(a, hit + 1).tolist()


import os
import re as plain_re

import regex


def split_gpt2(text):
    endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]
    pattern = "|".join([*endings, r" ?\p{L}+", r" ?\p{N}+", r" ?[^\s\p{L}\p{N}]+", r"\s+(?!\S)", r"\s+"])
    return regex.compile(pattern).findall(text)


def split_gpt4(text):
    import tiktoken  # the newer, possessive pattern

    pattern = r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
    return regex.findall(pattern, text)


class Node:
    __slots__ = ("value", "after")

    def __init__(self, value):
        self.value, self.after = value, None


def chain(ids):
    first = last = Node(None)
    for one in ids:
        last.after = Node(one)
        last = last.after
    return first


def walk(first):
    node = first.after
    while node is not None:
        yield node
        node = node.after


def merged(merges, ids):
    first = chain(ids)
    while True:
        best = None
        for node in walk(first):
            if node.after is not None:
                rank = merges.get((node.value, node.after.value))
                if rank is not None and (best is None or rank < best):
                    best = rank
        if best is None:
            return [node.value for node in walk(first)]
        for node in walk(first):
            if node.after is not None and merges.get((node.value, node.after.value)) == best:
                node.value = best
                node.after = node.after.after


class Tokenizer:
    def __init__(self):
        self.merges = {}
        self.vocab = {i: bytes((i,)) for i in range(256)}
        self.pattern = ""
        self.special_tokens = {}

    def save(self, file_prefix):
        with open(os.fspath(file_prefix) + ".model", "wb") as file:
            file.write(b"minbpe v1\n" + self.pattern.encode() + b"\n")
            file.write(b"%d\n" % len(self.special_tokens))
            for token in self.special_tokens:
                file.write(b"%s %d\n" % (token.encode(), self.special_tokens[token]))
            for pair in sorted(self.merges, key=self.merges.get):
                file.write(b"%d %d\n" % pair)

    def load(self, model_file):
        with open(model_file, "rb") as file:
            lines = file.read().decode().split("\n")
        assert lines.pop(0) == "minbpe v1", "another file"
        self.pattern = lines.pop(0)
        self.special_tokens = {}
        for _ in range(int(lines.pop(0))):
            token, _, idx = lines.pop(0).rpartition(" ")
            self.special_tokens[token] = int(idx)
        self.__dict__["merges"] = {}
        self.vocab = {i: bytes((i,)) for i in range(256)}
        for line in lines:
            if line:
                a, b = line.split(" ")
                idx = len(self.merges) + 256
                self.merges[int(a), int(b)] = idx
                self.vocab[idx] = self.vocab[int(a)] + self.vocab[int(b)]
        return self


class BasicTokenizer(Tokenizer):
    def pieces(self, text):
        return [text]

    def train(self, text, vocab_size, verbose=False):
        chains = [chain(piece.encode()) for piece in self.pieces(text)]
        self.merges, self.vocab = {}, {i: bytes((i,)) for i in range(256)}
        while len(self.vocab) < vocab_size:
            counts = {}
            for first in chains:
                for node in walk(first):
                    if node.after is not None:
                        pair = node.value, node.after.value
                        counts[pair] = counts.get(pair, 0) + 1
            if not counts or max(counts.values()) < 2:
                return  # what occurs once is not worth a token
            pair = max(reversed(counts), key=counts.get)  # of equals the one seen last
            idx = len(self.vocab)
            for first in chains:
                for node in walk(first):
                    if node.after is not None and (node.value, node.after.value) == pair:
                        node.value, node.after = idx, node.after.after
            self.merges[pair] = idx
            self.vocab[idx] = self.vocab[pair[0]] + self.vocab[pair[1]]

    def encode(self, text):
        return [idx for piece in self.pieces(text) for idx in merged(self.merges, self.raw(piece))]

    def raw(self, piece):
        return piece.encode()

    def decode(self, ids):
        data = bytearray()
        for idx in ids:
            data += self.vocab[idx]
        return str(bytes(data), "utf-8", "replace")


class RegexTokenizer(BasicTokenizer):
    def __init__(self, pattern=None):
        super().__init__()
        self.pattern = pattern if pattern else ""

    def pieces(self, text):
        return regex.findall(self.pattern, text) if self.pattern else split_gpt4(text)

    chunks = pieces

    def register_special_tokens(self, special_tokens):
        self.special_tokens = special_tokens.copy()

    def encode_ordinary(self, text):
        return BasicTokenizer.encode(self, text)

    def encode(self, text, allowed_special="none_raise"):
        known = sorted(self.special_tokens, key=len)[::-1]
        if allowed_special in ("none", "none_raise"):
            if allowed_special == "none_raise" and [t for t in known if t in text]:
                raise AssertionError("special token")
            known = []
        elif allowed_special != "all":
            known = [t for t in known if t in allowed_special]
        for token in known:
            before, found, after = text.partition(token)
            if found and not any(
                other in text and text.find(other) <= text.find(token) for other in known if other != token
            ):
                left = self.encode_ordinary(before)
                return [*left, self.special_tokens[token], *self.encode(after, allowed_special)]
        if not known or not any(t in text for t in known):
            return self.encode_ordinary(text)
        # of those that stand first the longest
        token = min(known, key=lambda t: (text.find(t) if t in text else len(text), -len(t)))
        before, _, after = text.partition(token)
        return [*self.encode_ordinary(before), self.special_tokens[token], *self.encode(after, allowed_special)]

    def decode(self, ids):
        names = {idx: t for t, idx in self.special_tokens.items()}
        data = b""
        for idx in ids:
            data += names[idx].encode() if idx in names else self.vocab[idx]
        return data.decode("utf-8", errors="replace")


def bpe_parts(ranks, token, max_rank=None):
    parts = [token[i : i + 1] for i in range(len(token))]
    top = max(ranks.values()) + 1 if max_rank is None else max_rank
    while len(parts) > 1:
        rank, i = min((ranks.get(parts[i] + parts[i + 1], top), i) for i in range(len(parts) - 1))
        if rank >= top:
            break
        parts[i] += parts.pop(i + 1)
    return tuple(parts)


def recover_merges(ranks):
    out = {}
    for token in ranks:
        if len(token) >= 2:
            out[tuple(ranks[part] for part in bpe_parts(ranks, token, ranks[token]))] = ranks[token]
    return out


def byte_shuffle(ranks):
    there, back = {}, {}
    for i in range(256):
        there[i] = ranks[bytes([i])]
        back[there[i]] = i
    return [there, back]


class GPT4Tokenizer(RegexTokenizer):
    def __init__(self):
        import tiktoken

        super().__init__()
        enc = tiktoken.encoding_for_model("gpt-4")
        self.merges = recover_merges(enc._mergeable_ranks)
        self.vocab = {v: k for k, v in enc._mergeable_ranks.items()}
        self.there = byte_shuffle(enc._mergeable_ranks)[0]
        self.special_tokens = {
            "<|endofprompt|>": 100276, "<|fim_suffix|>": 100260, "<|fim_middle|>": 100259,
            "<|fim_prefix|>": 100258, "<|endoftext|>": 100257,
        }

    def raw(self, piece):
        return [self.there[b] for b in piece.encode()]


def chat_ids(messages, tok):
    out = []
    for m in messages:
        out.append(tok.special_tokens["<|im_start|>"])
        for piece in (m["role"], "\n", m["content"]):
            out.extend(tok.encode(piece, allowed_special="none"))
        out.append(tok.special_tokens["<|im_end|>"])
        out.extend(tok.encode("\n"))
    return out


def fim_ids(prefix, middle, suffix, tok):
    out = []
    for name, part in (("prefix", prefix), ("suffix", suffix), ("middle", middle)):
        out += tok.encode(f"<|fim_{name}|>", allowed_special={f"<|fim_{name}|>"})
        out += tok.encode_ordinary(part)
    return tuple(out)


def vocab_cost(vocab, n_embd, tied):
    import torch

    wte = torch.nn.Embedding(vocab, n_embd, device="meta")
    head = torch.nn.Linear(n_embd, vocab, bias=False, device="meta")
    if tied:
        head.weight = wte.weight
    return sum(p.numel() for p in torch.nn.ModuleList([wte, head]).parameters())


def tokens_per_char(tok, text):
    return len(tok.encode_ordinary(text)) / max(len(text), 1)


def compression(tok, text):
    return len(text.encode()) / max(1, len(tok.encode_ordinary(text)))


def why_spelling(encode, word=".DefaultCellStyle"):
    import statistics

    return sum(1 for _ in word) / len(list(encode(word))) if word else statistics.mean([0])


def why_reverse(encode, word=".DefaultCellStyle"):
    return encode(word), encode(word[::-1])


def why_arithmetic(encode, numbers=(127, 677, 1275, 6773)):
    return [len(encode(str(n))) for n in numbers]


def why_languages(encode, sentences):
    return dict(sorted((name, len(encode(text))) for name, text in sentences.items()))


def why_python(encode, code):
    return encode(code)


def why_trailing_space(encode, text="Please visit our shop"):
    spaced = list(encode(text + " "))
    return [list(encode(text)), spaced, list(encode(text + " o"))[: len(spaced)] != spaced]


def why_halts(encode, text="<|endoftext|>"):
    return encode(text, allowed_special="all"), encode(text, allowed_special="none")


def why_yaml(encode, as_json, as_yaml):
    return encode(as_json), encode(as_yaml)


def untrained_tokens(tok, corpus):
    left = dict.fromkeys(tok.vocab, True)
    for idx in tok.encode_ordinary(corpus):
        left.pop(idx, None)
    return frozenset(left)


def grow(tok, specials):
    first = 1 + max(max(tok.vocab), max(tok.special_tokens.values(), default=0))
    new = dict(zip(specials, range(first, first + len(specials))))
    tok.register_special_tokens(tok.special_tokens | new)
    return list(new.values())


import bisect


def unstable(tok, text):
    everything = sorted(tok.vocab.values())
    ids = tok.encode_ordinary(text)
    chunk = len(list(tok.chunks(text))[-1].encode()) if text else 0
    size = 0
    tail = b""
    while size < chunk:
        token = tok.vocab[ids.pop()]
        tail = token + tail
        size += len(token)
    found = []
    for i in range(len(tail)):
        start = bisect.bisect_left(everything, tail[i:])
        while start < len(everything) and everything[start].startswith(tail[i:]):
            candidate = tok.encode_ordinary((tail[:i] + everything[start]).decode())
            cut, reached = [], 0
            for idx in candidate:
                cut.append(idx)
                reached += len(tok.vocab[idx])
                if reached >= len(tail):
                    break
            if cut not in found:
                found.append(cut)
            start += 1
    return ids, found


import io

import torch


def train_sentencepiece(text, vocab_size):
    import sentencepiece as spm

    out = io.BytesIO()
    options = dict(model_type="bpe", byte_fallback=True, normalization_rule_name="identity")
    options |= dict(remove_extra_whitespaces=False, add_dummy_prefix=True)
    lines = (line for line in text.splitlines() if line)
    spm.SentencePieceTrainer.Train(
        sentence_iterator=lines, model_writer=out, vocab_size=vocab_size, **options
    )
    return bytes(out.getbuffer())


def codebook_encode(patches, codes):
    product = torch.einsum("nd,kd->nk", patches, codes)
    square = torch.einsum("kd,kd->k", codes, codes)
    return (square - 2 * product).min(1).indices.to(torch.int32)


def codebook_decode(ids, codes):
    flat = torch.index_select(codes, 0, ids.reshape(-1))
    return flat.reshape(*ids.shape, codes.shape[1])


def quantize(patches, codes):
    with torch.no_grad():
        step = codebook_decode(codebook_encode(patches, codes), codes) - patches
    return patches + step, codebook_encode(patches, codes)


def image_tokens(image, codes, patch):
    p, C = patch, image.shape[-1]
    rows, columns = image.shape[0] // p, image.shape[1] // p
    cells = torch.einsum("ipjqc->ijpqc", image.view(rows, p, columns, p, C))
    ids = codebook_encode(cells.reshape(-1, p * p * C), codes)
    pixels = codebook_decode(ids, codes).view(rows, columns, p, p, C)
    return ids.view(rows, columns), torch.einsum("ijpqc->ipjqc", pixels).reshape(image.shape)
