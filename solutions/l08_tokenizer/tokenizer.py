"""Byte-pair encoding from nothing: text to tokens and back, as GPT-2 and GPT-4 do it.

A text is bytes, a token stands for a run of bytes. Training looks for the pair of tokens that
occurs most often, gives it a new token, and does so again. GPT-4's vocabulary was made like
that; at the end of this file you read it, token for token.
"""

from itertools import pairwise


def utf8_bytes(text):
    """The bytes of a text in UTF-8, as numbers: where every tokenizer below begins.

    text: str  ->  list of ints, 0 to 255

    >>> utf8_bytes("hé")
    [104, 195, 169]
    """
    ### BEGIN SOLUTION
    return list(text.encode("utf-8"))
    ### END SOLUTION


def encoded_lengths(text):
    """How long a text is in each of Unicode's ways to write it.

    text: str  ->  dict: "code points" is their number; "utf-8", "utf-16" and "utf-32" are
    numbers of bytes, without a byte-order mark

    >>> encoded_lengths("é")
    {'code points': 1, 'utf-8': 2, 'utf-16': 2, 'utf-32': 4}
    """
    ### BEGIN SOLUTION
    lengths = {"code points": len(text), "utf-8": len(text.encode("utf-8"))}
    lengths["utf-16"] = len(text.encode("utf-16-le"))
    lengths["utf-32"] = len(text.encode("utf-32-le"))
    return lengths
    ### END SOLUTION


# ------------------------------------------------------------------------------- pairs and merges


def get_stats(ids, counts=None):
    """How often each pair of neighbours occurs.

    ids: list of ints; counts: None, or a dict that the numbers are added into (in place)
    ->  dict: (int, int) to count; it is `counts` if that was given

    >>> get_stats([1, 2, 3, 1, 2])
    {(1, 2): 2, (2, 3): 1, (3, 1): 1}
    """
    ### BEGIN SOLUTION
    counts = {} if counts is None else counts
    for pair in pairwise(ids):
        counts[pair] = counts.get(pair, 0) + 1
    return counts
    ### END SOLUTION


def merge(ids, pair, idx):
    """The ids with each occurrence of `pair` replaced by `idx`: from the left, none twice.

    ids: list of ints; pair: two ints; idx: int  ->  list of ints

    >>> merge([5, 6, 6, 7, 9, 1], (6, 7), 99)
    [5, 6, 99, 9, 1]
    """
    ### BEGIN SOLUTION
    merged = []
    i = 0
    while i < len(ids):
        if i + 1 < len(ids) and ids[i] == pair[0] and ids[i + 1] == pair[1]:
            merged.append(idx)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged
    ### END SOLUTION


class Tokenizer:
    """What all tokenizers share.

    merges: dict (int, int) to int, in the order of training: the new token of each pair
    vocab: dict int to bytes: what each token stands for, the 256 single bytes first
    pattern: the regular expression that cuts a text into chunks, "" for none
    special_tokens: dict str to int: tokens that stand for no text
    """

    def __init__(self):
        self.merges = {}
        self.vocab = {i: bytes([i]) for i in range(256)}
        self.pattern = ""
        self.special_tokens = {}

    def save(self, file_prefix):
        """Write all that `load` needs into the file `file_prefix` + ".model": text, in UTF-8.

        minbpe's form, line by line: "minbpe v1"; the pattern; the number of special tokens;
        each of them, a space, its id; then the two ids of each merge, in their order. (A form
        of your own is as good, if you can read it again.)
        """
        ### BEGIN SOLUTION
        lines = ["minbpe v1", self.pattern, str(len(self.special_tokens))]
        lines += [f"{special} {idx}" for special, idx in self.special_tokens.items()]
        lines += [f"{left} {right}" for left, right in self.merges]
        with open(f"{file_prefix}.model", "w", encoding="utf-8", newline="\n") as file:
            file.write("\n".join(lines) + "\n")
        ### END SOLUTION

    def load(self, model_file):
        """Become the tokenizer that was saved in the file `model_file`, merges and vocab too.

        A special token may have spaces in it. A file of something else is an error
        (AssertionError or ValueError): look at its first line.
        """
        ### BEGIN SOLUTION
        with open(model_file, encoding="utf-8", newline="\n") as file:
            version, pattern, number, *rest = file.read().split("\n")
        if version != "minbpe v1":
            raise ValueError(f"{model_file} is no model")
        self.pattern = pattern
        specials, merges = rest[: int(number)], rest[int(number) :]
        self.special_tokens = {}
        for line in specials:
            special, idx = line.rsplit(" ", 1)
            self.special_tokens[special] = int(idx)
        self.merges = {}
        self.vocab = {i: bytes([i]) for i in range(256)}
        for idx, line in enumerate(filter(None, merges), 256):
            left, right = map(int, line.split())
            self.merges[left, right] = idx
            self.vocab[idx] = self.vocab[left] + self.vocab[right]
        ### END SOLUTION


