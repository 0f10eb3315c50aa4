"""The probes of both suites: functions that run beside your code. `m` is your tokenizer.py.

Only plain data comes back from them. A vocabulary `V` is a dict: "merges" and "vocab", as your
tokenizers keep them; "pattern", None for a BasicTokenizer; "text", from which these merges can be
learnt up to "size" tokens, or ""; and, where there is a text, a "sample" with its "ids".

The packages regex, tiktoken and sentencepiece are imported where they are used, as they are extras.
"""

import tempfile
import time
from pathlib import Path

import torch

# ------------------------------------------------------------------------------ pairs and merges


def answers(m, name, texts):
    """What a function answers to each text."""
    return [getattr(m, name)(text) for text in texts]


def stats(m, lists, counts=None):
    """The counts of each list; then, if counts are given, these after each list and in the end."""
    found = [dict(m.get_stats(list(ids))) for ids in lists]
    if counts is not None:
        counts = dict(counts)
        found += [dict(m.get_stats(list(ids), counts)) for ids in lists]
        found.append(counts)
    return found


def merges(m, cases):
    """What `merge` makes of each (ids, pair, idx)."""
    return [list(m.merge(ids, pair, idx)) for ids, pair, idx in cases]


# ------------------------------------------------------------------------ tokenizers of the student


def new(m, pattern):
    """A new tokenizer: without chunks for None, with GPT-4's for "", else with the pattern's."""
    if pattern is None:
        return m.BasicTokenizer()
    return m.RegexTokenizer(pattern) if pattern else m.RegexTokenizer()


def learnt(m, pattern, text, size):
    """A tokenizer after training."""
    t = new(m, pattern)
    t.train(text, size)
    return t


def trained(m, pattern, text, size):
    """The merges and the vocabulary after training."""
    t = learnt(m, pattern, text, size)
    return [dict(t.merges), dict(t.vocab)]


def last_tokens(m, pattern, text, size):
    """The merges after training, and the last tokens of the vocabulary, some bytes with them."""
    t = learnt(m, pattern, text, size)
    return [dict(t.merges), {i: t.vocab[i] for i in range(254, size)}]


def trained_or_error(m, pattern, text, size):
    """The same, or "error" where training raised one."""
    try:
        return trained(m, pattern, text, size)
    except (ValueError, IndexError, KeyError, AssertionError):
        return "error"


def by_hand(m, V, specials=()):
    """A tokenizer with these merges, set from outside: the attributes are public."""
    t = new(m, V["pattern"])
    t.merges, t.vocab = dict(V["merges"]), dict(V["vocab"])
    if specials:
        t.register_special_tokens(dict(specials))
    return t


def works(t, V, name="encode"):
    """Whether a tokenizer uses these merges: it knows the sample."""
    try:
        if name == "decode":
            return t.decode(list(V["ids"])) == V["sample"]
        encode = t.encode if V["pattern"] is None else t.encode_ordinary
        return list(encode(V["sample"])) == list(V["ids"])
    except Exception:
        return False


def from_text(m, V):
    """A tokenizer that has learnt these merges."""
    return learnt(m, V["pattern"], V["text"], V["size"])


def from_file(m, V):
    """A tokenizer that has loaded these merges, from a file in minbpe's form."""
    lines = ["minbpe v1", V["pattern"], "0", *(f"{a} {b}" for a, b in V["merges"])]
    t = new(m, V["pattern"])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "shipped.model")
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        t.load(str(file))
    return t


def first_that_works(m, candidates, name="encode"):
    """The number of the first (how to make it, vocabulary) that works, and its tokenizer."""
    for i, (make, V) in enumerate(candidates):
        try:
            t = make(m, V)
        except Exception:
            continue
        if works(t, V, name):
            return i, t
    make, V = candidates[0]
    return 0, make(m, V)


def ready(m, V, name="encode"):
    """A tokenizer with these merges; one that keeps more than its attributes is trained."""
    if not V["text"]:
        return by_hand(m, V)
    return first_that_works(m, [(by_hand, V), (from_text, V)], name)[1]


def answered(t, name, args, may_fail=False):
    """What a method answers; "error" where it raises one and may."""
    try:
        answer = getattr(t, name)(*args)
        return answer if isinstance(answer, str) else list(answer)
    except (AssertionError, ValueError, LookupError):
        if may_fail:
            return "error"
        raise


