"""What you may read: the basic case of every task. Arithmetic or a literal says what is right.

A probe is a function that runs beside your code: `m` is your tokenizer.py. Only its result, plain
data, comes back here. Lists and tuples stand for each other, and so do numbers and 0-d tensors.
"""

import pytest
import torch

from autograder.suite import close, task

# A small vocabulary: four merges by hand.
MERGES = {(104, 101): 256, (32, 256): 257, (108, 108): 258, (257, 258): 259}
VOCAB = {i: bytes([i]) for i in range(256)}
VOCAB |= {256: b"he", 257: b" he", 258: b"ll", 259: b" hell"}
LETTERS = r" ?\p{L}+| ?[^\s\p{L}]+|\s+"


def made(m, kind, specials, name, args):
    """A tokenizer that has these merges does something."""
    merges = {(104, 101): 256, (32, 256): 257, (108, 108): 258, (257, 258): 259}
    t = m.BasicTokenizer() if kind == "basic" else m.RegexTokenizer(r" ?\p{L}+| ?[^\s\p{L}]+|\s+")
    t.merges = merges
    t.vocab = {i: bytes([i]) for i in range(256)}
    t.vocab |= {256: b"he", 257: b" he", 258: b"ll", 259: b" hell"}
    if not specials and name != "decode":
        encode = t.encode if kind == "basic" else t.encode_ordinary
        if list(encode(" hell")) == [32, 104, 101, 108, 108]:
            return "elsewhere"
    if specials:
        t.register_special_tokens(dict(specials))
    answer = getattr(t, name)(*args)
    return answer if isinstance(answer, str) else list(answer)


def same(answer, expected):
    if answer == "elsewhere":
        pytest.skip(
            "nothing is merged: if your merges aren't in self.merges alone, hidden tests train"
        )
    close(answer, expected)


@task("utf8_bytes")
def test_bytes(student):
    """Two bytes for é, three for 한, four for 👋."""
    expected = [104, 195, 169, 237, 149, 156, 240, 159, 145, 139]
    close(student.utf8_bytes("hé한👋"), expected)


@task("encoded_lengths")
def test_lengths(student):
    """The lengths of "hé👋": three code points, and bytes without a mark at the start."""
    expected = {"code points": 3, "utf-8": 7, "utf-16": 8, "utf-32": 12}
    close(student.encoded_lengths("hé👋"), expected)


def counted(m, ids):
    return dict(m.get_stats(ids))


@task("get_stats")
def test_pairs(student):
    """The pairs of [1, 2, 3, 1, 2]: (1, 2) twice, and the end isn't a neighbour of the start."""
    close(student.run(counted, [1, 2, 3, 1, 2]), {(1, 2): 2, (2, 3): 1, (3, 1): 1})


@task("merge")
def test_the_lectures_example(student):
    """(6, 7) becomes 99 in [5, 6, 6, 7, 9, 1]; and [1, 1, 1] with (1, 1) is [99, 1]."""
    close(student.merge([5, 6, 6, 7, 9, 1], (6, 7), 99), [5, 6, 99, 9, 1])
    close(student.merge([1, 1, 1], (1, 1), 99), [99, 1])


def trained(m, kind, text, size):
    t = m.BasicTokenizer() if kind == "basic" else m.RegexTokenizer(r" ?\p{L}+| ?[^\s\p{L}]+|\s+")
    t.train(text, size)
    return [dict(t.merges), {i: t.vocab[i] for i in range(254, size)}]


@task("BasicTokenizer.train")
def test_two_merges(student):
    """aaaaabab: first aa becomes 256, then two of those 257; their bytes in the vocabulary."""
    vocab = {254: b"\xfe", 255: b"\xff", 256: b"aa", 257: b"aaaa"}
    expected = [{(97, 97): 256, (256, 256): 257}, vocab]
    close(student.run(trained, "basic", "aaaaaaaaabab", 258), expected)


