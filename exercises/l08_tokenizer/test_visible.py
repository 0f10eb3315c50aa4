"""What you may read: the basic case of every task. Arithmetic or a literal says what is right.

`student.run` runs a function of probes.py beside your code; oracles.py has what both suites expect.
Lists and tuples stand for each other, and so do numbers and 0-d tensors.
"""

import probes
import pytest
import torch
from oracles import BYTES, installed, tokens_of_numbers, tokens_or_counts, untrained

from autograder.suite import close, close_to_one, each, task

# Four merges by hand, with chunks and without; and one merge for functions that take a tokenizer.
MERGES = {(104, 101): 256, (32, 256): 257, (108, 108): 258, (257, 258): 259}
VOCAB = {**BYTES, 256: b"he", 257: b" he", 258: b"ll", 259: b" hell"}
LETTERS = r" ?\p{L}+| ?[^\s\p{L}]+|\s+"
CHUNKS = {"merges": MERGES, "vocab": VOCAB, "pattern": LETTERS, "text": ""}
BASIC = {**CHUNKS, "pattern": None}
ALL = r"[\s\S]+"  # a text is one chunk
LL = {"merges": {(108, 108): 256}, "vocab": {**BYTES, 256: b"ll"}, "pattern": ALL}
CHAT = {"<|im_start|>": 300, "<|im_end|>": 301}
FIM = {"<|fim_prefix|>": 302, "<|fim_middle|>": 303, "<|fim_suffix|>": 304}


def encoded(student, V, name, *texts):
    """The tokens of each text; a skip where nothing is merged."""
    steps = [[name, [text]] for text in (" hell", *texts)]
    known, *found = student.run(probes.drive, V, {}, steps)
    if known == list(b" hell"):
        pytest.skip(
            "nothing is merged: if your merges aren't in self.merges alone, hidden tests train"
        )
    return found


def ask(student, name, *args, V=LL):
    """What a function answers that takes a tokenizer."""
    installed("tiktoken")
    return student.run(probes.use, name, V, {**CHAT, **FIM}, *args)


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


@task("get_stats")
def test_pairs(student):
    """The pairs of [1, 2, 3, 1, 2]: (1, 2) twice, and the end isn't a neighbour of the start."""
    close(student.run(probes.stats, [[1, 2, 3, 1, 2]]), [{(1, 2): 2, (2, 3): 1, (3, 1): 1}])


@task("merge")
def test_the_lectures_example(student):
    """(6, 7) becomes 99 in [5, 6, 6, 7, 9, 1]; and [1, 1, 1] with (1, 1) is [99, 1]."""
    close(student.merge([5, 6, 6, 7, 9, 1], (6, 7), 99), [5, 6, 99, 9, 1])
    close(student.merge([1, 1, 1], (1, 1), 99), [99, 1])


@task("BasicTokenizer.train")
@each(text=("aaaaaaaaabab",))
def test_two_merges(student, text):
    """{text}: first aa becomes 256, then two of those 257; their bytes in the vocabulary."""
    vocab = {254: b"\xfe", 255: b"\xff", 256: b"aa", 257: b"aaaa"}
    answer = student.run(probes.last_tokens, None, text, 258)
    close(answer, [{(97, 97): 256, (256, 256): 257}, vocab])


@task("BasicTokenizer.decode")
def test_text_again(student):
    """Tokens to text; a letter's bytes may be two tokens; a byte that is no text is U+FFFD."""
    ids = [104, 195, 169, 259, 128]
    close(student.run(probes.drive, BASIC, {}, [["decode", [ids]]]), ["hé hell\ufffd"])


@task("BasicTokenizer.encode")
def test_merges_in_order(student):
    """ " hello" with four merges: he, then " he", ll, and " hell" is one token."""
    close(encoded(student, BASIC, "encode", " hello he"), [[259, 111, 257]])


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
    answer = student.run(probes.last_tokens, LETTERS, "ab ab ub eb", 257)
    close(answer, [{(97, 98): 256}, vocab])


@task("RegexTokenizer.encode_ordinary")
def test_chunk_by_chunk(student):
    """Each chunk by itself: "hell" and " hell" in a row, and "h!e" isn't merged."""
    answer = encoded(student, CHUNKS, "encode_ordinary", "he hell", "h!e")
    close(answer, [[256, 259], [104, 33, 101]])


@task("RegexTokenizer.register_special_tokens")
def test_special_tokens(student):
    """special_tokens is what was registered."""
    specials = {"<|endoftext|>": 300, "<|x|>": 301}
    close(student.run(probes.remembered, [specials]), [specials])


