"""What your tokenizer.py can do: train a vocabulary, compare it with GPT-2's and GPT-4's, show it.

python main.py [--data FILE] [--steps N] [--device D] [--seed N] [--out DIR]
"""

import argparse
import html
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from autograder.learn.program import Stopped, device_of, plotting, read_text, run_main, save

sys.path.insert(0, str(Path(__file__).resolve().parent))
DATA = Path(__file__).resolve().parents[2] / "data"
MOST = 60_000  # characters that are trained on: naive training takes its time
FILES = {  # tiktoken's names for its files: sha1 of their addresses
    "r50k_base": "0ea1e91bbb3a60f729a8dc8f777fd2fc07cd8df4",
    "cl100k_base": "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
}
SENTENCES = {
    "English": "Hello, how are you today? The weather is nice.",
    "German": "Hallo, wie geht es dir heute? Das Wetter ist schön.",
    "Russian": "Привет, как у тебя дела сегодня? Погода хорошая.",
    "Hindi": "नमस्ते, आज आप कैसे हैं? मौसम अच्छा है।",
    "Korean": "안녕하세요, 오늘 어떻게 지내세요? 날씨가 좋네요.",
    "Japanese": "こんにちは、今日はお元気ですか。いい天気ですね。",
}
CODE = """def fizzbuzz(n):
    for i in range(1, n + 1):
        if i % 3 == 0:
            print("Fizz")
        else:
            print(i)
"""
AS_JSON = '{"name": "Ada", "born": 1815, "fields": ["mathematics", "computing"]}'
AS_YAML = "name: Ada\nborn: 1815\nfields:\n- mathematics\n- computing\n"
COLOURS = ["#cfe8ff", "#ffe3c2", "#d5f0c8", "#f6cfe0", "#e2d9fb"]


def arguments():
    parser = argparse.ArgumentParser(description="Train and look at tokens, by your tokenizer.py.")
    parser.add_argument("--data", type=Path, help="a text (data/shakespeare_small.txt)")
    parser.add_argument("--steps", type=int, default=768, help="merges (768: 1,024 tokens)")
    parser.add_argument(
        "--device", default="cpu", help="of the image: cpu, cuda, mps or auto (cpu)"
    )
    parser.add_argument("--seed", type=int, default=1337, help="of the strings that are compared")
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder for pictures")
    options = parser.parse_args()
    if options.steps < 1:
        parser.error("--steps must be 1 or more")
    return options


def vocabularies():
    """GPT-2's and GPT-4's, as far as they are here: name to tiktoken's encoding."""
    try:
        import tiktoken
    except ImportError:
        print("Without tiktoken nothing is compared: pip install 'autograder[text]'")
        return {}
    folders = [os.environ.get("TIKTOKEN_CACHE_DIR"), os.environ.get("DATA_GYM_CACHE_DIR")]
    folders += [DATA / "tiktoken", Path(tempfile.gettempdir()) / "data-gym-cache"]
    found = {}
    for label, name in (("gpt2", "r50k_base"), ("cl100k", "cl100k_base")):
        for folder in filter(None, folders):
            if (Path(folder) / FILES[name]).is_file():
                os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
                found[label] = tiktoken.get_encoding(name)
                break
        else:
            print(f"{label} isn't here: `autograder data` fetches data/tiktoken/{FILES[name]}")
    return found


# ------------------------------------------------------------------------------ what it trains


def train(m, text, steps):
    """A RegexTokenizer; if it is stopped, with the merges that it has so far."""
    t = m.RegexTokenizer()
    size = 256 + steps
    print(f"training {size:,} tokens on {len(text):,} characters: 256 bytes + {steps:,} merges")
    began = time.monotonic()
    try:
        with waiting(f"{steps:,} merges"):
            t.train(text, size)
    except KeyboardInterrupt:
        print(f"\nstopped after {len(t.merges):,} of {steps:,} merges")
        if not t.merges:
            raise Stopped from None
        return t, True
    print(f"  {time.monotonic() - began:.0f} seconds. (gpt2: 256 + 50,000 merges + 1 = 50,257)")
    return t, False