class BasicTokenizer(Tokenizer):
    """Byte-pair encoding of the whole text at once: no chunks, no special tokens."""

    def train(self, text, vocab_size, verbose=False):
        """Learn vocab_size - 256 merges from a text: set self.merges and self.vocab.

        Each merge takes a pair that occurs most often now (any of them, if there are several)
        and gives it the next id: 256, 257, … Where no pair is left, stop or raise a ValueError.
        verbose: print each merge

        >>> t = BasicTokenizer()
        >>> t.train("aaabdaaabac", 257)
        >>> t.merges, t.vocab[256]
        ({(97, 97): 256}, b'aa')
        """
        ### BEGIN SOLUTION
        ids = list(text.encode("utf-8"))
        self.merges = {}
        self.vocab = {i: bytes([i]) for i in range(256)}
        for idx in range(256, vocab_size):
            stats = get_stats(ids)
            if not stats:
                break
            pair = max(stats, key=stats.get)
            ids = merge(ids, pair, idx)
            self.merges[pair] = idx
            self.vocab[idx] = self.vocab[pair[0]] + self.vocab[pair[1]]
            if verbose:
                print(f"{idx}: {self.vocab[idx]!r} occurs {stats[pair]} times")  # noqa: T201
        ### END SOLUTION

    def decode(self, ids):
        """The text of some tokens: their bytes joined, then read as UTF-8.

        ids: list of ints  ->  str; bytes that are no UTF-8 become U+FFFD, the replacement
        character; an id that isn't in the vocabulary is an error (of any kind)

        >>> BasicTokenizer().decode([104, 195, 169, 128])
        'hé\ufffd'
        """
        ### BEGIN SOLUTION
        return b"".join(self.vocab[idx] for idx in ids).decode("utf-8", errors="replace")
        ### END SOLUTION

    def encode(self, text):
        """The tokens of a text: of all merges that are possible, always the earliest first.

        text: str  ->  list of ints

        >>> t = BasicTokenizer()
        >>> t.merges = {(97, 98): 256, (256, 99): 257}
        >>> t.encode("abcab")
        [257, 256]
        """
        ### BEGIN SOLUTION
        ids = list(text.encode("utf-8"))
        while len(ids) > 1:
            pair = min(pairwise(ids), key=lambda p: self.merges.get(p, float("inf")))
            if pair not in self.merges:
                break
            ids = merge(ids, pair, self.merges[pair])
        return ids
        ### END SOLUTION


# ---------------------------------------------------------------------------- chunks and specials


def split_gpt2(text):
    """The chunks of a text that GPT-2 never merges across.

    text: str  ->  list of str that make up the text again. From left to right, the first that fits:
    's 't 're 've 'm 'll 'd in lower case; a space if there is one, and letters; the same with
    digits; the same with what is neither letter, digit nor white space; white space, but
    without its last character where something follows it; white space.
    Letters are \\p{L} and digits \\p{N}, of all scripts: that takes the package `regex`.

    >>> split_gpt2("Hello've  world123")
    ['Hello', "'ve", ' ', ' world', '123']
    """
    ### BEGIN SOLUTION
    import regex

    pattern = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
    return regex.findall(pattern, text)
    ### END SOLUTION


