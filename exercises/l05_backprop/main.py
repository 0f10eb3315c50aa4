"""What your backprop.py can do: train a network without loss.backward(), and compare every
gradient with PyTorch's.

python main.py [--data FILE] [--steps N] [--device D] [--seed N] [--out DIR]
"""

import argparse
import functools
import sys
import time
from pathlib import Path

from autograder.learn.program import (
    Pictures,
    ProgressLines,
    Stopped,
    device_of,
    read_words,
    run_main,
    save,
)

sys.path.insert(0, str(Path(__file__).resolve().parent))
DATA = Path(__file__).resolve().parents[2] / "data"
BLOCK, BATCH, EMBD, HIDDEN = 3, 32, 10, 200
TABLE_HIDDEN = 64  # the lecture's, for the table
FULL = 200_000  # the lecture's steps
PUBLISHED = {"train": 2.0719, "val": 2.1162}

# Every gradient, and those that its function gets behind c: the lecture's order.
NEEDS = {
    "dlogprobs": (),
    "dprobs": ("dlogprobs",),
    "dcounts_sum_inv": ("dprobs",),
    "dcounts_sum": ("dcounts_sum_inv",),
    "dcounts": ("dprobs", "dcounts_sum"),
    "dnorm_logits": ("dcounts",),
    "dlogit_maxes": ("dnorm_logits",),
    "dlogits": ("dnorm_logits", "dlogit_maxes"),
    "dh": ("dlogits",),
    "dW2": ("dlogits",),
    "db2": ("dlogits",),
    "dhpreact": ("dh",),
    "dbngain": ("dhpreact",),
    "dbnbias": ("dhpreact",),
    "dbnraw": ("dhpreact",),
    "dbnvar_inv": ("dbnraw",),
    "dbnvar": ("dbnvar_inv",),
    "dbndiff2": ("dbnvar",),
    "dbndiff": ("dbnraw", "dbndiff2"),
    "dbnmeani": ("dbndiff",),
    "dhprebn": ("dbndiff", "dbnmeani"),
    "dembcat": ("dhprebn",),
    "dW1": ("dhprebn",),
    "db1": ("dhprebn",),
    "demb": ("dembcat",),
    "dC": ("demb",),
}


def arguments():
    parser = argparse.ArgumentParser(description="Train with your own backprop.py.")
    parser.add_argument(
        "--data", type=Path, help="names, one a line (data/names.txt if there, else names_small)"
    )
    parser.add_argument("--steps", type=int, default=1000, help=f"steps (1000; full: {FULL})")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps or auto (cpu)")
    parser.add_argument("--seed", type=int, default=2147483647, help="of the generator")
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder for pictures")
    options = parser.parse_args()
    if options.steps < 1:
        parser.error("--steps must be 1 or more")
    return options


class Data:
    """The words as numbers: for training, and a tenth each for choosing and for the end."""

    def __init__(self, path, words, device):
        import random

        letters = sorted(set("".join(words)))
        self.letters = [".", *letters]
        self.stoi = {letter: i for i, letter in enumerate(self.letters)}
        shuffled = list(words)
        random.Random(42).shuffle(shuffled)
        n1, n2 = int(0.8 * len(words)), int(0.9 * len(words))
        parts = {"train": shuffled[:n1], "val": shuffled[n1:n2]}
        self.sets = {name: self.examples(part, device) for name, part in parts.items()}
        sizes = " / ".join(f"{len(X):,}" for X, _ in self.sets.values())
        print(f"{path.name}: {len(words):,} words, {len(self.letters)} letters, {sizes} examples")

    def examples(self, words, device):
        """X (N, 3), Y (N,): each letter and the three before it."""
        import torch

        X, Y = [], []
        for word in words:
            ids = [0] * BLOCK + [self.stoi[letter] for letter in word] + [0]
            X += [ids[i : i + BLOCK] for i in range(len(ids) - BLOCK)]
            Y += ids[BLOCK:]
        return torch.tensor(X, device=device), torch.tensor(Y, device=device)


