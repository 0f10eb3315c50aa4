"""What your gpt.py can do: train a small GPT on Shakespeare, watch it learn to write, draw it.

python main.py [--data FILE] [--steps N] [--device D] [--seed N] [--out DIR]
               [--layers N] [--heads N] [--width N] [--block N] [--batch N] [--dropout P] [--lr R]

The lecture's size: --layers 6 --heads 6 --width 384 --block 256 --batch 64 --dropout 0.2
--lr 3e-4 --steps 5000, on a GPU (--device cuda).
"""

import argparse
import sys
import time
from pathlib import Path

from autograder.learn.program import (
    Pictures,
    ProgressLines,
    Stopped,
    device_of,
    read_text,
    run_main,
    save,
    write_graph,
)

sys.path.insert(0, str(Path(__file__).resolve().parent))
DATA = Path(__file__).resolve().parents[2] / "data"
SENTENCE = "First Citizen:\nSpeak."  # what the attention pictures are of


def arguments():
    parser = argparse.ArgumentParser(description="Train a GPT and let it write, with your gpt.py.")
    add = parser.add_argument
    add("--data", type=Path, help="a text (data/tinyshakespeare.txt if there, else a piece of it)")
    add("--steps", type=int, default=600, help="steps (600; the lecture: 5000)")
    add("--device", default="cpu", help="cpu, cuda, mps or auto (cpu)")
    add("--seed", type=int, default=1337, help="of the generators")
    add("--out", type=Path, default=Path("pictures"), help="folder for pictures")
    add("--layers", type=int, default=4, help="blocks (4; the lecture: 6)")
    add("--heads", type=int, default=4, help="heads of a block (4; the lecture: 6)")
    add("--width", type=int, default=64, help="numbers of a position, n_embd (64; 384)")
    add("--block", type=int, default=32, help="characters that are read, block_size (32; 256)")
    add("--batch", type=int, default=16, help="pieces of a step (16; the lecture: 64)")
    add("--dropout", type=float, default=0.0, help="(0; the lecture: 0.2)")
    add("--lr", type=float, default=2e-3, help="AdamW's learning rate (2e-3; the lecture: 3e-4)")
    add("--write", type=int, default=300, help="characters that are written in the end (300)")
    options = parser.parse_args()
    for name in ("steps", "layers", "heads", "width", "block", "batch"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be 1 or more")
    if options.width % options.heads:
        parser.error(f"--heads {options.heads} doesn't divide --width {options.width}")
    return options


class Data:
    """The text, numbered and cut in two by the student's functions."""

    def __init__(self, m, path, text, options):
        import torch

        self.encode, self.decode, self.vocab_size = m.char_tokenizer(text)
        data = torch.tensor(self.encode(text), dtype=torch.int64, device=options.device)
        self.parts = dict(zip(("train", "val"), m.train_val_split(data)))
        self.full = len(text) > 1_000_000
        self.generator = torch.Generator().manual_seed(options.seed)
        sizes = " / ".join(f"{len(part):,}" for part in self.parts.values())
        print(f"{path.name}: {len(text):,} characters, {self.vocab_size} kinds, {sizes}")
        self.m, self.options = m, options

    def batch(self, split):
        """What estimate_loss asks for."""
        o = self.options
        return self.m.get_batch(self.parts[split], o.block, o.batch, self.generator, o.device)

    def first(self):
        """A beginning to write on: one newline, or whatever character is first."""
        import torch

        return torch.zeros((1, 1), dtype=torch.int64, device=self.options.device)


# ------------------------------------------------------------------------------ what it trains


class Run:
    """One model's training: the loss of each step, and the estimates in between."""

    def __init__(self, model, data, lr):
        self.model, self.data, self.lr = model, data, lr
        self.losses, self.estimates = [], []

    def estimate(self, iters=10):
        found = self.data.m.estimate_loss(self.model, self.data.batch, iters)
        both = float(found["train"]), float(found["val"])
        self.estimates.append((len(self.losses), *both))
        return both

    def train(self, steps, parts, sample=0):
        """The student's train, in a few parts, so that there is something to tell between."""
        m, o = self.data.m, self.data.options
        try:
            with ProgressLines(steps) as tell:
                for i in range(parts):
                    n = steps * (i + 1) // parts - steps * i // parts
                    if n:
                        text = self.data.parts["train"], n, o.batch, o.block, self.lr
                        self.losses += m.train(self.model, *text, self.data.generator)
                    told = i % max(1, parts // 6) == 0 or i == parts - 1
                    line = ""
                    if n and told:
                        train, val = self.estimate()
                        line = f"step {len(self.losses):5d}  train {train:.3f}  val {val:.3f}"
                        line += self.says(sample)
                    tell(line, len(self.losses))
        except KeyboardInterrupt:
            print(f"\nstopped after {len(self.losses):,} of {steps:,} steps")
            raise Stopped from None

    def says(self, n):
        return f"  {self.write(n)[1:]!r}" if n else ""

    def write(self, n):
        """What the model writes by itself."""
        self.model.eval()
        idx = self.model.generate(self.data.first(), n)
        self.model.train()
        return self.data.decode(idx[0].tolist())


def bigrams(m, data, steps):
    """The lecture's baseline, which knows one character only."""
    print("\nbigrams: one character of context")
    run = Run(m.BigramLanguageModel(data.vocab_size).to(data.options.device), data, 3e-2)
    run.train(steps, 1)
    return run.estimates[-1][2]


def make_gpt(m, data):
    o = data.options
    sizes = data.vocab_size, o.width, o.heads, o.layers, o.block
    count = m.count_parameters(*sizes)
    print(f"\n{o.layers} blocks, {o.heads} heads, {o.width} wide, {o.block} read: {count:,}")
    model = m.GPTLanguageModel(*sizes, o.dropout).to(o.device)
    return Run(model, data, o.lr)


def report(run, bigram):
    """Losses beside the bigram's and the lecture's."""
    steps, train, val = run.estimates[-1]
    print(f"\nafter {steps:,} steps: train {train:.3f}, val {val:.3f}")
    print(f"  bigrams here: {bigram:.3f} (published: about 2.5)")
    print("  published, 10.8M parameters, 5,000 steps on a GPU: train about 1.0, val about 1.48")
    if not run.data.full:
        print("  (on a seventh of the text; `autograder data` fetches all of it)")
    return val


# -------------------------------------------------------------------------------- what it draws


def draw_losses(plt, run, bigram, file):
    """Each step's loss, faint; their running mean; the estimates; the baseline."""
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(run.losses, linewidth=0.4, alpha=0.5, color="tab:blue")
    smooth, mean = [], run.losses[0]
    for loss in run.losses:
        mean = 0.95 * mean + 0.05 * loss
        smooth.append(mean)
    axes.plot(smooth, color="tab:blue", label="training, smoothed")
    steps, train, val = zip(*run.estimates)
    axes.plot(steps, train, "o-", color="tab:green", label="train, estimated")
    axes.plot(steps, val, "o-", color="tab:red", label="val, estimated")
    axes.axhline(bigram, color="gray", linestyle=":", label=f"bigrams: {bigram:.2f}")
    axes.set(xlabel="step", ylabel="loss")
    axes.legend()
    save(plt, figure, file, dpi=100)


def shown(characters):
    return ["↵" if ch == "\n" else "␣" if ch == " " else ch for ch in characters]


def weights_of(m, model, idx):
    """The weights of each head of each block, by the student's own functions: {block: [...]}."""
    import torch

    found = {}
    T = idx.shape[1]
    mask = m.causal_mask(T).to(idx.device)
    with torch.no_grad():
        positions = torch.arange(T, device=idx.device)
        x = model.token_embedding_table(idx) + model.position_embedding_table(positions)
        for i, block in enumerate(model.blocks):
            normed = block.ln1(x)
            found[i] = [
                m.attention_weights(head.query(normed), head.key(normed), mask)[0].cpu()
                for head in block.sa.heads
            ]
            x = block(x)
    return found


def draw_attention(plt, found, characters, file):
    """A row of maps for each block: down the listeners, across who is listened to."""
    rows, columns = len(found), max(len(heads) for heads in found.values())
    size = (3.4 * columns, 3.4 * rows)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for i, heads in found.items():
        for j, wei in enumerate(heads):
            axes = grid[i][j]
            axes.imshow(wei.tolist(), cmap="viridis", vmin=0.0)
            axes.set_xticks(range(len(characters)), shown(characters), fontsize=7)
            axes.set_yticks(range(len(characters)), shown(characters), fontsize=7)
            axes.set_title(f"block {i + 1}, head {j + 1}", fontsize=9)
    save(plt, figure, file, dpi=100)


def draw_graph(m, wei, characters, file):
    """Who may speak to whom, by communication_graph; thick arrows are heard well.

    The file's name: graphviz draws it where its program is there, else its text is left.
    """
    mask = m.causal_mask(len(characters))
    lines = ["digraph communication {", "  rankdir=LR; node [shape=circle];"]
    for i, ch in enumerate(shown(characters)):
        label = ch.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'  n{i} [label="{label}"];')
    for j, i in sorted((int(j), int(i)) for j, i in m.communication_graph(mask)):
        heard = float(wei[i][j])
        lines.append(f'  n{j} -> n{i} [penwidth={0.2 + 5 * heard:.2f}, label="{heard:.2f}"];')
    text = "\n".join([*lines, "}"]) + "\n"
    return write_graph(text, file).name


def show_attention(m, run, gallery):
    """Attention maps and the graph, of a piece of text that the model knows the letters of."""
    import torch

    data = run.data
    characters = [ch for ch in SENTENCE if ch in data.decode(range(data.vocab_size))]
    characters = characters[: data.options.block] or list(data.decode([0]))
    idx = torch.tensor([data.encode(characters)], device=data.options.device)
    run.model.eval()
    try:
        found = weights_of(m, run.model, idx)
    except (AttributeError, TypeError) as error:
        print(f"No attention maps: they need the names of the README ({error})")
        return
    gallery.add("attention.png", draw_attention, found, characters)
    few = min(6, len(characters))
    graph = weights_of(m, run.model, idx[:, :few])[0][0]
    gallery.files.append(draw_graph(m, graph, characters[:few], gallery.out / "graph"))


def main():
    options = arguments()
    texts = DATA / "tinyshakespeare.txt", DATA / "shakespeare_small.txt"
    path, text = read_text(options.data, *texts, least=20 * (options.block + 1))
    began = time.monotonic()
    import gpt as m
    import torch

    options.device = device_of(options.device)
    if options.device == "cpu" and options.width <= 128:
        torch.set_num_threads(1)  # the tensors are small: more threads would wait for one another
    torch.manual_seed(options.seed)
    data = Data(m, path, text, options)
    gallery = Pictures(options.out)
    bigram = bigrams(m, data, min(options.steps, 300))
    run = make_gpt(m, data)
    try:
        run.train(options.steps, min(options.steps, 30), sample=40)
    finally:
        if run.losses:
            if not run.estimates or run.estimates[-1][0] != len(run.losses):
                run.estimate(5)
            report(run, bigram)
            print(run.write(options.write))
            gallery.add("loss.png", draw_losses, run, bigram)
            show_attention(m, run, gallery)
        gallery.print_names()
    print(f"{time.monotonic() - began:.0f} seconds on {options.device}")


if __name__ == "__main__":
    run_main(main, "gpt")