def split_gpt4(text):
    """The chunks of a text that GPT-4 never merges across.

    text: str  ->  list of str that make up the text again. From left to right, the first that fits:
    's 't 're 've 'm 'll 'd in any case; letters, and before them one character if it is neither
    letter, digit, \\r nor \\n; one to three digits; a space if there is one, then what is
    neither white space, letter nor digit, then any \\r and \\n; white space that ends in \\r
    or \\n, up to the last of them; white space, but without its last character where something
    follows it; white space.

    >>> split_gpt4("HELLO'VE 12345")
    ['HELLO', "'VE", ' ', '123', '45']
    """
    ### BEGIN SOLUTION
    import regex

    pattern = (
        r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"""
        r""" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
    )
    return regex.findall(pattern, text)
    ### END SOLUTION


class RegexTokenizer(Tokenizer):
    """Byte-pair encoding within chunks, with special tokens."""

    def __init__(self, pattern=None):
        """pattern: a regular expression of the package `regex`; None stands for GPT-4's chunks.

        self.pattern is "" for GPT-4's chunks here. (minbpe keeps the expression itself: fine.)
        """
        super().__init__()
        self.pattern = pattern or ""

    def chunks(self, text):
        """The chunks of a text: by self.pattern, else as GPT-4 cuts it."""
        import regex

        return regex.findall(self.pattern, text) if self.pattern else split_gpt4(text)

    def train(self, text, vocab_size, verbose=False):
        """As BasicTokenizer.train, but pairs are counted, and merged, within chunks only.

        >>> t = RegexTokenizer(r" ?[a-z]+")
        >>> t.train("ab ab ub eb", 257)
        >>> t.merges
        {(97, 98): 256}
        """
        ### BEGIN SOLUTION
        chunks = [list(chunk.encode("utf-8")) for chunk in self.chunks(text)]
        self.merges = {}
        self.vocab = {i: bytes([i]) for i in range(256)}
        for idx in range(256, vocab_size):
            stats = {}
            for ids in chunks:
                get_stats(ids, stats)
            if not stats:
                break
            pair = max(stats, key=stats.get)
            chunks = [merge(ids, pair, idx) for ids in chunks]
            self.merges[pair] = idx
            self.vocab[idx] = self.vocab[pair[0]] + self.vocab[pair[1]]
            if verbose:
                print(f"{idx}: {self.vocab[idx]!r} occurs {stats[pair]} times")  # noqa: T201
        ### END SOLUTION

    def start(self, chunk):
        """The ids that a chunk is before the first merge: its bytes. (GPT-4 has others.)"""
        return list(chunk.encode("utf-8"))

    def encode_ordinary(self, text):
        """The tokens of a text in which nothing is special: each chunk by itself, in a row.

        text: str  ->  list of ints

        >>> t = RegexTokenizer(r" ?[a-z]+")
        >>> t.merges = {(97, 98): 256, (32, 256): 257}
        >>> t.encode_ordinary("ab abba")
        [256, 257, 98, 97]
        """
        ### BEGIN SOLUTION
        tokens = []
        for chunk in self.chunks(text):
            ids = self.start(chunk)
            while len(ids) > 1:
                pair = min(pairwise(ids), key=lambda p: self.merges.get(p, float("inf")))
                if pair not in self.merges:
                    break
                ids = merge(ids, pair, self.merges[pair])
            tokens += ids
        return tokens
        ### END SOLUTION

    def register_special_tokens(self, special_tokens):
        """Know these special tokens from now on, and only these.

        special_tokens: dict str to int, as {"<|endoftext|>": 50256}; self.special_tokens is it
        """
        ### BEGIN SOLUTION
        self.special_tokens = dict(special_tokens)
        ### END SOLUTION

    def encode(self, text, allowed_special="none_raise"):
        """The tokens of a text, special ones too.

        allowed_special: which special tokens become their id where they stand in the text:
        "all"; "none"; a set of them; "none_raise": none, and it is an error (AssertionError
        or ValueError) if the text has one. The others are ordinary text.
        Where one special token begins another, the longer one counts: it is registered first.

        text: str  ->  list of ints
        """
        ### BEGIN SOLUTION
        import re

        if allowed_special == "all":
            special = self.special_tokens
        elif allowed_special == "none":
            special = {}
        elif allowed_special == "none_raise":
            if any(token in text for token in self.special_tokens):
                raise ValueError("there is a special token in the text")
            special = {}
        else:
            special = {k: idx for k, idx in self.special_tokens.items() if k in allowed_special}
        if not special:
            return self.encode_ordinary(text)
        longest_first = sorted(special, key=len, reverse=True)
        ids = []
        for part in re.split("(" + "|".join(map(re.escape, longest_first)) + ")", text):
            ids += [special[part]] if part in special else self.encode_ordinary(part)
        return ids
        ### END SOLUTION

    def decode(self, ids):
        """The text of some tokens, special ones as they are written; else as in BasicTokenizer."""
        ### BEGIN SOLUTION
        special = {idx: token.encode("utf-8") for token, idx in self.special_tokens.items()}
        parts = [special[idx] if idx in special else self.vocab[idx] for idx in ids]
        return b"".join(parts).decode("utf-8", errors="replace")
        ### END SOLUTION


