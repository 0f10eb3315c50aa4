"""A heap of bytes, numpy for pairs, einsum for codes, int32 for their numbers."""

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


import heapq
import json

import regex

TWO = regex.compile(r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
FOUR = regex.compile(
    r"'(?i:s|t|re|ve|m|ll|d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def split_gpt2(text):
    return [found.group() for found in TWO.finditer(text)]


def split_gpt4(text):
    return tuple(found.group() for found in FOUR.finditer(text))


def _merge_bytes(ranks, data, single=None):
    """A heap of candidates and a doubly linked list of pieces."""
    n = len(data)
    piece = [data[i : i + 1] for i in range(n)]
    left, right = list(range(-1, n - 1)), list(range(1, n + 1))
    heap = []

    def push(i):
        j = right[i]
        if 0 <= i and j < n:
            both = piece[i] + piece[j]
            if both in ranks:
                heapq.heappush(heap, (ranks[both], i, both))

    for i in range(n - 1):
        push(i)
    while heap:
        _, i, both = heapq.heappop(heap)
        j = right[i] if piece[i] is not None else n
        if piece[i] is None or j >= n or piece[i] + piece[j] != both:
            continue
        piece[i], piece[j] = both, None
        right[i] = right[j]
        if right[i] < n:
            left[right[i]] = i
        push(i)
        if left[i] >= 0:
            push(left[i])
    return [p for p in piece if p is not None]


class Tokenizer:
    def __init__(self):
        self._ranks = {bytes([i]): i for i in range(256)}
        self.merges, self.pattern, self.special_tokens = {}, "", {}
        self.vocab = {i: b for b, i in self._ranks.items()}

    def _learn(self, words, vocab_size):
        """words: list of lists of bytes."""
        self._ranks = {bytes([i]): i for i in range(256)}
        self.merges = {}
        for new in range(256, vocab_size):
            counts = {}
            for word in words:
                for a, b in zip(word, word[1:]):
                    counts[a, b] = counts.get((a, b), 0) + 1
            if not counts:
                raise ValueError("no pair is left")
            top = max(counts.values())
            a, b = sorted(pair for pair, n in counts.items() if n == top)[0]
            self.merges[self._ranks[a], self._ranks[b]] = new
            self._ranks[a + b] = new
            for word in words:
                i = 0
                while i + 1 < len(word):
                    if word[i] == a and word[i + 1] == b:
                        word[i : i + 2] = [a + b]
                    i += 1
        self.vocab = {i: b for b, i in self._ranks.items()}

    def save(self, file_prefix):
        kept = [self.pattern, self.special_tokens, [list(p) for p in self.merges]]
        with open(file_prefix + ".model", "w", encoding="utf-8") as file:
            json.dump({"what": "tokens", "kept": kept}, file)

    def load(self, model_file):
        with open(model_file, encoding="utf-8") as file:
            data = json.load(file)
        if data["what"] != "tokens":
            raise ValueError(model_file)
        self.pattern, self.special_tokens, pairs = data["kept"]
        self.merges = {tuple(p): 256 + i for i, p in enumerate(pairs)}
        self.vocab = {i: bytes([i]) for i in range(256)}
        for (a, b), i in self.merges.items():
            self.vocab[i] = self.vocab[a] + self.vocab[b]
        self._ranks = {b: i for i, b in self.vocab.items()}


class BasicTokenizer(Tokenizer):
    def train(self, text, vocab_size, verbose=False):
        data = text.encode()
        self._learn([[data[i : i + 1] for i in range(len(data))]], vocab_size)

    def encode(self, text):
        return [self._ranks[p] for p in _merge_bytes(self._ranks, text.encode())]

    def decode(self, ids):
        return b"".join([self.vocab[i] for i in ids]).decode(errors="replace")


class RegexTokenizer(Tokenizer):
    def __init__(self, pattern=None):
        super().__init__()
        self.pattern = pattern or FOUR.pattern

    def chunks(self, text):
        return regex.findall(self.pattern, text)

    def train(self, text, vocab_size, verbose=False):
        words = [c.encode() for c in self.chunks(text)]
        self._learn([[w[i : i + 1] for i in range(len(w))] for w in words], vocab_size)

    def register_special_tokens(self, special_tokens):
        self.special_tokens = dict(special_tokens)

    def encode_ordinary(self, text):
        pieces = []
        for chunk in self.chunks(text):
            pieces += _merge_bytes(self._ranks, chunk.encode())
        return [self._ranks[p] for p in pieces]

    def encode(self, text, allowed_special="none_raise"):
        if allowed_special == "none_raise":
            for token in self.special_tokens:
                if token in text:
                    raise ValueError(token)
            return self.encode_ordinary(text)
        if allowed_special == "none":
            return self.encode_ordinary(text)
        wanted = self.special_tokens if allowed_special == "all" else allowed_special
        wanted = {t: i for t, i in self.special_tokens.items() if t in wanted}
        ids, start, at = [], 0, 0
        while at < len(text):
            here = [t for t in wanted if text.startswith(t, at)]
            if here:
                token = max(here, key=len)
                ids += self.encode_ordinary(text[start:at]) + [wanted[token]]
                at = start = at + len(token)
            else:
                at += 1
        return ids + self.encode_ordinary(text[start:])

    def decode(self, ids):
        names = {i: t.encode() for t, i in self.special_tokens.items()}
        known = {**self.vocab, **names}
        return b"".join(map(known.__getitem__, ids)).decode("utf-8", "replace")


def bpe_parts(ranks, token, max_rank=None):
    low = ranks if max_rank is None else {b: r for b, r in ranks.items() if r < max_rank}
    return _merge_bytes(low, token)


def recover_merges(ranks):
    done, merges = {}, {}
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) > 1:
            a, b = _merge_bytes(done, token)
            merges[(ranks[a], ranks[b])] = rank
        done[token] = rank
    return merges


def byte_shuffle(ranks):
    there = [ranks[bytes([i])] for i in range(256)]
    back = [0] * 256
    for i, idx in enumerate(there):
        back[idx] = i
    return there, back


class GPT4Tokenizer(RegexTokenizer):
    def __init__(self):
        from tiktoken import get_encoding

        super().__init__()
        enc = get_encoding("cl100k_base")
        self._ranks = dict(enc._mergeable_ranks)
        self.merges = recover_merges(self._ranks)
        self.vocab = {i: b for b, i in self._ranks.items()}
        self.register_special_tokens(enc._special_tokens)


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
