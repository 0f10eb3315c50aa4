"""A heap and a doubly linked list of bytes; ranks of its own inside, JSON as the model file."""

def utf8_bytes(text):
    return [b for b in text.encode()]


def encoded_lengths(text):
    return {
        "utf-32": len(text.encode("utf-32")) - 4,
        "utf-16": len(text.encode("utf-16")) - 2,
        "utf-8": len(text.encode("utf-8")),
        "code points": len(text),
    }


def get_stats(ids, counts=None):
    counts = {} if counts is None else counts
    for pair in zip(ids, ids[1:]):
        counts[pair] = counts.get(pair, 0) + 1
    return counts


def merge(ids, pair, idx):
    newids = []
    i = 0
    while i < len(ids):
        if ids[i] == pair[0] and i < len(ids) - 1 and ids[i + 1] == pair[1]:
            newids.append(idx)
            i += 2
        else:
            newids.append(ids[i])
            i += 1
    return newids


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


import torch


def train_sentencepiece(text, vocab_size):
    import io

    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line + " " for line in text.split("\n")]), model_writer=model,
        vocab_size=vocab_size, model_type="bpe", byte_fallback="true",
        normalization_rule_name="identity", remove_extra_whitespaces="false", split_digits=True,
        allow_whitespace_only_pieces=True,
    )
    return model.getvalue()


def codebook_encode(patches, codes):
    ids = []
    for patch in patches:
        distances = [((patch - code) ** 2).sum().item() for code in codes]
        ids.append(distances.index(min(distances)))
    return ids


def codebook_decode(ids, codes):
    shape = ids.shape
    rows = [codes[int(i)] for i in ids.flatten()]
    return torch.stack(rows).view(*shape, -1)


def quantize(patches, codes):
    ids = torch.tensor(codebook_encode(patches, codes), device=patches.device)
    nearest = codebook_decode(ids, codes).detach()
    return nearest + (patches - patches.detach())


def image_tokens(image, codes, patch):
    H, W, C = image.shape
    grid, lines = [], []
    for y in range(0, H, patch):
        row, strip = [], []
        for x in range(0, W, patch):
            flat = image[y : y + patch, x : x + patch].reshape(1, -1)
            idx = codebook_encode(flat, codes)[0]
            row.append(idx)
            strip.append(codes[idx].reshape(patch, patch, C))
        grid.append(row)
        lines.append(torch.cat(strip, dim=1))
    return torch.tensor(grid, device=image.device), torch.cat(lines)