# ------------------------------------------------------------------------------ GPT-4's own tokens


def bpe_parts(ranks, token, max_rank=None):
    """What a token's bytes are merged to, if only ranks below `max_rank` may be used.

    ranks: dict bytes to int, as tiktoken keeps a vocabulary; two neighbours may be merged if
    the two together are in it; the lowest rank goes first. token: bytes; max_rank: int, or
    None for no limit  ->  list of bytes

    >>> bpe_parts({b"a": 0, b"b": 1, b"c": 2, b"ab": 3, b"abc": 4}, b"abc", 4)
    [b'ab', b'c']
    """
    ### BEGIN SOLUTION
    limit = float("inf") if max_rank is None else max_rank
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 1:
        joined = [left + right for left, right in pairwise(parts)]
        best = min(range(len(joined)), key=lambda i: ranks.get(joined[i], float("inf")))
        if ranks.get(joined[best], float("inf")) >= limit:
            break
        parts[best : best + 2] = [joined[best]]
    return parts
    ### END SOLUTION


def recover_merges(ranks):
    """The merges that a vocabulary came from, which tiktoken doesn't keep.

    ranks: dict bytes to int: 256 single bytes, and tokens in the order of their training
    ->  dict (int, int) to int, for all tokens of two bytes and more: the ranks of the two parts
    that were there right before the token was made, to its own rank

    >>> recover_merges({b"a": 0, b"b": 1, b"c": 2, b"ab": 3, b"abc": 4})
    {(0, 1): 3, (3, 2): 4}
    """
    ### BEGIN SOLUTION
    merges = {}
    for token, rank in ranks.items():
        if len(token) > 1:
            left, right = bpe_parts(ranks, token, rank)
            merges[ranks[left], ranks[right]] = rank
    return merges
    ### END SOLUTION


def byte_shuffle(ranks):
    """GPT-4's single bytes have their ids in an order of their own: there and back.

    ranks: dict bytes to int  ->  (dict byte to id, dict id to byte), ints, for all 256 bytes
    """
    ### BEGIN SOLUTION
    there = {i: ranks[bytes([i])] for i in range(256)}
    return there, {idx: i for i, idx in there.items()}
    ### END SOLUTION


