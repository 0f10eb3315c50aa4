"""What your gpt2.py can do: train GPT-2's shape on Shakespeare, stop, resume, grow, write.

autograder run gpt2 -- [--data FILE] [--steps N] [--device D] [--seed N] [--out DIR]
                       [--layers N] [--heads N] [--width N] [--block N] [--batch N] [--micro N]
                       [--dropout P] [--lr R] [--no-resume] [--write N]

Halfway a checkpoint is saved, and a new model goes on from it. A larger run, on a GPU:
--layers 12 --heads 12 --width 768 --block 1024 --batch 32 --micro 8 --lr 6e-4 --device cuda
"""

import argparse
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
)

DATA = Path(__file__).resolve().parents[2] / "data"
SENTENCE = "First Citizen:\nSpeak."  # what the attention pictures are of
PUBLISHED = "published, 124M parameters on web text (OpenWebText-class data): val about 3.29"


def arguments():
    parser = argparse.ArgumentParser(description="Train, resume and write with your gpt2.py.")
    add = parser.add_argument
    add("--data", type=Path, help="a text (data/tinyshakespeare.txt if there, else a piece of it)")
    add("--steps", type=int, default=400, help="steps (400)")
    add("--device", default="cpu", help="cpu, cuda, mps or auto (cpu)")
    add("--seed", type=int, default=1337, help="of the generators")
    add("--out", type=Path, default=Path("pictures"), help="folder for pictures and checkpoint")
    add("--layers", type=int, default=4, help="blocks (4; GPT-2 small: 12)")
    add("--heads", type=int, default=4, help="heads of a block (4; 12)")
    add("--width", type=int, default=128, help="numbers of a position, n_embd (128; 768)")
    add("--block", type=int, default=32, help="characters that are read, block_size (32; 1024)")
    add("--batch", type=int, default=16, help="pieces of text of a step (16)")
    add("--micro", type=int, default=8, help="pieces that go through at once (8)")
    add("--dropout", type=float, default=0.0, help="(0)")
    add("--lr", type=float, default=2e-3, help="the highest learning rate (2e-3; GPT-2: 6e-4)")
    add("--no-resume", action="store_true", help="train in one go, without a checkpoint")
    add("--write", type=int, default=300, help="characters that are written in the end (300)")
    options = parser.parse_args()
    for name in ("steps", "layers", "heads", "width", "block", "batch", "micro"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be 1 or more")
    if options.width % options.heads:
        parser.error(f"--heads {options.heads} doesn't divide --width {options.width}")
    return options


class Data:
    """The text as numbers, nine tenths for training, and batches of it."""

    def __init__(self, path, text, options):
        import torch

        self.letters = sorted(set(text))
        data = torch.tensor(self.encode(text), dtype=torch.int64)
        n = int(0.9 * len(data))
        self.parts = {"train": data[:n], "val": data[n:]}
        self.options = options
        self.full = len(text) > 1_000_000
        self.generator = torch.Generator()
        print(f"{path.name}: {len(text):,} characters, {len(self.letters)} kinds")

    def encode(self, text):
        numbers = {letter: i for i, letter in enumerate(self.letters)}
        return [numbers[letter] for letter in text if letter in numbers]

    def decode(self, numbers):
        """Numbers without a letter are shown as boxes: tokens that were added."""
        known = len(self.letters)
        return "".join(self.letters[i] if i < known else "▯" for i in numbers)

    def batch(self, split, step):
        """What belongs to this step, whichever run it is in: a resumed one reads on."""
        import torch

        o, data = self.options, self.parts[split]
        self.generator.manual_seed(1_000_003 * o.seed + 2 * step + (split == "val"))
        starts = torch.randint(len(data) - o.block, (o.batch,), generator=self.generator).tolist()
        x = torch.stack([data[i : i + o.block] for i in starts])
        y = torch.stack([data[i + 1 : i + 1 + o.block] for i in starts])
        return x.to(o.device), y.to(o.device)


# ------------------------------------------------------------------------------ what it trains


class Run:
    """A model's training by the student's functions: the record of it outlives the model."""

    def __init__(self, m, data):
        self.m, self.data, self.o = m, data, data.options
        self.losses, self.rates, self.norms, self.estimates = [], [], [], []
        self.resumed_at = None
        self.seconds = 0.0
        self.begin()

    def begin(self):
        """A new model and a new optimizer."""
        m, o = self.m, self.o
        sizes = {"block_size": o.block, "vocab_size": len(self.data.letters)}
        sizes |= {"n_layer": o.layers, "n_head": o.heads, "n_embd": o.width}
        self.config = m.GPTConfig(dropout=o.dropout, bias=False, **sizes)
        self.model = m.GPT(self.config).to(o.device)
        kind = str(o.device).partition(":")[0]
        self.optimizer = self.model.configure_optimizers(0.1, o.lr, (0.9, 0.95), kind)

    def step(self, it):
        """Schedule, accumulation, clipping, AdamW."""
        m, o = self.m, self.o
        began = time.monotonic()
        rate = float(m.get_lr(it, max(1, o.steps // 10), o.steps, o.lr, o.lr / 10))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = m.accumulate(self.model, *self.data.batch("train", it), o.micro)
        norm = m.clip_grad(list(self.model.parameters()), 1.0)
        self.optimizer.step()
        self.seconds += time.monotonic() - began
        self.losses.append(float(loss))
        self.rates.append(rate)
        self.norms.append(float(norm))

    def estimate(self, batches=10):
        import torch

        self.model.eval()
        found = []
        with torch.no_grad():
            for split in ("train", "val"):
                pairs = [self.data.batch(split, -1 - i) for i in range(batches)]
                found.append(sum(float(self.model(*pair)[1]) for pair in pairs) / batches)
        self.model.train()
        self.estimates.append((len(self.losses), *found))
        return found

    def train(self, until):
        every = max(1, self.o.steps // 6)
        try:
            with ProgressLines(self.o.steps) as tell:
                for it in range(len(self.losses), until):
                    self.step(it)
                    line = ""
                    if (it + 1) % every == 0 or it + 1 == until:
                        train, val = self.estimate()
                        line = f"step {it + 1:5d}  train {train:.3f}  val {val:.3f}"
                        line += f"  lr {self.rates[-1]:.1e}  norm {self.norms[-1]:.2f}"
                    tell(line, it + 1)
        except KeyboardInterrupt:
            print(f"\nstopped after {len(self.losses):,} of {self.o.steps:,} steps")
            raise Stopped from None

    def restart(self, path):
        """Save, forget everything, and go on from the file."""
        step = len(self.losses)
        self.m.save_checkpoint(str(path), self.model, self.optimizer, step)
        print(f"step {step:5d}  checkpoint {path}, {path.stat().st_size / 1e6:.1f} MB")
        before = self.m.accumulate(self.model, *self.data.batch("train", step), self.o.micro)
        self.begin()
        step = int(self.m.load_checkpoint(str(path), self.model, self.optimizer))
        after = self.m.accumulate(self.model, *self.data.batch("train", step), self.o.micro)
        said = "the same" if float(before) == float(after) else f"{float(before)} before"
        print(f"step {step:5d}  resumed in a new model: next loss {float(after):.6f}, {said}")
        self.resumed_at = step

    def write(self, n, **options):
        import torch

        self.model.eval()
        first = torch.zeros((1, 1), dtype=torch.int64, device=self.o.device)
        idx = self.model.generate(first, n, **options)
        self.model.train()
        return self.data.decode(idx[0].tolist())


def report(run):
    """Losses beside the published one, flops beside the chip's."""
    m, o = run.m, run.o
    steps, train, val = run.estimates[-1]
    print(f"\nafter {steps:,} steps: train {train:.3f}, val {val:.3f} (characters)")
    print(f"  {PUBLISHED}")
    print("  (a loss of tokens, about four characters each: the two can't be compared)")
    if not run.data.full:
        print("  (on a seventh of the text; `autograder data` fetches all of it)")
    count = int(m.count_params(run.config))
    a_step = run.seconds / max(1, len(run.losses))
    share = float(m.estimate_mfu(count, run.config, o.batch, a_step))
    print(f"  {a_step * 1000:.0f} ms a step: {share:.4%} of an A100's 312 · 10¹² flops a second")


def operate(run):
    """What surgery does: one more token, and a learnt prompt."""
    import torch

    m, data, o = run.m, run.data, run.o
    n_old = len(data.letters)
    run.model.eval()
    model = m.resize_vocab(run.model, 1)
    optimizer = m.freeze_base(model, n_old, lr=1e-2)
    X, Y = data.batch("val", 0)
    Y[:, -1] = n_old  # the new token ends every piece
    losses = []
    for _ in range(20):
        loss = model(X, Y)[1]
        for p in model.parameters():
            p.grad = None
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"\none token more, the base frozen: its loss goes {losses[0]:.3f} -> {losses[-1]:.3f}")
    if o.block > 8:
        X, Y = data.batch("val", 1)
        _, losses = m.learn_prompt(model, X[:, :-4], Y[:, :-4], 4, 20, 3e-2)
        first, last = float(losses[0]), float(losses[-1])
        print(f"a prompt of four learnt vectors: the loss goes {first:.3f} -> {last:.3f}")
    idx = torch.zeros((1, 1), dtype=torch.int64, device=o.device)
    times = {}
    for name in ("whole", "cached"):
        began = time.monotonic()
        if name == "whole":
            model.generate(idx, o.block - 1, top_k=1)
        else:
            m.generate_cached(model, idx, o.block - 1)
        times[name] = 1000 * (time.monotonic() - began)
    took = f"{times['whole']:.0f} ms without a cache, {times['cached']:.0f} ms with one"
    print(f"{o.block - 1} characters: {took}")


# -------------------------------------------------------------------------------- what it draws


def draw_schedule(plt, m, options, rates, file):
    """The whole schedule by get_lr, and where the run is on it."""
    its = range(options.steps + options.steps // 10 + 1)
    settings = max(1, options.steps // 10), options.steps, options.lr, options.lr / 10
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(its, [float(m.get_lr(it, *settings)) for it in its], color="lightgray", linewidth=4)
    axes.plot(range(len(rates)), rates, color="tab:blue", label="used")
    axes.set(xlabel="step", ylabel="learning rate")
    axes.legend()
    save(plt, figure, file, dpi=90)


def draw_losses(plt, run, file):
    """Each step's loss and the estimates, with the place where it was resumed."""
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(run.losses, linewidth=0.6, alpha=0.6, color="tab:blue", label="training")
    steps, train, val = zip(*run.estimates)
    axes.plot(steps, train, "o-", color="tab:green", label="train, estimated")
    axes.plot(steps, val, "o-", color="tab:red", label="val, estimated")
    if run.resumed_at is not None:
        axes.axvline(run.resumed_at, color="black", linestyle=":", label="resumed in a new model")
    axes.set(xlabel="step", ylabel="loss")
    axes.legend()
    save(plt, figure, file, dpi=90)


def shown(characters):
    return ["↵" if ch == "\n" else "␣" if ch == " " else ch for ch in characters]


def weights_of(m, model, idx):
    """Each head's weights in each block: by the student's layers, on the way through them."""
    import torch

    found, kept = [], {}
    with torch.no_grad():
        hooks = []
        for i, block in enumerate(model.transformer.h):
            hook = block.attn.c_attn.register_forward_hook(
                lambda _, __, out, i=i: kept.__setitem__(i, out)
            )
            hooks.append(hook)
        model(idx)
        for hook in hooks:
            hook.remove()
        T, n_head = idx.shape[1], model.config.n_head
        future = torch.ones(T, T, device=idx.device).tril() == 0
        for i in range(len(kept)):
            q, k, _ = kept[i][0].chunk(3, -1)  # (T, C) each
            q, k = (t.view(T, n_head, -1).transpose(0, 1) for t in (q, k))
            wei = q @ k.mT / q.shape[-1] ** 0.5
            found.append(wei.masked_fill(future, float("-inf")).softmax(-1).cpu())
    return found


def draw_attention(plt, found, characters, file):
    """A row of maps for each block: down who listens, across who is listened to."""
    rows, columns = len(found), len(found[0])
    size = (3.0 * columns, 3.0 * rows)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for i, heads in enumerate(found):
        for j, wei in enumerate(heads):
            axes = grid[i][j]
            axes.imshow(wei.tolist(), cmap="viridis", vmin=0.0)
            axes.set_xticks(range(len(characters)), shown(characters), fontsize=6)
            axes.set_yticks(range(len(characters)), shown(characters), fontsize=6)
            axes.set_title(f"block {i}, head {j}", fontsize=9)
    save(plt, figure, file, dpi=90)


def show_attention(m, run, gallery):
    import torch

    ids = run.data.encode(SENTENCE)[: run.o.block] or [0]
    idx = torch.tensor([ids], device=run.o.device)
    run.model.eval()
    try:
        found = weights_of(m, run.model, idx)
    except (AttributeError, TypeError) as error:
        print(f"No attention maps: they need the names of the README ({error})")
        return
    gallery.add("attention.png", draw_attention, found, run.data.decode(ids))


def main():
    options = arguments()
    texts = DATA / "tinyshakespeare.txt", DATA / "shakespeare_small.txt"
    path, text = read_text(options.data, *texts, least=20 * (options.block + 1))
    began = time.monotonic()
    import gpt2 as m
    import torch

    options.device = device_of(options.device)
    if options.device == "cpu" and options.width <= 256:
        torch.set_num_threads(1)  # the tensors are small: more threads would wait for one another
    torch.manual_seed(options.seed)
    data = Data(path, text, options)
    gallery = Pictures(options.out)
    run = Run(m, data)
    count = int(m.count_params(run.config))
    sizes = f"{options.layers} blocks, {options.heads} heads, {options.width} wide"
    print(f"{sizes}, {options.block} read: {count:,} parameters (GPT-2 small: 124,439,808)")
    try:
        if not options.no_resume and options.steps > 1:
            run.train(options.steps // 2)
            run.restart(options.out / "checkpoint.pt")
        run.train(options.steps)
    finally:
        if run.losses:
            if not run.estimates or run.estimates[-1][0] != len(run.losses):
                run.estimate(5)
            report(run)
            print(run.write(options.write, temperature=0.8, top_k=20))
            gallery.add("schedule.png", draw_schedule, m, options, run.rates)
            gallery.add("loss.png", draw_losses, run)
            show_attention(m, run, gallery)
        gallery.print_names()
    operate(run)
    print(f"{time.monotonic() - began:.0f} seconds on {options.device}")


if __name__ == "__main__":
    run_main(main, "gpt2")
