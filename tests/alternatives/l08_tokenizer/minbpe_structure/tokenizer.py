"""The shape of minbpe: a base class, a compiled pattern, asserts for errors, decode shuffles back."""

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


import regex as re

GPT2_SPLIT_PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
GPT4_SPLIT_PATTERN = r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"""


def split_gpt2(text):
    return re.findall(re.compile(GPT2_SPLIT_PATTERN), text)


def split_gpt4(text):
    return re.findall(re.compile(GPT4_SPLIT_PATTERN), text)


class Tokenizer:
    def __init__(self):
        self.merges = {}
        self.pattern = ""
        self.special_tokens = {}
        self.vocab = self._build_vocab()

    def _build_vocab(self):
        vocab = {idx: bytes([idx]) for idx in range(256)}
        for (p0, p1), idx in self.merges.items():
            vocab[idx] = vocab[p0] + vocab[p1]
        for special, idx in self.special_tokens.items():
            vocab[idx] = special.encode("utf-8")
        return vocab

    def save(self, file_prefix):
        with open(file_prefix + ".model", "w", encoding="utf-8") as f:
            f.write("minbpe v1\n")
            f.write(f"{self.pattern}\n")
            f.write(f"{len(self.special_tokens)}\n")
            for special, idx in self.special_tokens.items():
                f.write(f"{special} {idx}\n")
            for idx1, idx2 in self.merges:
                f.write(f"{idx1} {idx2}\n")
        with open(file_prefix + ".vocab", "w", encoding="utf-8") as f:
            for idx, token in self.vocab.items():
                f.write(f"[{token.decode('utf-8', errors='replace')}] {idx}\n")

    def load(self, model_file):
        assert model_file.endswith(".model")
        merges, special_tokens = {}, {}
        idx = 256
        with open(model_file, "r", encoding="utf-8") as f:
            assert f.readline().strip() == "minbpe v1"
            self.pattern = f.readline().rstrip("\n")
            for _ in range(int(f.readline().strip())):
                *words, number = f.readline().rstrip("\n").split(" ")
                special_tokens[" ".join(words)] = int(number)
            for line in f:
                idx1, idx2 = map(int, line.split())
                merges[(idx1, idx2)] = idx
                idx += 1
        self.merges = merges
        self.special_tokens = special_tokens
        self.vocab = self._build_vocab()


class BasicTokenizer(Tokenizer):
    def train(self, text, vocab_size, verbose=False):
        assert vocab_size >= 256
        num_merges = vocab_size - 256
        ids = list(text.encode("utf-8"))
        merges = {}
        vocab = {idx: bytes([idx]) for idx in range(256)}
        for i in range(num_merges):
            stats = get_stats(ids)
            pair = max(stats, key=stats.get)
            idx = 256 + i
            ids = merge(ids, pair, idx)
            merges[pair] = idx
            vocab[idx] = vocab[pair[0]] + vocab[pair[1]]
            if verbose:
                print(f"merge {i + 1}/{num_merges}: {pair} -> {idx}")
        self.merges = merges
        self.vocab = vocab

    def decode(self, ids):
        text_bytes = b"".join(self.vocab[idx] for idx in ids)
        return text_bytes.decode("utf-8", errors="replace")

    def encode(self, text):
        ids = list(text.encode("utf-8"))
        while len(ids) >= 2:
            stats = get_stats(ids)
            pair = min(stats, key=lambda p: self.merges.get(p, float("inf")))
            if pair not in self.merges:
                break
            ids = merge(ids, pair, self.merges[pair])
        return ids


class RegexTokenizer(Tokenizer):
    def __init__(self, pattern=None):
        super().__init__()
        self.pattern = GPT4_SPLIT_PATTERN if pattern is None else pattern
        self.compiled_pattern = re.compile(self.pattern)
        self.special_tokens = {}
        self.inverse_special_tokens = {}

    def train(self, text, vocab_size, verbose=False):
        assert vocab_size >= 256
        ids = [list(ch.encode("utf-8")) for ch in re.findall(self.compiled_pattern, text)]
        merges = {}
        vocab = {idx: bytes([idx]) for idx in range(256)}
        for i in range(vocab_size - 256):
            stats = {}
            for chunk_ids in ids:
                get_stats(chunk_ids, stats)
            pair = max(stats, key=stats.get)
            idx = 256 + i
            ids = [merge(chunk_ids, pair, idx) for chunk_ids in ids]
            merges[pair] = idx
            vocab[idx] = vocab[pair[0]] + vocab[pair[1]]
        self.merges = merges
        self.vocab = vocab

    def register_special_tokens(self, special_tokens):
        self.special_tokens = special_tokens
        self.inverse_special_tokens = {v: k for k, v in special_tokens.items()}

    def decode(self, ids):
        part_bytes = []
        for idx in ids:
            if idx in self.vocab:
                part_bytes.append(self.vocab[idx])
            elif idx in self.inverse_special_tokens:
                part_bytes.append(self.inverse_special_tokens[idx].encode("utf-8"))
            else:
                raise ValueError(f"invalid token id: {idx}")
        return b"".join(part_bytes).decode("utf-8", errors="replace")

    def _encode_chunk(self, text_bytes):
        ids = list(text_bytes)
        while len(ids) >= 2:
            stats = get_stats(ids)
            pair = min(stats, key=lambda p: self.merges.get(p, float("inf")))
            if pair not in self.merges:
                break
            ids = merge(ids, pair, self.merges[pair])
        return ids

    def encode_ordinary(self, text):
        ids = []
        for chunk in re.findall(self.compiled_pattern, text):
            ids.extend(self._encode_chunk(chunk.encode("utf-8")))
        return ids

    def encode(self, text, allowed_special="none_raise"):
        if allowed_special == "all":
            special = self.special_tokens
        elif allowed_special == "none":
            special = {}
        elif allowed_special == "none_raise":
            special = {}
            assert all(token not in text for token in self.special_tokens)
        elif isinstance(allowed_special, set):
            special = {k: v for k, v in self.special_tokens.items() if k in allowed_special}
        else:
            raise ValueError(f"allowed_special={allowed_special} not understood")
        if not special:
            return self.encode_ordinary(text)
        special_pattern = "(" + "|".join(re.escape(k) for k in special) + ")"
        ids = []
        for part in re.split(special_pattern, text):
            if part in special:
                ids.append(special[part])
            else:
                ids.extend(self.encode_ordinary(part))
        return ids


def bpe_parts(ranks, token, max_rank=None):
    parts = [bytes([b]) for b in token]
    while True:
        min_idx = None
        min_rank = None
        for i, pair in enumerate(zip(parts[:-1], parts[1:])):
            rank = ranks.get(pair[0] + pair[1])
            if rank is not None and (min_rank is None or rank < min_rank):
                min_idx = i
                min_rank = rank
        if min_rank is None or (max_rank is not None and min_rank >= max_rank):
            break
        parts = parts[:min_idx] + [parts[min_idx] + parts[min_idx + 1]] + parts[min_idx + 2 :]
    return parts


def recover_merges(ranks):
    merges = {}
    for token, rank in ranks.items():
        if len(token) == 1:
            continue
        pair = tuple(bpe_parts(ranks, token, max_rank=rank))
        assert len(pair) == 2
        merges[(ranks[pair[0]], ranks[pair[1]])] = rank
    return merges


def byte_shuffle(ranks):
    shuffle = {i: ranks[bytes([i])] for i in range(256)}
    return shuffle, {v: k for k, v in shuffle.items()}


class GPT4Tokenizer(RegexTokenizer):
    def __init__(self):
        import tiktoken

        super().__init__(pattern=GPT4_SPLIT_PATTERN)
        enc = tiktoken.get_encoding("cl100k_base")
        mergeable_ranks = enc._mergeable_ranks
        self.merges = recover_merges(mergeable_ranks)
        vocab = {idx: bytes([idx]) for idx in range(256)}
        for (p0, p1), idx in self.merges.items():
            vocab[idx] = vocab[p0] + vocab[p1]
        self.vocab = vocab
        self.byte_shuffle, self.inverse_byte_shuffle = byte_shuffle(mergeable_ranks)
        self.register_special_tokens(
            {
                "<|endoftext|>": 100257,
                "<|fim_prefix|>": 100258,
                "<|fim_middle|>": 100259,
                "<|fim_suffix|>": 100260,
                "<|endofprompt|>": 100276,
            }
        )

    def _encode_chunk(self, text_bytes):
        text_bytes = bytes(self.byte_shuffle[b] for b in text_bytes)
        return super()._encode_chunk(text_bytes)

    def decode(self, ids):
        out = []
        for idx in ids:
            if idx in self.inverse_special_tokens:
                out.append(self.inverse_special_tokens[idx].encode())
            else:
                out.append(bytes(self.inverse_byte_shuffle[b] for b in self.vocab[idx]))
        return b"".join(out).decode("utf-8", errors="replace")

    def train(self, text, vocab_size, verbose=False):
        raise NotImplementedError


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

    *before, last = regex.findall(tok.compiled_pattern, text)
    stable = []
    for piece in before:
        stable.extend(tok._encode_chunk(piece.encode("utf-8")))
    whole = last.encode("utf-8")
    completions = set()
    for token in tok.vocab.values():
        for i in range(len(whole)):
            if token.startswith(whole[i:]):
                ids = tok.encode_ordinary((whole[:i] + token).decode("utf-8"))
                have = b""
                keep = []
                for idx in ids:
                    if len(have) >= len(whole):
                        break
                    keep.append(idx)
                    have += tok.vocab[idx]
                completions.add(tuple(keep))
    return stable, completions


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