class GPT4Tokenizer(RegexTokenizer):
    """The tokenizer of GPT-4, cl100k_base: the same ids as tiktoken's, by your own code."""

    def __init__(self):
        """Take the ranks, tiktoken.get_encoding("cl100k_base")._mergeable_ranks, and no more.

        Ask tiktoken here, not when the module is imported. What is needed of it: merges, which
        you recover; the shuffled bytes, on the way in and on the way out; five special tokens:
        <|endoftext|> 100257, <|fim_prefix|> 100258, <|fim_middle|> 100259,
        <|fim_suffix|> 100260, <|endofprompt|> 100276.
        """
        ### BEGIN SOLUTION
        import tiktoken

        super().__init__()
        ranks = tiktoken.get_encoding("cl100k_base")._mergeable_ranks
        self.merges = recover_merges(ranks)
        self.vocab = {rank: token for token, rank in ranks.items()}
        self.shuffle, _ = byte_shuffle(ranks)
        fim = ["<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"]
        specials = {token: 100257 + i for i, token in enumerate(fim)}
        self.register_special_tokens({**specials, "<|endofprompt|>": 100276})
        ### END SOLUTION

    def start(self, chunk):
        """The ids that a chunk is before the first merge: its bytes, shuffled.

        (Of use if your encode_ordinary asks self.start. There are other ways.)
        """
        ### BEGIN SOLUTION
        return [self.shuffle[byte] for byte in chunk.encode("utf-8")]
        ### END SOLUTION


# ------------------------------------------------------------------------- what tokens are used for

# `tok` below is a tokenizer like the ones above: encode(text, allowed_special=…),
# encode_ordinary, decode, vocab, special_tokens. (chat_ids and fim_ids may rely on it that
# the special tokens that they need are registered.)


def chat_ids(messages, tok):
    """A conversation as tokens: for each message <|im_start|>role\\ncontent<|im_end|>\\n.

    messages: list of {"role": str, "content": str}; tok: tokenizer  ->  list of ints, with
    the ids of <|im_start|> and <|im_end|> in tok.special_tokens
    """
    ### BEGIN SOLUTION
    start, end = tok.special_tokens["<|im_start|>"], tok.special_tokens["<|im_end|>"]
    ids = []
    for message in messages:
        said = tok.encode_ordinary(f"{message['role']}\n{message['content']}")
        ids += [start, *said, end, *tok.encode_ordinary("\n")]
    return ids
    ### END SOLUTION


def fim_ids(prefix, middle, suffix, tok):
    """A text with a hole, for a model that fills it: prefix, suffix, then the middle.

    prefix, middle, suffix: str; tok: tokenizer  ->  list of ints: <|fim_prefix|> and the prefix,
    <|fim_suffix|> and the suffix, <|fim_middle|> and the middle
    """
    ### BEGIN SOLUTION
    ids = [tok.special_tokens["<|fim_prefix|>"], *tok.encode_ordinary(prefix)]
    ids += [tok.special_tokens["<|fim_suffix|>"], *tok.encode_ordinary(suffix)]
    ids += [tok.special_tokens["<|fim_middle|>"], *tok.encode_ordinary(middle)]
    return ids
    ### END SOLUTION


def vocab_cost(vocab, n_embd, tied):
    """The parameters that a vocabulary costs: a row of the embedding, a column of the head.

    vocab: number of tokens; n_embd: numbers per token; tied: the two tables are one  ->  int
    (the head has no bias, as in GPT-2)

    >>> vocab_cost(50257, 768, True)
    38597376
    """
    ### BEGIN SOLUTION
    return vocab * n_embd * (1 if tied else 2)
    ### END SOLUTION


def tokens_per_char(tok, text):
    """How many tokens a character (code point) of the text takes; 0 for an empty text.

    tok: tokenizer; text: str  ->  float
    """
    ### BEGIN SOLUTION
    return len(tok.encode(text)) / len(text) if text else 0.0
    ### END SOLUTION


def compression(tok, text):
    """How many bytes (of UTF-8) a token of the text stands for; 0 for an empty text.

    tok: tokenizer; text: str  ->  float
    """
    ### BEGIN SOLUTION
    return len(text.encode("utf-8")) / len(tok.encode(text)) if text else 0.0
    ### END SOLUTION


# --------------------------------------------------------------------------- where it gets strange

