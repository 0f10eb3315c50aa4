"""What decides: every promise about tokens, against tiktoken, `regex` and plain counting.

The vocabulary that ships (data/shakespeare_1024) is driven through the real tiktoken.Encoding, so
nothing of this needs the internet. Where GPT-4's vocabulary lies in data/tiktoken (`autograder
data`), the first thousands of its own tokens are asked, too.
"""

import base64
import functools
import hashlib
import os
import tempfile
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import probes
import pytest
import torch
from oracles import BYTES, installed, tokens_of_numbers, tokens_or_counts, untrained

from autograder.suite import close, close_to_one, task

DATA = Path(__file__).resolve().parents[2] / "data"
GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
GPT4 = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# tiktoken's own today: at a text's end it leaves "\n  " whole, and makes the same tokens of it
NEW4 = GPT4.replace(r"|\s*[\r\n]+", r"|\s++$|\s*[\r\n]+")
ALL = r"[\s\S]+"  # a text is one chunk
DOUBLE = torch.float64

# Two texts whose first 12 merges know no tie, the first without chunks, the second with GPT-4's.
PLAIN = (
    "ü he hop the op tho op the th ü the he op th the hel op he 12 he he 12 hop hel op th the"
    " op hop hop ü th op he ü ü hop hop eth hop 121 th 121 ü ü ü th he ü th he th ope 12 121 "
    "12 th he hop the hop he he ü th hel the the hop op op the he the op op the ü tho op op "
    "the the eth he tho he the hel th ü th"
)
PLAIN_PAIRS = [(104, 101), (32, 116), (111, 112), (256, 32), (257, 104), (258, 32)]
PLAIN_PAIRS += [(195, 188), (257, 259), (260, 32), (104, 261), (49, 50), (262, 32)]
CHUNKED = (
    "the 12 ü 12 hel the ope op hel 121 the hel he the ope eth tho he ü eth he 12 hel 121 121"
    " he 12 ü 121 hop 121 the tho th hop th 121 he th hop ope ü hel op 12 ope 121 hel th hel "
    "he hel he ope ü he hel the the hop 12 hop ope 12 hel hop op hel 121 121 eth hel tho 12 "
    "hop th 121 tho hop ope he tho tho hel th 121 ope ope tho he tho ü th the ope eth he op "
    "ope 121 tho hel hop the ope th he the ope he 121 ope 12 ope 12 tho th 12 he th th the th"
    " eth ope the"
)
CHUNKED_PAIRS = [(104, 101), (32, 116), (111, 112), (32, 256), (49, 50), (257, 104)]
CHUNKED_PAIRS += [(32, 258), (262, 101), (259, 108), (260, 49), (257, 256), (261, 111)]
CHAT = {"<|im_start|>": 300, "<|im_end|>": 301}
FIM = {"<|fim_prefix|>": 310, "<|fim_suffix|>": 312, "<|fim_middle|>": 311}


def joined(pairs):
    """The bytes of each token that these merges make, and of the single bytes."""
    vocab = dict(BYTES)
    for idx, (left, right) in enumerate(pairs, 256):
        vocab[idx] = vocab[left] + vocab[right]
    return vocab


def vocabulary(pairs, pattern, text="", sample=" hell"):
    """All that a probe needs to make a tokenizer of these merges."""
    merges = {pair: 256 + i for i, pair in enumerate(pairs)}
    made = {"merges": merges, "vocab": joined(pairs), "pattern": pattern, "text": text}
    return made | {"size": 256 + len(pairs), "sample": sample, "ids": encoded(merges, sample)}


def encoded(merges, chunk):
    """A chunk's tokens, merged in the order of training."""
    ids = list(chunk.encode())
    for pair, idx in merges.items():
        ids = merged(ids, pair, idx)
    return ids


def merged(ids, pair, idx):
    out = []
    for one in ids:
        if out and (out[-1], one) == pair:
            out[-1:] = [idx, None]  # what was merged just now isn't merged again
        else:
            out.append(one)
    return [one for one in out if one is not None]


BASIC = vocabulary(PLAIN_PAIRS, None, PLAIN, " the shop 127 hello")
CHUNKS = vocabulary(CHUNKED_PAIRS, GPT4, CHUNKED)


def tiktoken_of(ranks, pattern, specials=()):
    """The real thing, with these tokens: {bytes: id} or {id: bytes}."""
    if isinstance(next(iter(ranks)), int):
        ranks = {token: idx for idx, token in ranks.items()}
    given = {"mergeable_ranks": ranks, "special_tokens": dict(specials)}
    return installed("tiktoken").Encoding("ours", pat_str=pattern, **given)


def ranks_in(data, most=None):
    """{bytes: rank} of a file of tiktoken's."""
    lines = data.splitlines()[:most]
    return {base64.b64decode(line.split()[0]): int(line.split()[1]) for line in lines}


@functools.cache
def shipped():
    """{bytes: rank} of the vocabulary that ships."""
    return ranks_in((DATA / "shakespeare_1024.tiktoken").read_bytes())


@functools.cache
def shipped_vocabulary(most=None):
    """The same with its merges, which are in the .model file in the order of training."""
    lines = (DATA / "shakespeare_1024.model").read_text(encoding="utf-8").split("\n")[3:-1]
    pairs = [(int(left), int(right)) for left, right in map(str.split, lines[:most])]
    return vocabulary(pairs, GPT4)


@functools.cache
def cl100k():
    """The first ranks of GPT-4's own vocabulary, where that file is."""
    name = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
    folders = [os.environ.get("TIKTOKEN_CACHE_DIR", ""), DATA / "tiktoken"]
    for folder in [*folders, Path(tempfile.gettempdir()) / "data-gym-cache"]:
        file = Path(folder) / name
        if file.is_file():
            data = file.read_bytes()
            if hashlib.sha256(data).hexdigest().startswith("223921b7"):
                return ranks_in(data, 3000)
    pytest.skip(f"there is no data/tiktoken/{name}: `autograder data` fetches it")