@task("BasicTokenizer.decode")
def test_text_again(student):
    """Tokens to text; a letter's bytes may be two tokens; a byte that is no text is U+FFFD."""
    ids = [104, 195, 169, 259, 128]
    close(student.run(made, "basic", None, "decode", [ids]), "hé hell\ufffd")


@task("BasicTokenizer.encode")
def test_merges_in_order(student):
    """ " hello" with four merges: he, then " he", ll, and " hell" is one token."""
    same(student.run(made, "basic", None, "encode", [" hello he"]), [259, 111, 257])


@task("split_gpt2")
def test_gpt2(student):
    """The example of the lecture: Hello've world123 how's are you!!!?"""
    expected = ["Hello", "'ve", " world", "123", " how", "'s", " are", " you", "!!!?"]
    close(student.split_gpt2("Hello've world123 how's are you!!!?"), expected)
    close(student.split_gpt2("a   b  "), ["a", "  ", " b", "  "])


@task("split_gpt4")
def test_gpt4(student):
    """'VE in capitals, three digits at most, a sign before letters, newlines by themselves."""
    close(student.split_gpt4("HELLO'VE 12345"), ["HELLO", "'VE", " ", "123", "45"])
    close(student.split_gpt4("IT'SO"), ["IT", "'S", "O"])
    close(student.split_gpt4("(x)\n\n  y"), ["(x", ")\n\n", " ", " y"])


@task("RegexTokenizer.train")
def test_within_chunks(student):
    """ab ab ub eb: ab is merged; b and a space come together more often, but across chunks."""
    vocab = {254: b"\xfe", 255: b"\xff", 256: b"ab"}
    close(student.run(trained, "regex", "ab ab ub eb", 257), [{(97, 98): 256}, vocab])


@task("RegexTokenizer.encode_ordinary")
def test_chunk_by_chunk(student):
    """Each chunk by itself: "hell" and " hell" in a row, and "h!e" isn't merged."""
    same(student.run(made, "regex", None, "encode_ordinary", ["he hell"]), [256, 259])
    same(student.run(made, "regex", None, "encode_ordinary", ["h!e"]), [104, 33, 101])


def remembered(m, specials):
    t = m.RegexTokenizer()
    t.register_special_tokens(dict(specials))
    return dict(t.special_tokens)


@task("RegexTokenizer.register_special_tokens")
def test_special_tokens(student):
    """special_tokens is what was registered."""
    specials = {"<|endoftext|>": 300, "<|x|>": 301}
    close(student.run(remembered, specials), specials)


@task("RegexTokenizer.encode")
def test_special(student):
    """<|x|> is 300 where all are allowed, and text where none is."""
    special = {"<|x|>": 300}
    close(student.run(made, "regex", special, "encode", ["!<|x|>", "all"]), [33, 300])
    expected = [60, 124, 120, 124, 62]
    close(student.run(made, "regex", special, "encode", ["<|x|>", "none"]), expected)


@task("RegexTokenizer.decode")
def test_special_again(student):
    """A special token is written out."""
    special = {"<|x|>": 300}
    close(student.run(made, "regex", special, "decode", [[104, 300, 257]]), "h<|x|> he")


def saved(m, merges):
    import os
    import tempfile

    t = m.RegexTokenizer()
    t.merges = dict(merges)
    with tempfile.TemporaryDirectory() as folder:
        t.save(f"{folder}/ours")
        return os.path.getsize(f"{folder}/ours.model") > 0


@task("save")
def test_a_file_is_written(student):
    """save("ours") writes the file ours.model."""
    close(student.run(saved, MERGES), True)


def loaded(m, merges):
    import tempfile

    t = m.RegexTokenizer()
    t.merges = dict(merges)
    t.register_special_tokens({"<|x|>": 300})
    again = m.RegexTokenizer()
    with tempfile.TemporaryDirectory() as folder:
        t.save(f"{folder}/ours")
        again.load(f"{folder}/ours.model")
    return [dict(again.merges), {i: again.vocab[i] for i in range(256, 260)}, again.special_tokens]


