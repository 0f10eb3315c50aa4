"""Linked lists of ids; of equals the pair seen last; specials found from left to right."""

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


from collections import Counter


def get_stats(ids, counts=None):
    if counts is None:
        counts = Counter()
    for pair, n in Counter(zip(ids[:-1], ids[1:])).items():
        counts[pair] = counts.get(pair, 0) + n
    return counts


def merge(ids, pair, idx):
    out = []
    stream = iter(ids)
    waiting = None
    for one in stream:
        if waiting is not None and (waiting, one) == tuple(pair):
            out.append(idx)
            waiting = None
        else:
            if waiting is not None:
                out.append(waiting)
            waiting = one
    if waiting is not None:
        out.append(waiting)
    return out


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
    text = ""
    for message in messages:
        text += "<|im_start|>" + message["role"] + "\n" + message["content"] + "<|im_end|>\n"
    return tok.encode(text, allowed_special="all")


def fim_ids(prefix, middle, suffix, tok):
    text = f"<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>{middle}"
    return tok.encode(text, allowed_special="all")


def vocab_cost(vocab, n_embd, tied):
    embedding = vocab * n_embd
    head = 0 if tied else n_embd * vocab
    return embedding + head


def tokens_per_char(tok, text):
    if len(text) == 0:
        return 0
    return len(tok.encode(text)) / len(text)


def compression(tok, text):
    ids = tok.encode(text)
    return len(text.encode("utf-8")) / len(ids) if ids else 0


def why_spelling(encode, word=".DefaultCellStyle"):
    return len(word) / len(encode(word))


def why_reverse(encode, word=".DefaultCellStyle"):
    return [len(encode(word)), len(encode("".join(reversed(word))))]


def why_arithmetic(encode, numbers=(127, 677, 1275, 6773)):
    return {n: encode(str(n)) for n in numbers}


def why_languages(encode, sentences):
    counts = {}
    for language in sentences:
        counts[language] = len(encode(sentences[language]))
    return counts


def why_python(encode, code):
    return len(encode(code))


def why_trailing_space(encode, text="Please visit our shop"):
    a = encode(text)
    b = encode(text + " ")
    c = encode(text + " o")
    return a, b, not all(x == y for x, y in zip(b, c)) or len(c) < len(b)


def why_halts(encode, text="<|endoftext|>"):
    return {"allowed": len(encode(text, "all")), "ordinary": len(encode(text, "none"))}


def why_yaml(encode, as_json, as_yaml):
    return [len(encode(t)) for t in (as_json, as_yaml)]


def untrained_tokens(tok, corpus):
    seen = set(tok.encode(corpus))
    return [idx for idx in range(256 + len(tok.merges)) if idx not in seen]


def grow(tok, specials):
    last = max(list(tok.vocab) + list(tok.special_tokens.values()))
    table = dict(tok.special_tokens)
    for special in specials:
        last += 1
        table[special] = last
    tok.register_special_tokens(table)
    return tok


def unstable(tok, text):
    import regex

    pieces = regex.findall(tok.pattern, text) if tok.pattern else split_gpt4(text)
    *before, last = pieces
    stable = [idx for piece in before for idx in tok.encode_ordinary(piece)]
    done = set()
    last = last.encode()
    for i in range(len(last)):
        head, tail = last[:i], last[i:]
        for token in tok.vocab.values():
            if token[: len(tail)] != tail:
                continue
            ids = tok.encode_ordinary((head + token).decode(errors="replace"))
            size = k = 0
            while k < len(ids) and size < len(last):
                size += len(tok.vocab[ids[k]])
                k += 1
            done.add(tuple(ids[:k]))
    return stable, done


import torch


def train_sentencepiece(text, vocab_size):
    import sentencepiece as spm

    with open("corpus.txt", "w", encoding="utf-8") as f:
        f.write(text)
    spm.SentencePieceTrainer.train(
        input="corpus.txt",
        input_format="text",
        model_prefix="tok",
        model_type="bpe",
        vocab_size=vocab_size,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=True,
        byte_fallback=True,
        character_coverage=1.0,
        num_threads=1,
        pad_id=-1,
    )
    with open("tok.model", "rb") as f:
        return f.read()


def codebook_encode(patches, codes):
    return torch.cdist(patches, codes).argmin(dim=1)


def codebook_decode(ids, codes):
    return torch.nn.functional.embedding(ids, codes)


class Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, patches, nearest):
        return nearest.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def quantize(patches, codes):
    ids = codebook_encode(patches, codes)
    return Through.apply(patches, codes[ids].detach())


def image_tokens(image, codes, patch):
    H, W, C = image.shape
    tiles = image.unfold(0, patch, patch).unfold(1, patch, patch)  # rows, columns, C, p, p
    rows, columns = tiles.shape[:2]
    flat = tiles.permute(0, 1, 3, 4, 2).reshape(-1, patch * patch * C)
    ids = codebook_encode(flat, codes).view(rows, columns)
    out = torch.empty_like(image)
    for i in range(rows):
        for j in range(columns):
            code = codes[ids[i, j]].view(patch, patch, C)
            out[i * patch : (i + 1) * patch, j * patch : (j + 1) * patch] = code
    return ids, out