def waiting(what):
    """A moving sign on a terminal, nothing elsewhere."""
    import contextlib

    if sys.stdout.isatty():
        try:
            from rich.console import Console
        except ImportError:
            pass
        else:
            return Console().status(what)
    return contextlib.nullcontext()


def shown(token):
    return repr(token.decode("utf-8", "replace"))


def look(m, t, text):
    tokens = sorted(idx for idx in t.vocab if idx >= 256)
    print("\nThe first merges: " + ", ".join(shown(t.vocab[idx]) for idx in tokens[:12]))
    longest = sorted(tokens, key=lambda idx: -len(t.vocab[idx]))[:8]
    print("The longest tokens: " + ", ".join(shown(t.vocab[idx]) for idx in longest))
    sample = text[:20_000]
    print(f"Bytes per token: {m.compression(t, sample):.2f}, tokens per character:", end=" ")
    print(f"{m.tokens_per_char(t, sample):.2f}")
    never = m.untrained_tokens(t, sample)
    print(f"Tokens that the first {len(sample):,} characters never use: {len(never)}")


def part(m, t, merges):
    """The tokenizer as it was after so many merges."""
    small = m.RegexTokenizer()
    small.merges = dict(sorted(t.merges.items(), key=lambda item: item[1])[:merges])
    small.vocab = {idx: token for idx, token in t.vocab.items() if idx < 256 + merges}
    return small


def curve(m, t, text):
    """Vocabulary size, bytes per token, parameters at GPT-2's width."""
    rows, merges = [], 0
    sample = text[:20_000]
    print("\n  tokens  bytes per token  parameters of the tables (768 wide, not tied)")
    while True:
        size = 256 + merges
        rows.append(
            (size, m.compression(part(m, t, merges), sample), m.vocab_cost(size, 768, False))
        )
        print(f"{size:8,}  {rows[-1][1]:15.2f}  {rows[-1][2]:,}")
        if merges >= len(t.merges):
            return rows
        merges = min(max(16, 2 * merges), len(t.merges))


def languages(m, encodes):
    """{name: {language: tokens}}, printed as a table."""
    counts = {name: dict(m.why_languages(encode, SENTENCES)) for name, encode in encodes.items()}
    print("\n" + f"{'':10}{'letters':>9}{'bytes':>9}" + "".join(f"{name:>9}" for name in counts))
    for language, text in SENTENCES.items():
        sizes = m.encoded_lengths(text)
        row = f"{language:10}{sizes['code points']:9}{sizes['utf-8']:9}"
        print(row + "".join(f"{counts[name][language]:9}" for name in counts))
    return counts


def weirdness(m, encodes, t):
    """Every question of the lecture as a number, for each vocabulary."""
    questions = {
        "letters in a token of .DefaultCellStyle": lambda e: f"{m.why_spelling(e):.1f}",
        "tokens of it, and backwards": lambda e: said(m.why_reverse(e)),
        "pieces of 127, 677, 1275, 6773": lambda e: said(m.why_arithmetic(e)),
        "tokens of six lines of Python": lambda e: said([m.why_python(e, CODE)]),
        '" o" never follows "shop "': lambda e: m.why_trailing_space(e)[2],
        "tokens as JSON, as YAML": lambda e: said(m.why_yaml(e, AS_JSON, AS_YAML)),
    }
    print(f"\n{'':42}" + "".join(f"{name:>14}" for name in encodes))
    for question, ask in questions.items():
        print(f"{question:42}" + "".join(f"{ask(encode)!s:>14}" for encode in encodes.values()))
    t.register_special_tokens({"<|endoftext|>": 256 + len(t.merges)})
    both = said(m.why_halts(t.encode))
    print(f"<|endoftext|> as one token, and as text: {both}")
    print("(published, cl100k: .DefaultCellStyle is one token; ' o' never follows)")