@task("load")
def test_what_was_saved(student):
    """Merges, the vocabulary and the special tokens come back."""
    vocab = {i: VOCAB[i] for i in range(256, 260)}
    close(student.run(loaded, MERGES), [MERGES, vocab, {"<|x|>": 300}])


RANKS = {b"a": 0, b"b": 1, b"c": 2, b"d": 3, b"bc": 4, b"ab": 5, b"abc": 6, b"abcd": 7}


@task("bpe_parts")
def test_parts(student):
    """abcd by ranks below 6 is a, bc, d: bc goes first, and abc isn't allowed yet."""
    close(student.bpe_parts(RANKS, b"abcd", 6), [b"a", b"bc", b"d"])


@task("recover_merges")
def test_merges_of_ranks(student):
    """bc was b and c, ab was a and b, abc was a and bc, abcd was abc and d: as ids."""
    close(student.recover_merges(RANKS), {(1, 2): 4, (0, 1): 5, (0, 4): 6, (6, 3): 7})


def shuffle(m, ranks):
    return [dict(enumerate(x)) if type(x) in (list, tuple) else x for x in m.byte_shuffle(ranks)]


@task("byte_shuffle")
def test_there_and_back(student):
    """With ids 255 - b for each byte b: the way there, and the way back."""
    turned = {i: 255 - i for i in range(256)}
    ranks = {bytes([i]): 255 - i for i in range(256)}
    close(student.run(shuffle, ranks), [turned, turned])


def gpt4(m, text):
    import tiktoken
    from tiktoken import registry

    ranks = {bytes([255 - i]): i for i in range(256)} | {b"he": 256, b" he": 257, b"ll": 258}
    registry.ENCODINGS["cl100k_base"] = tiktoken.Encoding(
        "cl100k_base", pat_str=r"[\s\S]", mergeable_ranks=ranks, special_tokens={}
    )
    t = m.GPT4Tokenizer()
    return [list(t.encode(text)), t.decode([257, 258, 255 - 111])]


@task("GPT4Tokenizer")
def test_shuffled_bytes(student):
    """Where the bytes' ids run from 255 down: "he hello", there and back."""
    pytest.importorskip("tiktoken", reason="pip install 'autograder[text]'")
    close(student.run(gpt4, "he hello"), [[256, 257, 258, 144], " hello"])


def simple(m, name, args, place):
    """Call a function with a tokenizer whose tokens are bytes (of "ll" one token: 256)."""

    class Tok:
        special_tokens = {"<|im_start|>": 300, "<|im_end|>": 301, "<|fim_prefix|>": 302}
        special_tokens |= {"<|fim_middle|>": 303, "<|fim_suffix|>": 304}
        merges = {(108, 108): 256}
        vocab = {**{i: bytes([i]) for i in range(256)}, 256: b"ll"}

        def encode(self, text, allowed_special="none_raise"):
            ids = []
            while text:
                found = [s for s in self.special_tokens if text.startswith(s)]
                if found and (allowed_special == "all" or found[0] in allowed_special):
                    ids.append(self.special_tokens[found[0]])
                    text = text[len(found[0]) :]
                elif text.startswith("ll"):
                    ids.append(256)
                    text = text[2:]
                else:
                    ids += text[0].encode()
                    text = text[1:]
            return ids

        def encode_ordinary(self, text):
            return self.encode(text, "none")

        __call__ = encode

    answer = getattr(m, name)(*args[:place], Tok(), *args[place:])
    return sorted(answer) if isinstance(answer, set) else answer


@task("chat_ids")
def test_hello(student):
    """One message: start, "user", a new line, "hi", end, a new line."""
    expected = [300, *b"user\nhi", 301, 10]
    close(student.run(simple, "chat_ids", [[{"role": "user", "content": "hi"}]], 1), expected)


@task("fim_ids")
def test_middle_last(student):
    """Prefix ab, middle c, suffix d: the middle is last."""
    expected = [302, 97, 98, 304, 100, 303, 99]
    close(student.run(simple, "fim_ids", ["ab", "c", "d"], 3), expected)