def first(n, ranks):
    return dict(islice(ranks.items(), n))


def number(rng, n):
    return int(rng.integers(0, n, 1))


def mixed(rng, vocab, n):
    """A text of n tokens in any order, merged ones and their letters: merges compete."""
    known = [vocab[i].decode() for i in vocab if i >= 256 and vocab[i].isascii()]
    known += sorted(set("".join(known))) * (1 + len(known) // 30)
    return "".join(known[number(rng, len(known))] for _ in range(n))


# ------------------------------------------------------------------------------------- bytes

ODD = ["", "A", "é", "안녕하세요 👋", "e\u0301 👩\u200d👧", "\x00\n\t"]


@task("utf8_bytes")
def test_bytes_of_texts(student, rng):
    """Accents, Hangul, emoji, combining marks: the bytes of UTF-8, not the code points."""
    texts = [*ODD, *(chr(0x80 + number(rng, 0x4000)) * 2 for _ in range(3))]
    close(student.run(probes.answers, "utf8_bytes", texts), [list(text.encode()) for text in texts])


@task("encoded_lengths")
def test_lengths(student, rng):
    """Code points, and the bytes of three encodings without their marks; 0 for no text."""
    texts = [*ODD, chr(0x400 + number(rng, 0x100)) * (2 + number(rng, 5))]
    expected = [{"code points": len(text), "utf-8": len(text.encode())} for text in texts]
    for text, lengths in zip(texts, expected):
        lengths["utf-16"] = len(text.encode("utf-16-be"))
        lengths["utf-32"] = len(text.encode("utf-32-be"))
    close(student.run(probes.answers, "encoded_lengths", texts), expected)


# ------------------------------------------------------------------------------ pairs and merges


@task("get_stats")
def test_counts_of_pairs(student, rng):
    """Neighbours are counted, also overlapping ones, and the end isn't a neighbour of the start."""
    lists = [[], [7], [1, 1, 1], [3, 4], rng.integers(0, 4, 37).tolist()]
    close(student.run(probes.stats, lists), [dict(Counter(pairwise(ids))) for ids in lists])


@task("get_stats")
def test_counts_are_added_to(student, rng):
    """Given counts are added to, in place and in the result."""
    lists = [rng.integers(0, 3, n).tolist() for n in (9, 14)]
    check_added(student, lists, {(0, 1): 5, (300, 2): 1})


@task("get_stats")
def test_counts_are_added_to_nothing(student, rng):
    """An empty dict of counts is added to as well, in place."""
    check_added(student, [rng.integers(0, 3, n).tolist() for n in (11, 6)], {})


def check_added(student, lists, start):
    alone = [Counter(pairwise(ids)) for ids in lists]
    sums = [Counter(start) + alone[0], Counter(start) + alone[0] + alone[1]]
    expected = [*alone, *sums, sums[1]]
    close(student.run(probes.stats, lists, start), [dict(counts) for counts in expected])


@task("merge")
def test_from_the_left(student):
    """[1, 1, 1] with (1, 1) is [x, 1]: from the left, and nothing is used twice."""
    ones = [([1] * n, (1, 1), 99) for n in range(8)]
    expected = [[99] * (n // 2) + [1] * (n % 2) for n in range(8)]
    close(student.run(probes.merges, ones), expected)


@task("merge")
def test_merging_anywhere(student, rng):
    """At the start, in the middle, at the end, nowhere; (a, b) isn't (b, a)."""
    cases = [([5, 6, 6, 7, 9, 1], (6, 7), 99), ([6, 7], (6, 7), 256), ([7, 6, 7], (6, 7), 8)]
    cases += [([1, 11, 112, 1, 2], (1, 1), 9), ([6], (6, 7), 9), ([6, 7, 6], (6, 7), 6)]
    cases += [([], (1, 2), 3), ([12, 1, 2, 1, 2], (1, 2), 256), ([1, 2, 12, 3, 1, 23], (12, 3), 7)]
    for _ in range(3):
        cases.append((rng.integers(0, 3, 41).tolist(), (0, 1), 1))
        cases.append((rng.integers(0, 3, 40).tolist(), (2, 2), 2))
    close(student.run(probes.merges, cases), [merged(*case) for case in cases])


# -------------------------------------------------------------------------------------- training


def check_training(answer, chunks, size):
    """Ids in a row, each merge one of the most frequent, a vocabulary that fits."""
    merges, vocab = answer
    pairs = sorted(merges, key=merges.get)
    close([merges[pair] for pair in pairs], list(range(256, size)))
    chosen, most = [], []  # how often each pair occurred, and how often the best one did
    for idx, pair in enumerate(pairs, 256):
        counts = Counter(p for ids in chunks for p in pairwise(ids))
        chosen.append(counts[pair])
        most.append(max(counts.values(), default=0))
        chunks = [merged(ids, pair, idx) for ids in chunks]
    close(chosen, most)
    close(vocab, joined(pairs))


def check_exhausted(answer, chunks):
    """An error, or as many merges as there were."""
    if answer != "error":
        close(len(answer[0]) <= 3, True)
        check_training(answer, chunks, 256 + len(answer[0]))


WORDS = ["the", "there", "then", "hello", "shop's", "12", "1275"]
WORDS += ["naïve", "한국", "o", "\n", "xxxx"]


def babble(rng, words, n):
    """n words in a row, the first ones more often."""
    some = [number(rng, len(words)) * number(rng, len(words)) // len(words) for _ in range(n)]
    return " ".join(words[i] for i in some)


@task("BasicTokenizer.train")
def test_the_example_of_the_lecture(student):
    """aaabdaaabac with three merges: aaab is one token in the end, whichever tie was taken."""
    answer = student.run(probes.trained, None, "aaabdaaabac", 259)
    check_training(answer, [list(b"aaabdaaabac")], 259)
    close(answer[1][258], b"aaab")


@task("BasicTokenizer.train")
def test_merges_without_ties(student):
    """Where each time one pair is the most frequent, the merges are these."""
    close(student.run(probes.trained, None, PLAIN, 268), [BASIC["merges"], BASIC["vocab"]])


@task("BasicTokenizer.train")
def test_training_on_any_text(student, rng):
    """Each merge takes a pair that is most frequent then; ids in a row; bytes joined in order."""
    text = babble(rng, WORDS, 120)
    check_training(student.run(probes.trained, None, text, 271), [list(text.encode())], 271)


@task("BasicTokenizer.train")
def test_no_merges(student):
    """vocab_size 256 trains nothing: no merges, 256 bytes."""
    close(student.run(probes.trained, None, "hello hello", 256), [{}, BYTES])


@task("BasicTokenizer.train")
def test_no_pair_is_left(student):
    """More merges than there are pairs: it stops, or says so with an error; nothing is made up."""
    check_exhausted(student.run(probes.trained_or_error, None, "abcd", 262), [list(b"abcd")])
    check_exhausted(student.run(probes.trained_or_error, None, "", 257), [[]])


# ------------------------------------------------------- tokenizers with a vocabulary handed in


def steps_of(name, inputs, *rest):
    return [[name, [one, *rest]] for one in inputs]


def check(student, V, name, inputs, expected, specials=None, *rest):
    """Each input's answer by a tokenizer with these merges; `rest` follows the input."""
    close(student.run(probes.drive, V, specials, steps_of(name, inputs, *rest)), expected)


def text_of(ids, vocab):
    return b"".join(vocab[idx] for idx in ids).decode("utf-8", "replace")


@task("BasicTokenizer.decode")
def test_decoding(student, rng):
    """The bytes of all tokens are joined first, then read: letters may lie across tokens."""
    ids = [list("é👋한".encode()), [256, 111, 263, 265], [195, 188], [], [240, 159, 145, 139]]
    ids += [rng.integers(256, 268, 9).tolist()]
    check(student, BASIC, "decode", ids, [text_of(row, BASIC["vocab"]) for row in ids])


@task("BasicTokenizer.decode")
def test_bytes_that_are_no_text(student):
    """[128] is U+FFFD, and what stands around it is left alone."""
    ids = [[128], [104, 128, 105], [195], [240, 159, 256]]
    check(student, BASIC, "decode", ids, [text_of(row, BASIC["vocab"]) for row in ids])


@task("BasicTokenizer.decode")
def test_an_id_that_is_none(student):
    """An id that isn't in the vocabulary is an error."""
    steps = [["decode", [[104]]], ["decode", [[104, 270]], "may fail"]]
    close(student.run(probes.drive, BASIC, None, steps), ["h", "error"])


@task("BasicTokenizer.encode")
def test_encoding_is_tiktokens(student, rng):
    """Token for token what tiktoken makes of the same merges: the lowest merge goes first."""
    enc = tiktoken_of(BASIC["vocab"], ALL)
    texts = ["", "t", "he", " the", "then the shop hell", PLAIN, "üü 한국 👋", " t t"]
    texts += [mixed(rng, BASIC["vocab"], 5 + 7 * i) for i in range(6)]
    check(student, BASIC, "encode", texts, [enc.encode_ordinary(text) for text in texts])


@task("BasicTokenizer.encode")
def test_encoding_in_the_order_of_merges(student, rng):
    """A later merge isn't done before an earlier one, however often it occurs or long it is."""
    texts = [" the  th op hop ", "he the hop ü hethe ", "ope ope op the the ", " t he the 1212"]
    texts += [mixed(rng, BASIC["vocab"], 12) * 2 for _ in range(5)]
    check(student, BASIC, "encode", texts, [encoded(BASIC["merges"], text) for text in texts])


@task("BasicTokenizer.encode")
def test_all_bytes_come_back(student):
    """No byte is lost: all from 0 to 127, accents, marks, emoji."""
    texts = ["".join(map(chr, range(128))), "".join(map(chr, range(128, 600))), *ODD]
    check(student, BASIC, "encode", texts, [encoded(BASIC["merges"], text) for text in texts])


@task("BasicTokenizer.encode")
def test_ten_thousand_letters(student):
    """10,000 equal letters take under a second."""
    pairs = [(97, 97), (256, 256), (257, 257), (258, 258)]
    # eight times sixteen, four, two, and two pairs of letters by themselves: no tie either
    chain = vocabulary(pairs, None, "a" * 512, "aaaa")
    close(student.run(probes.long_text, chain, 10_000), [[259] * 625, True])


# ------------------------------------------------------------------------------------ chunks

EDGES = [
    "",
    "Hello've world123 how's are you!!!?",
    "HOW'S it, I'LL we'RE 'S ''ll don't",
    "IT'SO they'LLbe 'Dx 'vEs",
    "12345678 1a2b 12345678901234567890",
    "  two  spaces   here  ",
    "\n\n  \n x\r\n\r\n y \t\tz\n",
    "naïve Ünïcode 한국어 2²½ ٣٤ 日本語",
    "if x:\n    return  x  # !\n\n",
    "!!!\n\n??? .a .B -c\n_x",
    "👋🏽 e\u0301 \u00a0\u2003x",
    "a's b'S c'Ll d're  ",
    " ",
    "\n",
    "x  \n  y   ",
]


def jumble(rng, n):
    letters = list("aZé한٣1 9  \n\r\t'sl!._#\u00a0👋²")
    return "".join(letters[number(rng, len(letters))] for _ in range(n))


def check_split(student, name, patterns, rng):
    regex = installed("regex")
    texts = [*EDGES, *(jumble(rng, 20 + 5 * i) for i in range(12))]
    right = [[regex.findall(pattern, text) for text in texts] for pattern in patterns]
    close_to_one(student.run(probes.answers, name, texts), *right)


@task("split_gpt2")
def test_gpt2_chunks(student, rng):
    """GPT-2's chunks: letters of any script, numbers of any length, 's in lower case only."""
    check_split(student, "split_gpt2", [GPT2], rng)


@task("split_gpt4")
def test_gpt4_chunks(student, rng):
    """GPT-4's chunks: 'S too, three digits at most, newlines by themselves, a sign and letters."""
    check_split(student, "split_gpt4", [GPT4, NEW4], rng)


def chunks_of(text, pattern=GPT4):
    return [list(chunk.encode()) for chunk in installed("regex").findall(pattern, text)]


@task("RegexTokenizer.train")
def test_chunked_merges_without_ties(student):
    """Where each time one pair within chunks is the most frequent, the merges are these."""
    close(student.run(probes.trained, GPT4, CHUNKED, 268), [CHUNKS["merges"], CHUNKS["vocab"]])


@task("RegexTokenizer.train")
def test_chunked_training_on_any_text(student, rng):
    """Pairs are counted within the given pattern's chunks; each merge is a most frequent one."""
    text = babble(rng, WORDS, 120)
    for pattern in (GPT2, r"[a-z]+|[^a-z]"):
        check_training(
            student.run(probes.trained, pattern, text, 265), chunks_of(text, pattern), 265
        )


@task("RegexTokenizer.train")
def test_gpt4_is_the_default(student, rng):
    """Without a pattern the chunks are GPT-4's."""
    text = "I'LL 1234512345" + babble(rng, ["123451", "I'LL", "we'RE", "12345"], 60)
    check_training(student.run(probes.trained, "", text, 262), chunks_of(text), 262)


@task("RegexTokenizer.train")
def test_no_pair_is_left_in_chunks(student):
    """One chunk, no merges; and more merges than pairs: it stops, or says so with an error."""
    close(student.run(probes.trained, GPT4, "hello", 256), [{}, BYTES])
    check_exhausted(student.run(probes.trained_or_error, GPT4, "ab cd", 262), chunks_of("ab cd"))
    check_exhausted(student.run(probes.trained_or_error, GPT4, "", 257), [[]])


@task("RegexTokenizer.encode_ordinary")
def test_ordinary_text_is_tiktokens(student, rng):
    """Token for token what tiktoken makes of the same merges; <|endoftext|> is ordinary, too."""
    specials = {"<|endoftext|>": 500}
    enc = tiktoken_of(CHUNKS["vocab"], GPT4, specials)
    texts = ["", "t", " the", "hell", CHUNKED, "x<|endoftext|> ope", *EDGES]
    texts += [mixed(rng, CHUNKS["vocab"], 5 + 7 * i) for i in range(6)]
    expected = [enc.encode_ordinary(text) for text in texts]
    check(student, CHUNKS, "encode_ordinary", texts, expected, specials)


@task("RegexTokenizer.encode_ordinary")
def test_other_chunks(student, rng):
    """With another pattern the chunks are others: no merge goes across them."""
    V = {**CHUNKS, "pattern": r" ?\p{L}{1,4}|\p{N}{1,3}|\s"}  # CHUNKED has the same chunks
    enc = tiktoken_of(V["vocab"], V["pattern"])
    texts = ["opeope 127", "hellope thenhe", mixed(rng, V["vocab"], 30)]
    check(student, V, "encode_ordinary", texts, [enc.encode_ordinary(text) for text in texts])


@task("RegexTokenizer.encode_ordinary")
def test_the_vocabulary_that_ships(student, rng):
    """1,024 tokens of Shakespeare: token for token what tiktoken says."""
    V = shipped_vocabulary()
    texts = ["What say you, citizens?\n\nFirst Citizen:\nSpeak, speak.", "the children's 1234 \n x"]
    texts += [mixed(rng, V["vocab"], 40)]
    answer = student.run(probes.with_shipped, V, CHUNKS, texts)
    by_all, by_few = tiktoken_of(shipped(), GPT4), tiktoken_of(CHUNKS["vocab"], GPT4)
    right = ["shipped", [by_all.encode_ordinary(text) for text in texts]]
    other = ["small", [by_few.encode_ordinary(text) for text in texts]]
    close_to_one(answer, right, other)


# ----------------------------------------------------------------------------------- specials

SPECIALS = {"<|endoftext|>": 400, "<|fim|>": 401, "[a|b]*": 402, "the end": 403}


@task("RegexTokenizer.register_special_tokens")
def test_specials_are_remembered(student, rng):
    """special_tokens holds what was registered, and what is registered later."""
    one = {"<|endoftext|>": 1000 + number(rng, 1000), "<|x|>": 300}
    close(student.run(probes.remembered, [one, SPECIALS]), [one, SPECIALS])


SPECIAL_TEXTS = [
    "",
    "<|endoftext|>",
    "hell<|endoftext|> the",
    "<|fim|><|endoftext|><|endoftext|>x",
    "op [a|b]* a b <|fim|>",
    "then the end<|fim|>the endx",
    "<|endoftext|",
    "<|endoftext|> ope<|fim|>",
    "  op <|fim|>  \n",
]


@task("RegexTokenizer.encode")
def test_all_specials(student):
    """allowed_special "all": at both ends, twice in a row, with signs that mean something in re."""
    enc = tiktoken_of(CHUNKS["vocab"], GPT4, SPECIALS)
    expected = [enc.encode(text, allowed_special="all") for text in SPECIAL_TEXTS]
    check(student, CHUNKS, "encode", SPECIAL_TEXTS, expected, SPECIALS, "all")


@task("RegexTokenizer.encode")
def test_some_specials(student):
    """allowed_special as a set: those become their id, the others are text; an empty one, too."""
    enc = tiktoken_of(CHUNKS["vocab"], GPT4, SPECIALS)
    for allowed in ({"<|fim|>"}, {"<|endoftext|>", "[a|b]*"}, set()):
        chosen = {"allowed_special": allowed, "disallowed_special": ()}
        expected = [enc.encode(text, **chosen) for text in SPECIAL_TEXTS]
        check(student, CHUNKS, "encode", SPECIAL_TEXTS, expected, SPECIALS, allowed)


@task("RegexTokenizer.encode")
def test_no_specials(student):
    """allowed_special "none": all is text, and nothing is an error."""
    enc = tiktoken_of(CHUNKS["vocab"], GPT4, SPECIALS)
    expected = [enc.encode_ordinary(text) for text in SPECIAL_TEXTS]
    check(student, CHUNKS, "encode", SPECIAL_TEXTS, expected, SPECIALS, "none")


@task("RegexTokenizer.encode")
def test_none_raise(student):
    """allowed_special "none_raise", the default: an error if the text has one, else as ever."""
    enc = tiktoken_of(CHUNKS["vocab"], GPT4, SPECIALS)
    fine = ["hell op", "", "<|endoftext|"]
    bad = [text for text in SPECIAL_TEXTS if any(token in text for token in SPECIALS)]
    steps = steps_of("encode", fine) + steps_of("encode", fine, "none_raise")
    for step in steps_of("encode", bad) + steps_of("encode", bad, "none_raise"):
        steps.append([*step, "may fail"])
    expected = [*map(enc.encode_ordinary, fine)] * 2 + ["error"] * 2 * len(bad)
    close(student.run(probes.drive, CHUNKS, SPECIALS, steps), expected)


@task("RegexTokenizer.encode")
def test_specials_that_begin_another(student):
    """Of two specials that begin alike the longer one counts (it was registered first)."""
    specials = {"<|end|>!": 500, "<|end|>": 501}
    texts = ["x<|end|>!<|end|><|end|>?", "<|end|>! <|end|>"]
    x, q, bang, space = b"x?! "
    expected = [[x, 500, 501, 501, q], [500, space, 501]]
    check(student, CHUNKS, "encode", texts, expected, specials, "all")
    expected = [[x, 501, bang, 501, 501, q]]
    check(student, CHUNKS, "encode", texts[:1], expected, specials, {"<|end|>"})


@task("RegexTokenizer.decode")
def test_decoding_with_specials(student, rng):
    """Specials are written out, letters may lie across tokens, what is no text is U+FFFD."""
    vocab = {**CHUNKS["vocab"], **{idx: token.encode() for token, idx in SPECIALS.items()}}
    ids = [[400, 266, 111, 402, 403, 403], [195, 188, 401], [128, 400], [], [195, 400]]
    ids += [[(400, 257, 266)[number(rng, 3)] for _ in range(8)]]
    check(student, CHUNKS, "decode", ids, [text_of(row, vocab) for row in ids], SPECIALS)


@task("RegexTokenizer.decode")
def test_an_id_that_is_no_special(student):
    """An id that is neither in the vocabulary nor special is an error."""
    steps = [["decode", [[104, 401]]], ["decode", [[104, 404]], "may fail"]]
    close(student.run(probes.drive, CHUNKS, SPECIALS, steps), ["h<|fim|>", "error"])


# -------------------------------------------------------------------------------- save and load


@task("save")
def test_all_is_in_the_file(student):
    """Tokenizers that differ in a merge, in the pattern or in a special token write other files."""
    pairs, others = [(97, 98), (256, 99)], [(97, 98), (256, 100)]
    a, *rest = [vocabulary(p, GPT4) for p in (pairs, others, pairs[:1])]
    variants = [(V, {}) for V in (a, a, *rest, vocabulary(pairs, GPT2))]
    variants += [(a, {"<|x|>": 300}), (a, {"<|x|>": 301}), (a, {"<|y|>": 300})]
    variants += [(a, {"<|x|>": 300, "<|y|>": 301})]
    n = len(variants)
    expected = [[i == j or {i, j} == {0, 1} for j in range(n)] for i in range(n)]
    close(student.run(probes.saved, variants), expected)


ODD_SPECIALS = {"<|endoftext|>": 400, "the end of it": 401, "<|한|>": 402, "7 7": 7000}


@task("load")
def test_all_comes_back(student):
    """Merges in their order, vocabulary, pattern, and special tokens, with spaces in them."""
    empty = {**CHUNKS, "merges": {}, "vocab": BYTES}
    for V, specials, pattern in ((CHUNKS, ODD_SPECIALS, GPT4), (BASIC, {}, ""), (empty, {}, GPT4)):
        expected = [list(V["merges"].items()), V["vocab"], specials, pattern]
        close(student.run(probes.loaded, V, specials), expected)


@task("load")
def test_loaded_encodes_alike(student, rng):
    """What was loaded makes the same tokens as what was saved."""
    texts = ["", "the end of it is the end", " hell 7 7<|한|>", mixed(rng, CHUNKS["vocab"], 30)]
    enc = tiktoken_of(CHUNKS["vocab"], GPT4, ODD_SPECIALS)
    expected = [enc.encode(text, allowed_special="all") for text in texts]
    close(student.run(probes.loaded_encodes, CHUNKS, ODD_SPECIALS, texts), expected)


@task("load")
def test_a_wrong_file(student):
    """A file of another program, an older version, an empty one: an error, no tokenizer."""
    model = "\n{}\n0\n97 98\n256 99\n".format(GPT4.replace("\\", r"\\"))
    for text in ("another program 3.1" + model, "minbpe v0" + model, model, ""):
        close(student.run(probes.wrong_file, text), "error")


# ---------------------------------------------------------------------------------- GPT-4's own


def naive_parts(ranks, token, limit):
    pieces = [bytes([b]) for b in token]
    while len(pieces) > 1:
        options = [(ranks.get(a + b, 1e9), i) for i, (a, b) in enumerate(pairwise(pieces))]
        rank, i = min(options)
        if rank >= (1e9 if limit is None else limit):
            break
        pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
    return pieces


@task("bpe_parts")
def test_parts_below_a_rank(student, rng):
    """What bytes are merged to by lower ranks than a limit; without a limit, by all."""
    ranks = first(500, shipped())
    known = list(ranks)[256:]
    tokens = [known[number(rng, len(known))] for _ in range(8)] + [b" the the", b"a", b"hehe"]
    cases = [(token, limit) for token in tokens for limit in (256, 300, 450, None)]
    cases += [(token, ranks[token]) for token in known[::17]]
    expected = [naive_parts(ranks, token, limit) for token, limit in cases]
    close(student.run(probes.parts, ranks, cases), expected)


@task("recover_merges")
def test_the_merges_that_ship(student):
    """From the ranks of the shipped vocabulary: the merges that its training made."""
    close(student.recover_merges(shipped()), shipped_vocabulary()["merges"])


def shuffled():
    """The shipped vocabulary with GPT-2's order of the bytes: printable ones first."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    order = [*printable, *(b for b in range(256) if b not in printable)]
    ranks = {bytes([byte]): i for i, byte in enumerate(order)}
    return ranks | {token: rank for token, rank in shipped().items() if len(token) > 1}


def true_merges(ranks):
    merges = {}
    for token, rank in ranks.items():
        if len(token) > 1:
            left, right = naive_parts(ranks, token, rank)
            merges[ranks[left], ranks[right]] = rank
    return merges


@task("recover_merges")
def test_merges_of_shuffled_bytes(student):
    """Where bytes have other ids than their numbers, the merges speak of those ids."""
    ranks = first(420, shuffled())
    close(student.recover_merges(ranks), true_merges(ranks))


@task("recover_merges")
def test_merges_of_cl100k(student):
    """From the first ranks of GPT-4's own vocabulary: its merges (skipped without the file)."""
    few = {b"a": 0, b"b": 1, b"ab": 2, b"abb": 3}  # so that this isn't skipped without a word
    close(student.recover_merges(few), {(0, 1): 2, (2, 1): 3})
    ranks = first(1000, cl100k())
    close(student.recover_merges(ranks), true_merges(ranks))


@task("byte_shuffle")
def test_the_order_of_bytes(student, rng):
    """Each byte's id, and each id's byte: a permutation, there and back."""
    order = rng.permutation(256).tolist()
    for ranks in ({bytes([b]): i for i, b in enumerate(order)}, shuffled()):
        there = {b: ranks[bytes([b])] for b in range(256)}
        close(student.run(probes.shuffle, ranks), [there, {i: b for b, i in there.items()}])


GPT4_SPECIALS = {
    "<|endoftext|>": 100257,
    "<|fim_prefix|>": 100258,
    "<|fim_middle|>": 100259,
    "<|fim_suffix|>": 100260,
    "<|endofprompt|>": 100276,
}


def check_gpt4(student, ranks, rng):
    enc = tiktoken_of(ranks, GPT4, GPT4_SPECIALS)
    texts = [*EDGES, "hello world, the children's children\n\n", "안녕하세요 👋"]
    texts += [mixed(rng, {r: t for t, r in ranks.items()}, 12) for _ in range(3)]
    texts += [jumble(rng, 40)]
    special = ["<|endoftext|>the<|endofprompt|>", "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>c"]
    expected = [enc.encode(text, allowed_special="all") for text in [*texts, *special]]
    answer = student.run(probes.gpt4, ranks, GPT4, GPT4_SPECIALS, texts, special)
    close(answer, [expected, [*texts, *special]])


@task("GPT4Tokenizer")
def test_shuffled_shakespeare(student, rng):
    """With the shipped vocabulary, its bytes shuffled, in the place of GPT-4's: tiktoken's ids."""
    check_gpt4(student, first(640, shuffled()), rng)


@task("GPT4Tokenizer")
def test_tokens_of_cl100k(student, rng):
    """With the first tokens of GPT-4's own vocabulary (skipped without the file), too."""
    few = {bytes([i]): 255 - i for i in range(256)}  # so that this isn't skipped without a word
    close(student.run(probes.gpt4, few, GPT4, GPT4_SPECIALS, ["a"], []), [[[255 - 97]], ["a"]])
    check_gpt4(student, first(1200, cl100k()), rng)


# ----------------------------------------------------------------------- what tokens are used for


def ask(student, name, *args, V=CHUNKS, specials=None):
    """What a function answers that takes a tokenizer."""
    installed("tiktoken")
    return student.run(probes.use, name, V, specials or {}, *args)


def plain_ids(text, V=CHUNKS):
    regex = installed("regex")
    return [i for chunk in regex.findall(GPT4, text) for i in encoded(V["merges"], chunk)]


@task("chat_ids")
def test_a_conversation(student):
    """<|im_start|>role, a new line, the content, <|im_end|>, a new line: for each message."""
    talk = [("system", "the shop"), ("user", "hell 127 op"), ("assistant", ""), ("user", "ü then!")]
    messages = [{"role": role, "content": content} for role, content in talk]
    expected = []
    for role, content in talk:
        expected += [300, *plain_ids(role), 10, *plain_ids(content), 301, 10]
    close(ask(student, "chat_ids", messages, specials=CHAT), expected)
    close(ask(student, "chat_ids", [], specials=CHAT), [])


@task("fim_ids")
def test_a_hole(student):
    """Prefix, suffix, middle, each behind its special token; also where a part is empty."""
    for prefix, middle, suffix in (("the shop", " hell", "op 12"), ("", "ü", " he"), ("a", "", "")):
        expected = [310, *plain_ids(prefix), 312, *plain_ids(suffix), 311, *plain_ids(middle)]
        close(ask(student, "fim_ids", prefix, middle, suffix, specials=FIM), expected)


@task("vocab_cost")
def test_cost_of_a_vocabulary(student):
    """A row in the embedding and one in the head; once if the two are one table."""
    cases = [(50257, 768, True), (50257, 768, False), (65, 384, False), (100277, 7, True)]
    for v, n, tied in cases:
        close(student.vocab_cost(v, n, tied), v * n * (1 if tied else 2))


RATES = ["the shop hell 127", "üü한국 the", "op", "👋", ""]


@task("tokens_per_char")
def test_tokens_per_character(student, rng):
    """Tokens over code points, 0 for an empty text."""
    for text in [*RATES, mixed(rng, CHUNKS["vocab"], 25)]:
        expected = len(plain_ids(text)) / len(text) if text else 0.0
        close(ask(student, "tokens_per_char", text), expected)


@task("compression")
def test_bytes_per_token(student, rng):
    """Bytes over tokens, 0 for an empty text."""
    for text in [*RATES, mixed(rng, CHUNKS["vocab"], 25)]:
        expected = len(text.encode()) / len(plain_ids(text)) if text else 0.0
        close(ask(student, "compression", text), expected)


# ----------------------------------------------------------------------------------- why, why


@task("why_spelling")
def test_letters_in_a_token(student):
    """Characters per token of a word: bytes or ids say something else."""
    for word in (".DefaultCellStyle", " the", " hell", " üb", " then"):
        close(ask(student, "why_spelling", word), len(word) / len(plain_ids(word)))


@task("why_reverse")
def test_word_and_reverse(student):
    """The numbers of tokens of a word and of its letters backwards."""
    for word in (" hell", " ope", "shop", ".DefaultCellStyle", "üb"):
        answer = ask(student, "why_reverse", word)
        tokens_or_counts(answer, plain_ids(word), plain_ids(word[::-1]))


@task("why_arithmetic")
def test_numbers_in_pieces(student):
    """The tokens of each number: some are whole, some fall into pieces."""
    for numbers in ([127, 677, 1275, 6773], [12, 1, 121212, 312]):
        ids = [plain_ids(str(n)) for n in numbers]
        answer = ask(student, "why_arithmetic", numbers)
        tokens_of_numbers(answer, numbers, ids, CHUNKS["vocab"])


@task("why_languages")
def test_tokens_by_language(student):
    """How many tokens each language's sentence takes, by its name."""
    sentences = {"English": " the shop then", "한국어": "안녕하세요", "日本語": "こんにちは the"}
    sentences[""] = ""
    expected = {name: len(plain_ids(text)) for name, text in sentences.items()}
    close(ask(student, "why_languages", sentences), expected)


@task("why_python")
def test_tokens_of_python(student):
    """The number of tokens of a block, its indentation with it."""
    for code in ("def the(op):\n    if op:\n        return op\n", "x = 1\n", "\n\n    he"):
        ids = plain_ids(code)
        close_to_one(ask(student, "why_python", code), len(ids), ids)


@task("why_trailing_space")
def test_a_space_at_the_end(student):
    """The tokens without the space, with it, and whether what follows can never begin like that."""
    for text in ("Please visit our shop", "the", " op 127"):
        more = [plain_ids(text), plain_ids(text + " ")]
        never = plain_ids(text + " o")[: len(more[1])] != more[1]
        close_to_one(ask(student, "why_trailing_space", text), [*more, never], more)


@task("why_trailing_space")
def test_a_space_that_is_taken(student):
    """Where " o" begins a token the answer is True: the space alone never comes before it."""
    V = {**CHUNKS, "merges": {**CHUNKS["merges"], (32, 111): 270}}
    V["vocab"] = {**CHUNKS["vocab"], 270: b" o"}
    expected = [plain_ids("the"), [*plain_ids("the"), 32], True]
    close(ask(student, "why_trailing_space", "the", V=V), expected)


@task("why_halts")
def test_one_token_or_many(student):
    """The special text's tokens with all specials allowed, and with none."""
    specials = {"<|endoftext|>": 400, "<|x|>": 401}
    the = plain_ids("the")
    for text, ids in (("<|endoftext|>", [400]), ("<|x|>", [401]), ("the<|x|>", [*the, 401])):
        tokens_or_counts(ask(student, "why_halts", text, specials=specials), ids, plain_ids(text))


@task("why_yaml")
def test_json_and_yaml(student):
    """The tokens of one record as JSON, then as YAML."""
    record = '{"shop": {"open": true, "then": [1, 2]}}', "shop:\n  open: true\n  then: [1, 2]\n"
    for pair in (record, record[::-1]):
        tokens_or_counts(ask(student, "why_yaml", *pair), *map(plain_ids, pair))


@task("untrained_tokens")
def test_tokens_that_never_occur(student, rng):
    """The ids of the vocabulary that the corpus doesn't have, merged tokens and bytes alike."""
    V = shipped_vocabulary(150)
    for corpus in (mixed(rng, V["vocab"], 80), "the children of the house", ""):
        rest = sorted(set(V["vocab"]) - set(plain_ids(corpus, V)))
        untrained(ask(student, "untrained_tokens", corpus, V=V), rest, V["vocab"])


@task("grow")
def test_new_tokens(student):
    """New ids after the last one, special ones included, in their order; old texts as before."""
    texts = ["the shop hell", "a<|endoftext|><|x|>b", ""]
    high = {"<|x|>": 100276, "<|endoftext|>": 100257}
    for old in ({}, {"<|endoftext|>": 270}, high, {"<|x|>": 3}):
        last = max([267, *old.values()])
        for specials in (["<|im_start|>", "<|im_end|>", "[new]"], ["<|z|>"]):
            new = {special: last + 1 + i for i, special in enumerate(specials)}
            expected = [True, [[idx] for idx in new.values()], {**old, **new}, "".join(specials)]
            close(student.run(probes.grown_encodes, CHUNKS, old, specials, texts), expected)


@task("unstable")
def test_what_may_still_come(student):
    """Stable tokens and completions are tiktoken's own, on the shipped vocabulary."""
    V = shipped_vocabulary(256)
    enc = tiktoken_of(first(512, shipped()), GPT4)
    for text in ("Before we proceed any fur", "the childre", "speak", "xq", "I", "No more! Spe"):
        stable, completions = enc.encode_with_unstable(text)
        close(ask(student, "unstable", text, V=V), [stable, sorted(completions)])


# --------------------------------------------------------------------------- other ways to tokens


def fields(data):
    """The fields of a protocol buffer: [(number, value)], nested ones as bytes."""
    found, at = [], 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            value = varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7)
            size = varint() if size is None else size
            value = data[at : at + size]
            at += size
        found.append((key >> 3, value))
    return found


def settings(model):
    """What a sentencepiece model says of its training: as (vocabulary, fallback, …)."""
    top = fields(model)
    trainer = dict(fields(dict(top).get(2, b"")))
    rules = dict(fields(dict(top).get(3, b"")))
    return {
        "vocabulary": sum(number == 1 for number, _ in top),
        "byte_fallback": bool(trainer.get(35, 0)),
        "identity": rules.get(1, b"nmt_nfkc") == b"identity" or not rules.get(2, b""),
        "add_dummy_prefix": bool(rules.get(3, 1)),
        "remove_extra_whitespaces": bool(rules.get(4, 1)),
    }


@task("train_sentencepiece")
def test_sentencepieces_settings(student):
    """The size; bytes for the unknown; no normalisation; spaces left alone; a space before."""
    installed("sentencepiece")
    text = (DATA / "shakespeare_small.txt").read_text(encoding="utf-8")[:3000]
    texts = ["the  ﬁrst   Å ½ 한국 👋", "speak, speak"]
    for size in (330, 345):
        _, again, model = student.run(probes.sentencepieces, text, size, texts)
        close(again, texts)
        expected = {"vocabulary": size, "byte_fallback": True, "identity": True}
        expected |= {"add_dummy_prefix": True, "remove_extra_whitespaces": False}
        close(settings(model), expected)


@task("codebook_encode")
def test_the_nearest_code(student, rng):
    """The number of the code at the least distance, not of the largest product."""
    patches = rng.normal(61, 3, dtype=DOUBLE)
    codes = rng.normal(7, 3, scale=2, dtype=DOUBLE)
    codes[2] *= 5
    for some, of in ((patches, codes), (patches[:1], codes[:1])):
        close(student.run(probes.nearest, some, of), torch.cdist(some, of).argmin(1))


@task("codebook_decode")
def test_codes_again(student, rng):
    """The code of each id, for ids in a row and in a grid."""
    codes = rng.normal(7, 3, dtype=DOUBLE)
    for shape in ((11,), (4, 5)):
        ids = rng.integers(0, 7, *shape)
        expected = codes.index_select(0, ids.reshape(-1)).view(*shape, 3)
        close(student.codebook_decode(ids, codes), expected)


@task("quantize")
def test_straight_through(student, rng):
    """Forwards the nearest codes; backwards the patches get the gradient as it is, codes none."""
    patches, codes, up = (rng.normal(n, 4, dtype=DOUBLE) for n in (9, 5, 9))
    expected = codes[torch.cdist(patches, codes).argmin(1)]
    close(student.run(probes.straight, patches, codes, up), [expected, up, torch.zeros_like(codes)])


def patches_of(image, p):
    """One patch after the other, row by row."""
    rows, columns = image.shape[0] // p, image.shape[1] // p
    cells = [(i * p, j * p) for i in range(rows) for j in range(columns)]
    return torch.stack([image[i : i + p, j : j + p].reshape(-1) for i, j in cells])


@task("image_tokens")
def test_exact_patches(student, rng):
    """An image whose patches are in the codebook comes back as it was, its ids in a grid."""
    for H, W, C, p in ((6, 9, 2, 3), (4, 2, 3, 2), (3, 5, 1, 1)):
        image = rng.normal(H, W, C, dtype=DOUBLE)
        codes = patches_of(image, p)
        order = rng.permutation(len(codes))
        grid = order.argsort().view(H // p, W // p)
        close(student.run(probes.tokens_of_image, image, codes[order], p), [grid, image])


@task("image_tokens")
def test_patches_that_are_near(student, rng):
    """Where patches aren't in the codebook, the image is made of the nearest codes."""
    image, codes = rng.normal(4, 6, 3, dtype=DOUBLE), rng.normal(5, 12, dtype=DOUBLE)
    ids = torch.cdist(patches_of(image, 2), codes).argmin(1)
    rows = [torch.cat([codes[ids[3 * r + c]].view(2, 2, 3) for c in range(3)], 1) for r in range(2)]
    close(student.run(probes.tokens_of_image, image, codes, 2), [ids.view(2, 3), torch.cat(rows)])
