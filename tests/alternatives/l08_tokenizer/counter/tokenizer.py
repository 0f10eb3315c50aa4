"""Counters, iterators, dict unions; the tokens themselves where their number is asked."""

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