# `encode` below is a function: text to list of ints, like tok.encode.


def why_spelling(encode, word=".DefaultCellStyle"):
    """Why can't it spell? How many letters are hidden in a token of the word, on average.

    ->  float: characters of the word per token
    """
    ### BEGIN SOLUTION
    return len(word) / len(encode(word))
    ### END SOLUTION


def why_reverse(encode, word=".DefaultCellStyle"):
    """Why can't it reverse a word? Its tokens aren't the tokens of its reverse.

    ->  (number of tokens of the word, number of tokens of the word read backwards)
    """
    ### BEGIN SOLUTION
    return len(encode(word)), len(encode(word[::-1]))
    ### END SOLUTION


def why_arithmetic(encode, numbers=(127, 677, 1275, 6773)):
    """Why is it bad at sums? Look at what its numbers are made of.

    numbers: ints  ->  list: the tokens (a list of ints) of each number by itself
    """
    ### BEGIN SOLUTION
    return [encode(str(number)) for number in numbers]
    ### END SOLUTION


def why_languages(encode, sentences):
    """Why is it worse in other languages? The same sentence takes more tokens.

    sentences: dict language to str  ->  dict language to number of tokens
    """
    ### BEGIN SOLUTION
    return {language: len(encode(text)) for language, text in sentences.items()}
    ### END SOLUTION


def why_python(encode, code):
    """Why was GPT-2 bad at Python? Ask how many tokens an indented block takes.

    code: str  ->  int (ask with GPT-2's encode, then with GPT-4's, and compare)
    """
    ### BEGIN SOLUTION
    return len(encode(code))
    ### END SOLUTION


def why_trailing_space(encode, text="Please visit our shop"):
    """Why is a space at the end a mistake? It has taken what the next token begins with.

    ->  (tokens of text, tokens of text + " ", never): never is True if no text that goes on
    with " o" begins with those second tokens, that is, if text + " o" doesn't
    """
    ### BEGIN SOLUTION
    plain, spaced, longer = encode(text), encode(text + " "), encode(text + " o")
    return plain, spaced, longer[: len(spaced)] != spaced
    ### END SOLUTION


def why_halts(encode, text="<|endoftext|>"):
    """Why does it stop at that text? Because someone let a user's text become a special token.

    encode: takes allowed_special, too: "all" or "none", as RegexTokenizer.encode does
    ->  (number of tokens if all special tokens are allowed, the number if none is)
    """
    ### BEGIN SOLUTION
    return len(encode(text, allowed_special="all")), len(encode(text, allowed_special="none"))
    ### END SOLUTION


def why_yaml(encode, as_json, as_yaml):
    """Why should it be YAML? Here is one record, written in both ways.

    as_json, as_yaml: str  ->  (number of tokens as JSON, number of tokens as YAML)
    """
    ### BEGIN SOLUTION
    return len(encode(as_json)), len(encode(as_yaml))
    ### END SOLUTION


def untrained_tokens(tok, corpus):
    """What a model never sees: the tokens of the vocabulary that don't occur in its training text.

    tok: tokenizer; corpus: str  ->  set of ints, of the keys of tok.vocab
    """
    ### BEGIN SOLUTION
    return set(tok.vocab) - set(tok.encode_ordinary(corpus))
    ### END SOLUTION


def grow(tok, specials):
    """Give a tokenizer more special tokens: in their order, with ids after the last of all.

    tok: RegexTokenizer, which is changed; specials: list of str  ->  dict str to int, the new ones

    The last is the greatest id of a token so far, special ones included. Old texts have the tokens
    they had, old special tokens too.
    """
    ### BEGIN SOLUTION
    last = max([*tok.vocab, *tok.special_tokens.values()])
    new = {special: last + 1 + i for i, special in enumerate(specials)}
    tok.register_special_tokens({**tok.special_tokens, **new})
    return new
    ### END SOLUTION