def drive(m, V, specials, steps):
    """What a tokenizer with these merges answers to steps: name, arguments, "may fail" or not."""
    t = ready(m, V, steps[0][0])
    if specials:
        t.register_special_tokens(dict(specials))
    return [answered(t, *step) for step in steps]


def long_text(m, V, n):
    """The tokens of n letters, and whether they took under a second."""
    t = ready(m, V)
    began = time.process_time()
    ids = list(t.encode("a" * n))
    return [ids, time.process_time() - began < 1]


def with_shipped(m, V, small, texts):
    """Whose tokens they are, and the tokens: V's, or small's if V's merges can't be handed in."""
    made = [(by_hand, V), (from_file, V), (from_text, small)]
    which, t = first_that_works(m, made)
    return ["small" if which == 2 else "shipped", [list(t.encode_ordinary(one)) for one in texts]]


def remembered(m, registrations):
    """special_tokens after the first registration; after a later one its part of them."""
    t = m.RegexTokenizer()
    found = []
    for specials in registrations:
        t.register_special_tokens(dict(specials))
        known = dict(t.special_tokens)
        found.append({key: known.get(key) for key in specials} if found else known)
    return found


# --------------------------------------------------------------------------------- save and load


def file_of(m, V, specials):
    """The file that a tokenizer writes."""
    t = by_hand(m, V, specials)
    with tempfile.TemporaryDirectory() as folder:
        t.save(f"{folder}/ours")
        return Path(folder, "ours.model").read_bytes()


def size_of_file(m, V):
    return len(file_of(m, V, {}))


def saved(m, variants):
    """Which of the files that some tokenizers write are the same."""
    files = [file_of(m, V, specials) for V, specials in variants]
    return [[a == b for b in files] for a in files]


def reloaded(m, V, specials, again):
    """What `again` becomes when it loads the file of a tokenizer with this vocabulary."""
    t = by_hand(m, V, specials)
    with tempfile.TemporaryDirectory() as folder:
        t.save(f"{folder}/ours")
        result = again.load(f"{folder}/ours.model")
    return result if hasattr(result, "encode") else again


def loaded(m, V, specials):
    """The merges in their order, the vocabulary, the special tokens, and the pattern."""
    basic = V["pattern"] is None
    t = reloaded(m, V, specials, m.BasicTokenizer() if basic else m.RegexTokenizer())
    vocab = {i: t.vocab[i] for i in V["vocab"]}
    return [list(dict(t.merges).items()), vocab, dict(t.special_tokens), "" if basic else t.pattern]


def loaded_encodes(m, V, specials, texts):
    """The tokens of texts by a tokenizer that was saved and loaded."""
    t = reloaded(m, V, specials, new(m, V["pattern"]))
    return [list(t.encode(text, "all")) for text in texts]


def wrong_file(m, text):
    """Whether loading a file with this text is an error."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "other.model")
        file.write_text(text, encoding="utf-8")
        try:
            m.RegexTokenizer().load(str(file))
        except NotImplementedError:
            raise
        except Exception:
            return "error"
    return "no error"


# ---------------------------------------------------------------------------------- GPT-4's own


def parts(m, ranks, cases):
    """What `bpe_parts` makes of each (token, limit)."""
    return [list(m.bpe_parts(ranks, t, *([] if lim is None else [lim]))) for t, lim in cases]


def shuffle(m, ranks):
    """There and back, as dicts: lists do as well."""
    return [dict(enumerate(x)) if type(x) in (list, tuple) else x for x in m.byte_shuffle(ranks)]


def gpt4(m, ranks, pattern, specials, texts, special_texts):
    """GPT4Tokenizer() where tiktoken's cl100k_base has these ranks; ids, and texts again."""
    import tiktoken
    from tiktoken import registry

    given = {"mergeable_ranks": dict(ranks), "special_tokens": dict(specials)}
    registry.ENCODINGS["cl100k_base"] = tiktoken.Encoding("cl100k_base", pat_str=pattern, **given)
    t = m.GPT4Tokenizer()
    ids = [list(t.encode(text)) for text in texts]
    ids += [list(t.encode(text, allowed_special="all")) for text in special_texts]
    return [ids, [t.decode(row) for row in ids]]


# ------------------------------------------------------------- functions that take a tokenizer