@task("vocab_cost")
def test_gpt2s_tables(student):
    """50,257 tokens of 768 numbers: 38,597,376 tied, twice that if not."""
    close(student.vocab_cost(50257, 768, True), 38597376)
    close(student.vocab_cost(50257, 768, False), 77194752)


@task("tokens_per_char")
def test_per_character(student):
    """héll is four characters and four tokens (h, two bytes, ll)."""
    close(student.run(simple, "tokens_per_char", ["héll"], 0), 1.0)


@task("compression")
def test_per_token(student):
    """héll is five bytes and four tokens."""
    close(student.run(simple, "compression", ["héll"], 0), 1.25)


def lengths(answer):
    """Numbers of tokens, where the tokens themselves may stand as well."""
    if type(answer) is dict:
        answer = list(answer.values())
    if type(answer) not in (list, tuple):
        return answer
    return [len(part) if type(part) in (list, tuple) else part for part in answer]


@task("why_spelling")
def test_letters_per_token(student):
    """hello is four tokens: 1.25 letters each."""
    close(student.run(simple, "why_spelling", ["hello"], 0), 1.25)


@task("why_reverse")
def test_backwards(student):
    """allo and olla have a token of two letters, alol has none."""
    close(lengths(student.run(simple, "why_reverse", ["llall"], 0)), [3, 3])
    close(lengths(student.run(simple, "why_reverse", ["abc"], 0)), [3, 3])


@task("why_arithmetic")
def test_numbers(student):
    """Digit by digit here: the tokens of each number (or their number, or what they say)."""
    answer = student.run(simple, "why_arithmetic", [[127, 6]], 0)
    close(len(answer), 2)


@task("why_languages")
def test_languages(student):
    """hello takes 4 tokens, 한 takes 3."""
    sentences = {"English": "hello", "한국어": "한"}
    answer = student.run(simple, "why_languages", [sentences], 0)
    close(answer, {"English": 4, "한국어": 3})


@task("why_python")
def test_indentation(student):
    """Four spaces are four tokens here."""
    close(lengths([student.run(simple, "why_python", ["if:\n    ll"], 0)]), [9])


@task("why_trailing_space")
def test_space(student):
    """Where a space is always a token of its own, " o" may follow: False."""
    expected = [[104, 105], [104, 105, 32], False]
    close(student.run(simple, "why_trailing_space", ["hi"], 0), expected)


@task("why_halts")
def test_special_in_a_text(student):
    """<|im_end|> is one token if specials are allowed, ten if not."""
    close(lengths(student.run(simple, "why_halts", ["<|im_end|>"], 0)), [1, 10])


@task("why_yaml")
def test_two_ways(student):
    """{"a": 1} takes 8 tokens, a: 1 takes 4."""
    close(lengths(student.run(simple, "why_yaml", ['{"a": 1}', "a: 1"], 0)), [8, 4])


@task("untrained_tokens")
def test_never_seen(student):
    """A corpus of hell: all but h, e and ll are never seen; not even l."""
    answer = student.run(simple, "untrained_tokens", ["hell"], 0)
    close(len(answer), 254)


def grown(m):
    t = m.RegexTokenizer()
    t.register_special_tokens({"<|x|>": 300})
    m.grow(t, ["<|y|>", "<|z|>"])
    return dict(t.special_tokens)


@task("grow")
def test_after_the_last(student):
    """After 300 come 301 and 302; 300 stays."""
    close(student.run(grown), {"<|x|>": 300, "<|y|>": 301, "<|z|>": 302})