def unstable(tok, text):
    """The end of a prompt may still change, as the text goes on within its last chunk: how?

    tok: RegexTokenizer; text: str that ends in a letter, and so in a chunk that may grow
    ->  (stable, completions): stable is the list of the tokens of all chunks but the last;
    completions is a set of tuples of ints, the tokens that may stand in the last one's place

    For every place in the bytes of the last chunk, its beginning too: which tokens of tok.vocab
    begin with all that comes from there (or are it)? What comes before the place, with such a token
    behind it, is a text; its tokens, up to the first that reaches the chunk's end, are one
    completion.
    tiktoken's encode_with_unstable does the same.
    """
    ### BEGIN SOLUTION
    chunks = tok.chunks(text)
    stable = tok.encode_ordinary("".join(chunks[:-1]))
    last = chunks[-1].encode("utf-8") if chunks else b""
    completions = set()
    for i in range(len(last)):
        for token in tok.vocab.values():
            if token.startswith(last[i:]):
                completion, reached = [], 0
                for idx in tok.encode_ordinary((last[:i] + token).decode("utf-8")):
                    if reached < len(last):
                        completion.append(idx)
                        reached += len(tok.vocab[idx])
                completions.add(tuple(completion))
    return stable, completions
    ### END SOLUTION


# ----------------------------------------------------------------------------- other ways to tokens


def train_sentencepiece(text, vocab_size):
    """A BPE vocabulary by the package sentencepiece, with settings that leave the text alone.

    text: str, lines; vocab_size: int, all pieces together  ->  bytes of the model

    Asked for: byte_fallback (bytes for what the vocabulary lacks), no normalisation
    (normalization_rule_name "identity"), remove_extra_whitespaces off, add_dummy_prefix on
    ("hello" and " hello" alike), model_type "bpe". `sentence_iterator` and `model_writer` of
    SentencePieceTrainer.train spare you files.
    """
    ### BEGIN SOLUTION
    import io

    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text.split("\n")),
        model_writer=model,
        model_type="bpe",
        vocab_size=vocab_size,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=True,
        minloglevel=2,
    )
    return model.getvalue()
    ### END SOLUTION


def codebook_encode(patches, codes):
    """Tokens for what isn't text: for each patch the number of the nearest code.

    patches: (N, D); codes: (K, D)  ->  (N,) whole numbers, by Euclidean distance
    """
    ### BEGIN SOLUTION
    return (patches[:, None] - codes[None]).square().sum(-1).argmin(1)
    ### END SOLUTION


def codebook_decode(ids, codes):
    """Back to numbers: the code of each id.

    ids: whole numbers of any shape; codes: (K, D)  ->  shape of ids, then D
    """
    ### BEGIN SOLUTION
    return codes[ids]
    ### END SOLUTION


def quantize(patches, codes):
    """Each patch replaced by its nearest code, so that gradients pass as if nothing had happened.

    patches: (N, D); codes: (K, D)  ->  (N, D): forwards the nearest codes; backwards the
    gradient goes to the patches as it is (straight through), and none goes to the codes
    """
    ### BEGIN SOLUTION
    nearest = codebook_decode(codebook_encode(patches, codes), codes)
    return patches + (nearest - patches).detach()
    ### END SOLUTION


def image_tokens(image, codes, patch):
    """An image as a grid of tokens, and what these say it looks like.

    image: (H, W, C), H and W multiples of patch; codes: (K, patch * patch * C), the pixels of a
    patch row by row, a pixel's channels side by side
    ->  (ids, again): ids (H / patch, W / patch) whole numbers; again (H, W, C), made of codes
    """
    ### BEGIN SOLUTION
    H, W, C = image.shape
    rows, columns = H // patch, W // patch
    cut = image.reshape(rows, patch, columns, patch, C).permute(0, 2, 1, 3, 4)
    ids = codebook_encode(cut.reshape(rows * columns, -1), codes)
    pieces = codebook_decode(ids, codes).reshape(rows, columns, patch, patch, C)
    again = pieces.permute(0, 2, 1, 3, 4).reshape(H, W, C)
    return ids.reshape(rows, columns), again
    ### END SOLUTION