def said(counts):
    """Numbers of tokens in a row; lists of tokens are counted."""
    counts = counts.values() if isinstance(counts, dict) else counts
    return ", ".join(str(len(c) if isinstance(c, (list, tuple)) else c) for c in counts)


def against_tiktoken(m, encoding, seed):
    """Your GPT4Tokenizer and tiktoken, on strings of many scripts."""
    began = time.monotonic()
    with waiting("recovering GPT-4's merges"):
        t = m.GPT4Tokenizer()
    rng = random.Random(seed)
    letters = list("abcdefghij ABC   123456\n\n\t'\"!.,éüñ한국어日本語привет👋🎉")
    strings = ["".join(rng.choices(letters, k=rng.randint(0, 40))) for _ in range(300)]
    strings += [*SENTENCES.values(), CODE, AS_JSON]
    equal = sum(list(t.encode(s)) == encoding.encode(s) for s in strings)
    again = sum(t.decode(encoding.encode(s)) == s for s in strings)
    print(
        f"\nYour GPT4Tokenizer: {equal} of {len(strings)} strings have tiktoken's tokens,", end=" "
    )
    print(f"{again} come back ({time.monotonic() - began:.0f} s)")


def image(m, device):
    """An image as tokens: how much is lost with how many codes."""
    import torch

    y, x = torch.meshgrid(torch.arange(24) / 24, torch.arange(36) / 36, indexing="ij")
    picture = torch.stack([x, y, (6 * x).sin() * (5 * y).cos()], -1).to(device)
    cells = picture.reshape(6, 4, 9, 4, 3).permute(0, 2, 1, 3, 4).reshape(54, -1)
    print("\nAn image of 24 x 36 in patches of 4, as 54 tokens:")
    for codes in (4, 12, 54):
        chosen = cells[:: 54 // codes][:codes]
        _, again = m.image_tokens(picture, chosen, 4)
        error = (again - picture).abs().mean().item()
        print(f"  a codebook of {codes:2}: off by {error:.4f} on average")


# ------------------------------------------------------------------------------ what it shows


def pieces(t, text):
    """(token's id, its text) for each; bytes that are no text show as \ufffd."""
    return [(idx, t.decode([idx])) for idx in t.encode_ordinary(text)]


def coloured(t, text):
    """The tokens in alternating colours, where rich is there; else with bars between."""
    print("\nA text in your tokens:")
    try:
        from rich.console import Console
        from rich.text import Text
    except ImportError:
        print("|".join(piece for _, piece in pieces(t, text)))
        return
    line = Text()
    for i, (_, piece) in enumerate(pieces(t, text)):
        line.append(piece, style=f"black on {COLOURS[i % len(COLOURS)]}")
    if sys.stdout.isatty():
        Console().print(line)
    else:
        print("|".join(piece for _, piece in pieces(t, text)))


def page(tokenizers, text, file):
    """A page with the tokens of each vocabulary; the id shows under the mouse."""
    parts = ["<!doctype html><meta charset=utf-8><title>tokens</title>"]
    parts.append("<style>body{font:16px/1.7 monospace;max-width:60em;margin:2em auto}")
    parts.append("pre{white-space:pre-wrap}span{border-radius:3px}</style>")
    for name, show in tokenizers.items():
        tokens = show(text)
        parts.append(f"<h2>{name}: {len(tokens)} tokens, {len(text)} characters</h2><pre>")
        for i, (idx, piece) in enumerate(tokens):
            colour = COLOURS[i % len(COLOURS)]
            piece = html.escape(piece).replace("\n", "⏎\n")
            parts.append(f'<span title="{idx}" style="background:{colour}">{piece}</span>')
        parts.append("</pre>")
    file.write_text("\n".join(parts[:4]) + "".join(parts[4:]), encoding="utf-8")


def draw_languages(plt, counts, file):
    figure, axes = plt.subplots(figsize=(9, 4.5))
    width = 0.8 / len(counts)
    for i, (name, numbers) in enumerate(counts.items()):
        places = [k + i * width for k in range(len(numbers))]
        axes.bar(places, list(numbers.values()), width, label=name)
    axes.set_xticks([k + 0.4 - width / 2 for k in range(len(SENTENCES))], list(SENTENCES))
    axes.set(ylabel="tokens", title="the same sentence")
    axes.legend()
    save(plt, figure, file, dpi=110)


def draw_curve(plt, rows, file):
    figure, axes = plt.subplots(figsize=(8, 4.5))
    sizes = [row[0] for row in rows]
    axes.plot(sizes, [row[1] for row in rows], "o-", color="#1f6fb2")
    axes.set(xlabel="tokens in the vocabulary", ylabel="bytes per token", xscale="log")
    other = axes.twinx()
    other.plot(sizes, [row[2] / 1e6 for row in rows], "s--", color="#c2571a")
    other.set_ylabel("million parameters of the tables")
    save(plt, figure, file, dpi=110)


def draw_tree(plt, t, word, file):
    """How a word's bytes become one token: each merge a fork."""
    pairs = {idx: pair for pair, idx in t.merges.items()}
    figure, axes = plt.subplots(figsize=(9, 4.5))
    count = 0

    def place(idx):
        nonlocal count
        if idx not in pairs:
            count += 1
            x, y = count - 1, 0
        else:
            ends = [place(part) for part in pairs[idx]]
            x, y = sum(e[0] for e in ends) / 2, 1 + max(e[1] for e in ends)
            for ex, ey in ends:
                axes.plot([x, ex], [y, ey], color="#999999", zorder=1)
        label = shown(t.vocab[idx]) + ("" if idx not in pairs else f"\n{idx}")
        box = {"boxstyle": "round", "facecolor": COLOURS[y % len(COLOURS)]}
        axes.text(x, y, label, ha="center", va="center", bbox=box, zorder=2)
        return x, y

    tops = [place(idx)[1] for idx in t.encode_ordinary(word)]
    axes.set(xlim=(-1, count), ylim=(-0.6, max(tops) + 0.6))
    axes.axis("off")
    save(plt, figure, file, dpi=110)


def pictures(t, counts, rows, known, text, out):
    out.mkdir(parents=True, exist_ok=True)
    tokenizers = {"yours": lambda text: pieces(t, text)}
    for name, encoding in known.items():
        tokenizers[name] = lambda text, e=encoding: [
            (i, e.decode([i])) for i in e.encode_ordinary(text)
        ]
    page(
        tokenizers,
        text[:600] + "\n\n" + CODE + "\n" + "\n".join(SENTENCES.values()),
        out / "tokens.html",
    )
    files = ["tokens.html"]
    plt = plotting()
    if plt:
        draw_languages(plt, counts, out / "languages.png")
        draw_curve(plt, rows, out / "sizes.png")
        longest = max((v for i, v in t.vocab.items() if i >= 256), key=len, default=b"the")
        draw_tree(plt, t, longest.decode("utf-8", "replace"), out / "merges.png")
        files += ["languages.png", "sizes.png", "merges.png"]
    print(f"\nPictures and a page in {out}/: {', '.join(files)}")


def main():
    options = arguments()
    path, text = read_text(options.data, DATA / "shakespeare_small.txt", least=1000)
    text = text[:MOST]
    began = time.monotonic()
    import tokenizer as m

    device = device_of(options.device)
    known = vocabularies()
    print(f"{path.name}: {len(text):,} characters")
    t, stopped = train(m, text, options.steps)
    look(m, t, text)
    coloured(t, text[:150])
    rows = curve(m, t, text)
    encodes = {"yours": t.encode, **{name: e.encode for name, e in known.items()}}
    counts = languages(m, encodes)
    weirdness(m, encodes, t)
    if "cl100k" in known and not stopped:
        against_tiktoken(m, known["cl100k"], options.seed)
    image(m, device)
    pictures(t, counts, rows, known, text, options.out)
    print(f"{time.monotonic() - began:.0f} seconds")
    if stopped:
        raise Stopped


if __name__ == "__main__":
    run_main(main, "tokenizer")