def completions(m, text):
    import regex

    class Tok:
        pattern = r" ?\p{L}+| ?[^\s\p{L}]+|\s+"
        compiled_pattern = regex.compile(pattern)
        merges = {(104, 101): 256, (32, 256): 257, (108, 108): 258, (257, 258): 259}
        vocab = {**{i: bytes([i]) for i in range(256)}, 256: b"he", 257: b" he", 258: b"ll"}
        vocab |= {259: b" hell"}
        special_tokens = {}

        def chunks(self, text):
            return self.compiled_pattern.findall(text)

        def _encode_chunk(self, data):
            ids = list(data)
            for (left, right), idx in self.merges.items():
                while (left, right) in zip(ids, ids[1:]):  # noqa: RUF007
                    i = list(zip(ids, ids[1:])).index((left, right))  # noqa: RUF007
                    ids[i : i + 2] = [idx]
            return ids

        def encode_ordinary(self, text):
            return [i for chunk in self.chunks(text) for i in self._encode_chunk(chunk.encode())]

        encode = encode_ordinary

        def decode(self, ids):
            return b"".join(self.vocab[i] for i in ids).decode("utf-8", "replace")

    stable, rest = m.unstable(Tok(), text)
    return [list(stable), sorted({tuple(one) for one in rest})]


@task("unstable")
def test_what_may_come(student):
    """a hel: "a" is stable; " hel" may stay " he", "l", or become " hell", the one token."""
    answer = student.run(completions, "a hel")
    close(answer, [[97], [[257, 108], [259]]])


def pieces(m, text, size):
    import sentencepiece

    model = m.train_sentencepiece(text, size)
    sp = sentencepiece.SentencePieceProcessor(model_proto=bytes(model))
    return [sp.vocab_size(), sp.decode(sp.encode("shop  ﬁ 한"))]


@task("train_sentencepiece")
def test_pieces(student):
    """290 pieces; two spaces, a ligature and an unknown letter come back as they were."""
    pytest.importorskip("sentencepiece", reason="pip install 'autograder[text]'")
    text = "the shop sells shells\nshe sells the shop\nthe shells in the shop\n" * 9
    close(student.run(pieces, text, 290), [290, "shop  ﬁ 한"])


def nearest(m, patches, codes):
    import torch

    return torch.as_tensor(m.codebook_encode(patches, codes)).to(torch.int64)


def tensor(*rows, device):
    return torch.tensor(rows, dtype=torch.float64).to(device)


@task("codebook_encode")
def test_nearest(student, device):
    """(1, 1) is nearer to (0, 0) than to (9, 9), although its product with that is larger."""
    codes = tensor([9, 9], [0, 0], device=device)
    expected = torch.tensor([1, 0], device=device)
    close(student.run(nearest, tensor([1, 1], [8, 7], device=device), codes), expected)


@task("codebook_decode")
def test_rows(student, device):
    """Ids 1, 0, 1 are the second, the first and the second row."""
    codes = tensor([1, 2, 3], [4, 5, 6], device=device)
    expected = tensor([4, 5, 6], [1, 2, 3], [4, 5, 6], device=device)
    close(student.codebook_decode(torch.tensor([1, 0, 1], device=device), codes), expected)


def straight(m, patches, codes):
    import torch

    patches.requires_grad_()
    out = m.quantize(patches, codes)
    out = out[0] if isinstance(out, tuple) else out
    return [out.detach(), *torch.autograd.grad((3 * out).sum(), [patches])]


@task("quantize")
def test_through(student, device):
    """The result is the nearest codes, and a gradient of 3 arrives as 3."""
    patches, codes = tensor([1, 1], [8, 7], device=device), tensor([9, 9], [0, 0], device=device)
    expected = [tensor([0, 0], [9, 9], device=device), tensor([3, 3], [3, 3], device=device)]
    close(student.run(straight, patches, codes), expected)


@task("image_tokens")
def test_a_small_image(student, device):
    """2 x 4 pixels in patches of 2: two tokens, and the image again."""
    image = tensor([1, 2, 5, 6], [3, 4, 7, 8], device=device)[..., None]
    codes = tensor([5, 6, 7, 8], [0, 0, 0, 0], [1, 2, 3, 4], device=device)
    ids, again = student.image_tokens(image, codes, 2)
    close([torch.as_tensor(ids).tolist(), again], [[[2, 0]], image])