def parameters(vocab, hidden, generator, device):
    """The lecture's beginning: no number is 0, so that no wrong gradient can hide behind one."""
    import torch

    def some(scale, *shape):
        return (scale * torch.randn(shape, generator=generator)).to(device)

    C, W1 = some(1.0, vocab, EMBD), some((5 / 3) / (EMBD * BLOCK) ** 0.5, EMBD * BLOCK, hidden)
    b1, W2, b2 = some(0.1, hidden), some(0.1, hidden, vocab), some(0.1, vocab)
    return [C, W1, b1, W2, b2, some(0.1, 1, hidden) + 1.0, some(0.1, 1, hidden)]


def minibatch(X, Y, generator):
    import torch

    ix = torch.randint(0, len(X), (BATCH,), generator=generator).to(X.device)
    return X[ix], Y[ix]


# ------------------------------------------------------------------------------ what it trains


def train(m, params, data, steps, generator, losses):
    """Steps of the student's, on minibatches; the losses go into the list."""
    X, Y = data.sets["train"]
    every = max(1, steps // 10)
    try:
        with ProgressLines(steps) as tell:
            for step in range(steps):
                rate = 0.1 if step < steps / 2 else 0.01
                losses.append(float(m.train_step(params, *minibatch(X, Y, generator), rate)))
                if step % every == 0 or step == steps - 1:
                    tell(f"step {step:6d}  loss {losses[-1]:.4f}", step + 1)
    except KeyboardInterrupt:
        print(f"\nstopped after {len(losses):,} of {steps:,} steps")
        raise Stopped from None


def loss_over(params, statistics, X, Y):
    """The loss over a whole set, with calibrated mean and variance in place of the batch's."""
    import torch

    C, W1, b1, W2, b2, bngain, bnbias = params
    mean, variance = statistics
    with torch.no_grad():
        hprebn = C[X].flatten(1) @ W1 + b1
        h = torch.tanh(bngain * (hprebn - mean) * (variance + 1e-5) ** -0.5 + bnbias)
        return torch.nn.functional.cross_entropy(h @ W2 + b2, Y).item()


def report(m, params, data, steps, words):
    """Losses beside the published ones."""
    statistics = m.calibrate(params, data.sets["train"][0])
    reached = {name: loss_over(params, statistics, *part) for name, part in data.sets.items()}
    told = ", ".join(f"{name} {loss:.4f}" for name, loss in reached.items())
    published = ", ".join(f"{name} {loss:.4f}" for name, loss in PUBLISHED.items())
    print(f"{told}  (published: {published})")
    if steps < FULL or words != 32_033:
        print(f"  published: {FULL:,} steps on 32,033 names (`autograder data`, --steps {FULL})")
    if words != 32_033:
        print("  (with few words a network learns them by heart: train falls, val doesn't)")


# --------------------------------------------------------------------- is every gradient right?


def table(m, vocab, X, Y, generator, device):
    """Compare all gradients on one minibatch, with cmp.

    Each function gets PyTorch's gradients, so that a wrong line is one wrong line.
    """
    params = [p.requires_grad_() for p in parameters(vocab, TABLE_HIDDEN, generator, device)]
    Xb, Yb = minibatch(X, Y, generator)
    cache = m.forward(params, Xb, Yb)
    c = m.namespace(params, cache)
    things = {name: getattr(c, name[1:]) for name in NEEDS}
    for thing in things.values():
        thing.retain_grad()
    cache["loss"].backward()  # PyTorch's opinion; the training above never asked for it
    print(f"\nevery gradient beside PyTorch's: {BATCH} examples, {TABLE_HIDDEN} neurons, float32")
    c = m.namespace([p.detach() for p in params], {k: t.detach() for k, t in cache.items()})
    for name, needs in NEEDS.items():
        gradients = [things[need].grad.clone() for need in needs]
        asked = functools.partial(answer, m, name, c, gradients)
        row(m, name[1:], things[name], asked)
    print("exercises 2 and 3, each in one go")
    above = things["dhpreact"].grad
    row(m, "logits", things["dlogits"], lambda: m.cross_entropy_backward(c.logits, Yb))
    row(
        m,
        "hprebn",
        things["dhprebn"],
        lambda: m.batchnorm_backward(above.clone(), c.bngain, c.bnraw, c.bnvar_inv),
    )


def answer(m, name, c, gradients):
    return getattr(m, name)(c, *gradients)


def row(m, label, thing, gradient):
    """One line of the table."""
    import torch

    try:
        found = gradient()
    except (NotImplementedError, AttributeError) as error:
        missing = isinstance(error, NotImplementedError) or error.obj is m
        print(f"{label:15s} | {'not written yet' if missing else f'AttributeError: {error}'}")
        return
    except Exception as error:  # theirs, whatever it is: the other rows are shown all the same
        print(f"{label:15s} | {type(error).__name__}: {error}")
        return
    right = thing.grad
    if not isinstance(found, torch.Tensor) or found.shape != right.shape:
        shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        print(f"{label:15s} | shape {shape}, but it is {tuple(right.shape)}")
        return
    try:
        m.cmp(label, found, thing)
    except NotImplementedError:
        print(f"{label:15s} | maxdiff: {(found - right).abs().max().item()} (cmp isn't written)")


# -------------------------------------------------------------------------------- what it draws


def draw_losses(plt, losses, file):
    """The loss of each minibatch, and the mean over a hundredth of them."""
    width = max(1, len(losses) // 100)
    means = [sum(losses[i : i + width]) / width for i in range(0, len(losses) - width + 1, width)]
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(losses, linewidth=0.4, alpha=0.6)
    axes.plot([width * (i + 0.5) for i in range(len(means))], means, color="tab:red")
    axes.set(xlabel="step", ylabel="loss", title="trained without loss.backward()")
    save(plt, figure, file)


def draw_dlogits(plt, m, params, data, generator, file):
    """Pull and push: the gradient by the logits, for a minibatch and for its first example."""
    Xb, Yb = minibatch(*data.sets["train"], generator)
    d = m.cross_entropy_backward(m.forward(params, Xb, Yb)["logits"], Yb).detach().cpu()
    first, label = (d[0] * len(d)).tolist(), int(Yb[0])
    context = "".join(data.letters[i] for i in Xb[0].tolist())
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 6))
    most = float(d.abs().max())
    left.imshow(d.tolist(), cmap="RdBu", vmin=-most, vmax=most, interpolation="nearest")
    left.set(xlabel="letter", ylabel="example", title="dlogits: red is pulled up, blue pushed down")
    colours = ["tab:red" if x < 0 else "tab:blue" for x in first]
    right.bar(range(len(first)), first, color=colours)
    right.set_xticks(range(len(first)), data.letters)
    right.set_title(f'"{context}" → "{data.letters[label]}": n times its row, sum {sum(first):.1e}')
    save(plt, figure, file)