class Tok:
    """A tokenizer that works whatever the student's do: tiktoken with a RegexTokenizer's names."""

    def __init__(self, V, specials):
        import regex

        self.merges, self.vocab = dict(V["merges"]), dict(V["vocab"])
        self.pattern = V["pattern"]
        self.compiled_pattern = regex.compile(self.pattern)
        self.special_tokens = {}
        self.register_special_tokens(specials)

    def register_special_tokens(self, special_tokens):
        import tiktoken

        self.special_tokens = {**self.special_tokens, **special_tokens}
        self.inverse_special_tokens = {i: token for token, i in self.special_tokens.items()}
        ranks = {token: i for i, token in self.vocab.items()}
        given = {"mergeable_ranks": ranks, "special_tokens": self.special_tokens}
        self.encoding = tiktoken.Encoding("ours", pat_str=self.pattern, **given)

    def chunks(self, text):
        return self.compiled_pattern.findall(text)

    def _encode_chunk(self, data):
        return self.encoding._encode_single_piece(data)

    def encode_ordinary(self, text):
        return self.encoding.encode_ordinary(text)

    def encode(self, text, allowed_special="none_raise", disallowed_special="all"):
        if allowed_special == "none_raise":
            return self.encoding.encode(text, disallowed_special=disallowed_special)
        if allowed_special == "none":
            return self.encode_ordinary(text)
        if allowed_special != "all":
            allowed_special = set(allowed_special)
        return self.encoding.encode(text, allowed_special=allowed_special, disallowed_special=())

    __call__ = encode

    def decode(self, ids):
        return self.encoding.decode(ids)


def plain(value):
    """Lists for lists and tuples, sorted ones for sets."""
    if isinstance(value, (set, frozenset)):
        return sorted(map(plain, value))
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return value


def called(m, name, args, tok):
    """What a function answers with this tokenizer among its arguments."""
    order = (*args, tok) if name in ("chat_ids", "fim_ids") else (tok, *args)
    answer = getattr(m, name)(*order)
    if name == "unstable":  # many ways lead to the same completion
        answer = [answer[0], {tuple(completion) for completion in answer[1]}]
    if name in ("why_reverse", "why_halts", "why_yaml") and isinstance(answer, dict):
        answer = list(answer.values())
    return plain(answer)


def use(m, name, V, specials, *args):
    """What a function answers that takes a tokenizer with this vocabulary."""
    tok = Tok(V, specials)
    try:
        return called(m, name, args, tok)
    except AttributeError as error:
        if error.obj is not tok:
            raise
    own = by_hand(m, V)  # it uses what only the student's own tokenizers have
    own.register_special_tokens(dict(specials))
    return called(m, name, args, own)


def grown(m, tok, specials):
    """The tokenizer with more special tokens: the one that came back, or the one handed in."""
    result = m.grow(tok, list(specials))
    return result if hasattr(result, "encode") else tok


def specials_after_growing(m, old, specials):
    t = m.RegexTokenizer()
    t.register_special_tokens(dict(old))
    return dict(grown(m, t, specials).special_tokens)


def grown_encodes(m, V, old, specials, texts):
    """Whether old texts have their old tokens, the new tokens, all special ones, the new texts."""
    tok = by_hand(m, V, old)
    before = [list(tok.encode(text, "all")) for text in texts]
    tok = grown(m, tok, specials)
    after = [list(tok.encode(text, "all")) for text in texts]
    new = [list(tok.encode(special, "all")) for special in specials]
    return [before == after, new, dict(tok.special_tokens), tok.decode([ids[0] for ids in new])]


# ------------------------------------------------------------------------- other ways to tokens


def sentencepieces(m, text, size, texts):
    """How many pieces there are, texts to pieces and back, and the model itself."""
    import sentencepiece

    model = bytes(m.train_sentencepiece(text, size))
    sp = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [sp.vocab_size(), sp.decode([sp.encode(one) for one in texts]), model]


def nearest(m, patches, codes):
    return torch.as_tensor(m.codebook_encode(patches, codes)).to(torch.int64)


def straight(m, patches, codes, up):
    """The result of `quantize`, and what arrives at patches and at codes of the gradient `up`."""
    inputs = [x.clone().requires_grad_() for x in (patches, codes)]
    out = m.quantize(*inputs)
    if isinstance(out, (tuple, list)):
        out = next(x for x in out if x.is_floating_point())
    gradients = torch.autograd.grad((out * up).sum(), inputs, allow_unused=True)
    zeros = [torch.zeros_like(x) for x in inputs]
    return [out.detach(), *(z if g is None else g for z, g in zip(zeros, gradients))]


def tokens_of_image(m, image, codes, patch):
    ids, again = m.image_tokens(image, codes, patch)
    return [torch.as_tensor(ids).to(torch.int64), again]