@task("RegexTokenizer.encode")
def test_special(student):
    """<|x|> is 300 where all are allowed, and text where none is."""
    steps = [["encode", ["!<|x|>", "all"]], ["encode", ["<|x|>", "none"]]]
    close(student.run(probes.drive, CHUNKS, {"<|x|>": 300}, steps), [[33, 300], list(b"<|x|>")])


@task("RegexTokenizer.decode")
def test_special_again(student):
    """A special token is written out."""
    steps = [["decode", [[104, 300, 257]]]]
    close(student.run(probes.drive, CHUNKS, {"<|x|>": 300}, steps), ["h<|x|> he"])


@task("save")
def test_a_file_is_written(student):
    """save("ours") writes the file ours.model."""
    close(student.run(probes.size_of_file, CHUNKS) > 0, True)


@task("load")
def test_what_was_saved(student):
    """Merges, the vocabulary and the special tokens come back."""
    merges, *rest = student.run(probes.loaded, CHUNKS, {"<|x|>": 300})
    close([dict(merges), *rest[:2]], [MERGES, VOCAB, {"<|x|>": 300}])


RANKS = {b"a": 0, b"b": 1, b"c": 2, b"d": 3, b"bc": 4, b"ab": 5, b"abc": 6, b"abcd": 7}


@task("bpe_parts")
def test_parts(student):
    """abcd by ranks below 6 is a, bc, d: bc goes first, and abc isn't allowed yet."""
    close(student.bpe_parts(RANKS, b"abcd", 6), [b"a", b"bc", b"d"])


@task("recover_merges")
def test_merges_of_ranks(student):
    """bc was b and c, ab was a and b, abc was a and bc, abcd was abc and d: as ids."""
    close(student.recover_merges(RANKS), {(1, 2): 4, (0, 1): 5, (0, 4): 6, (6, 3): 7})


@task("byte_shuffle")
def test_there_and_back(student):
    """With ids 255 - b for each byte b: the way there, and the way back."""
    turned = {i: 255 - i for i in range(256)}
    ranks = {bytes([i]): 255 - i for i in range(256)}
    close(student.run(probes.shuffle, ranks), [turned, turned])


@task("GPT4Tokenizer")
def test_shuffled_bytes(student):
    """Where the bytes' ids run from 255 down: "he hello", there and back."""
    installed("tiktoken")
    ranks = {bytes([255 - i]): i for i in range(256)} | {b"he": 256, b" he": 257, b"ll": 258}
    answer = student.run(probes.gpt4, ranks, ALL, {}, ["he hello"], [])
    close(answer, [[[256, 257, 258, 144]], ["he hello"]])


@task("chat_ids")
def test_hello(student):
    """One message: start, "user", a new line, "hi", end, a new line."""
    expected = [300, *b"user\nhi", 301, 10]
    close(ask(student, "chat_ids", [{"role": "user", "content": "hi"}]), expected)


@task("fim_ids")
def test_middle_last(student):
    """Prefix ab, middle c, suffix d: the middle is last."""
    expected = [302, 97, 98, 304, 100, 303, 99]
    close(ask(student, "fim_ids", "ab", "c", "d"), expected)


@task("vocab_cost")
def test_gpt2s_tables(student):
    """50,257 tokens of 768 numbers: 38,597,376 tied, twice that if not."""
    close(student.vocab_cost(50257, 768, True), 38597376)
    close(student.vocab_cost(50257, 768, False), 77194752)


@task("tokens_per_char")
def test_per_character(student):
    """héll is four characters and four tokens (h, two bytes, ll)."""
    close(ask(student, "tokens_per_char", "héll"), 1.0)


@task("compression")
def test_per_token(student):
    """héll is five bytes and four tokens."""
    close(ask(student, "compression", "héll"), 1.25)


@task("why_spelling")
def test_letters_per_token(student):
    """hello is four tokens: 1.25 letters each."""
    close(ask(student, "why_spelling", "hello"), 1.25)


@task("why_reverse")
def test_backwards(student):
    """hell is two tokens, he and ll; lleh is three: ll, e and h."""
    tokens_or_counts(ask(student, "why_reverse", "hell", V=CHUNKS), [256, 258], [258, 101, 104])
    tokens_or_counts(ask(student, "why_reverse", "lleh", V=CHUNKS), [258, 101, 104], [256, 258])