def learn(m, data, options, words, generator, gallery):
    """Train, report, draw; Ctrl-C goes to the report."""
    params = parameters(len(data.letters), HIDDEN, generator, options.device)
    count = sum(p.numel() for p in params)
    print(f"{EMBD} dimensions, {HIDDEN} neurons: {count:,} parameters, and no loss.backward()")
    losses = []
    try:
        train(m, params, data, options.steps, generator, losses)
    finally:
        if losses:
            report(m, params, data, len(losses), words)
            gallery.add("loss.png", draw_losses, losses)
            gallery.add("dlogits.png", draw_dlogits, m, params, data, generator)


def main():
    options = arguments()
    path, words = read_words(options.data, DATA / "names.txt", DATA / "names_small.txt")
    began = time.monotonic()
    import backprop as m
    import torch

    torch.set_num_threads(1)  # the tensors are small: more threads would wait for one another
    options.device = device_of(options.device)
    data = Data(path, words, options.device)
    generator = torch.Generator().manual_seed(options.seed)
    gallery = Pictures(options.out)
    try:
        learn(m, data, options, len(words), generator, gallery)
        X, Y = data.sets["train"]
        table(m, len(data.letters), X, Y, generator, options.device)
    finally:
        gallery.print_names()
    print(f"{time.monotonic() - began:.0f} seconds on {options.device}")


if __name__ == "__main__":
    run_main(main, "backprop")