@task("why_arithmetic")
def test_numbers(student):
    """Digit by digit here: the tokens of each number (or their number, or what they say)."""
    answer = ask(student, "why_arithmetic", [127, 6])
    tokens_of_numbers(answer, [127, 6], [list(b"127"), list(b"6")], BYTES)


@task("why_languages")
def test_languages(student):
    """hello takes 4 tokens, 한 takes 3."""
    sentences = {"English": "hello", "한국어": "한"}
    answer = ask(student, "why_languages", sentences)
    close(answer, {"English": 4, "한국어": 3})


@task("why_python")
def test_indentation(student):
    """Four spaces are four tokens here."""
    close_to_one(ask(student, "why_python", "if:\n    ll"), 9, [*b"if:\n    ", 256])


@task("why_trailing_space")
def test_space(student):
    """Where a space is always a token of its own, " o" may follow: False."""
    expected = [[104, 105], [104, 105, 32], False]
    close(ask(student, "why_trailing_space", "hi"), expected)


@task("why_halts")
def test_special_in_a_text(student):
    """<|im_end|> is one token if specials are allowed, ten if not."""
    tokens_or_counts(ask(student, "why_halts", "<|im_end|>"), [301], list(b"<|im_end|>"))


@task("why_yaml")
def test_two_ways(student):
    """{"a": 1} takes 8 tokens, a: 1 takes 4."""
    answer = ask(student, "why_yaml", '{"a": 1}', "a: 1")
    tokens_or_counts(answer, list(b'{"a": 1}'), list(b"a: 1"))


@task("untrained_tokens")
def test_never_seen(student):
    """A corpus of hell: all but h, e and ll are never seen; not even l."""
    never = [i for i in range(256) if i not in b"he"]
    untrained(ask(student, "untrained_tokens", "hell"), never, LL["vocab"])


@task("grow")
def test_after_the_last(student):
    """After 300 come 301 and 302; 300 stays."""
    answer = student.run(probes.specials_after_growing, {"<|x|>": 300}, ["<|y|>", "<|z|>"])
    close(answer, {"<|x|>": 300, "<|y|>": 301, "<|z|>": 302})


@task("unstable")
def test_what_may_come(student):
    """a hel: "a" is stable; " hel" may stay " he", "l", or become " hell", the one token."""
    close(ask(student, "unstable", "a hel", V=CHUNKS), [[97], [[257, 108], [259]]])


@task("train_sentencepiece")
def test_pieces(student):
    """290 pieces; two spaces, a ligature and an unknown letter come back as they were."""
    installed("sentencepiece")
    text = "the shop sells shells\nshe sells the shop\nthe shells in the shop\n" * 9
    answer = student.run(probes.sentencepieces, text, 290, ["shop  ﬁ 한"])
    close(answer[:2], [290, ["shop  ﬁ 한"]])


def tensor(*rows, device):
    return torch.tensor(rows, dtype=torch.float64).to(device)


@task("codebook_encode")
def test_nearest(student, device):
    """(1, 1) is nearer to (0, 0) than to (9, 9), although its product with that is larger."""
    codes = tensor([9, 9], [0, 0], device=device)
    expected = torch.tensor([1, 0], device=device)
    close(student.run(probes.nearest, tensor([1, 1], [8, 7], device=device), codes), expected)


@task("codebook_decode")
def test_rows(student, device):
    """Ids 1, 0, 1 are the second, the first and the second row."""
    codes = tensor([1, 2, 3], [4, 5, 6], device=device)
    expected = tensor([4, 5, 6], [1, 2, 3], [4, 5, 6], device=device)
    close(student.codebook_decode(torch.tensor([1, 0, 1], device=device), codes), expected)


@task("quantize")
def test_through(student, device):
    """The result is the nearest codes, and a gradient of 3 arrives as 3."""
    patches, codes = tensor([1, 1], [8, 7], device=device), tensor([9, 9], [0, 0], device=device)
    threes = tensor([3, 3], [3, 3], device=device)
    answer = student.run(probes.straight, patches, codes, threes)
    close(answer[:2], [tensor([0, 0], [9, 9], device=device), threes])


@task("image_tokens")
def test_a_small_image(student, device):
    """2 x 4 pixels in patches of 2: two tokens, and the image again."""
    image = tensor([1, 2, 5, 6], [3, 4, 7, 8], device=device)[..., None]
    codes = tensor([5, 6, 7, 8], [0, 0, 0, 0], [1, 2, 3, 4], device=device)
    ids = torch.tensor([[2, 0]], device=device)
    close(student.run(probes.tokens_of_image, image, codes, 2), [ids, image])
