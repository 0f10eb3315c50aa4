"""What your mlp.py can do: find a learning rate, train on names, draw what was learnt, make names.

python main.py [--data FILE] [--steps N] [--device D] [--seed N] [--out DIR]
"""

import argparse
import math
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
BLOCK, BATCH = 3, 32
FULL = 200_000  # the lecture's steps


def arguments():
    parser = argparse.ArgumentParser(description="Train and sample with your own mlp.py.")
    parser.add_argument(
        "--data", type=Path, help="names, one a line (data/names.txt if there, else names_small)"
    )
    parser.add_argument("--steps", type=int, default=5000, help=f"steps (5000; full: {FULL})")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps or auto (cpu)")
    parser.add_argument("--seed", type=int, default=2147483647, help="of the generator")
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder for pictures")
    options = parser.parse_args()
    if options.steps < 1:
        parser.error("--steps must be 1 or more")
    return options


class Data:
    """The words, numbered, split and cut into examples by the student's functions."""

    def __init__(self, m, path, words, device):
        self.stoi, self.itos = m.build_vocab(words)
        parts = m.split_words(words)
        sets = [m.build_dataset(part, self.stoi, BLOCK) for part in parts]
        self.sets = [(X.to(device), Y.to(device)) for X, Y in sets]
        sizes = " / ".join(f"{len(X):,}" for X, _ in self.sets)
        print(f"{path.name}: {len(words):,} words, {len(self.stoi)} letters, {sizes} examples")


def parameters(m, vocab, n_embd, n_hidden, generator, device):
    """Parameters on the device, kept as init_params keeps them."""
    made = m.init_params(vocab, n_embd, BLOCK, n_hidden, generator)
    count = m.capacity(vocab, n_embd, BLOCK, n_hidden)
    print(f"\n{n_embd} dimensions, {n_hidden} hidden neurons: {count:,} parameters")
    if isinstance(made, dict):
        return {key: p.detach().to(device).requires_grad_() for key, p in made.items()}
    return [p.detach().to(device).requires_grad_() for p in made]


def tensors(params):
    return list(params.values()) if isinstance(params, dict) else list(params)


# ------------------------------------------------------------------------------ what it trains


def search(m, params, X, Y, generator):
    """The lecture's search for a learning rate: rates, losses and the suggestion."""
    import torch

    lrs = torch.as_tensor(m.lr_candidates(-3, 0, 1000)).to(X.device)
    losses = m.find_lr(params, X, Y, lrs, BATCH, generator)
    losses = torch.as_tensor([float(loss) for loss in losses]).to(X.device)
    suggestion = float(m.suggest_lr(lrs, losses, 51))
    print(f"1000 rates tried: the loss is lowest around {suggestion:.3f}")
    print("  (published: a valley around 0.1; the lecture trains with 0.1, then with 0.01)")
    return lrs.tolist(), losses.tolist(), suggestion


def train(m, params, data, steps, generator, losses):
    """Train on minibatches, with the lecture's rates; the losses go into the list."""
    (X, Y), (Xdev, Ydev) = data.sets[:2]
    every = max(1, steps // 10)
    try:
        with ProgressLines(steps) as tell:
            for step in range(steps):
                ix = m.minibatch(len(X), BATCH, generator)
                losses.append(float(m.train_step(params, X[ix], Y[ix], m.lr_at(step, steps))))
                if step % every == 0 or step == steps - 1:
                    dev = float(m.evaluate(params, Xdev, Ydev))
                    tell(f"step {step:6d}  loss {losses[-1]:.4f}  dev {dev:.4f}", step + 1)
    except KeyboardInterrupt:
        print(f"\nstopped after {len(losses):,} of {steps:,} steps")
        raise Stopped from None


def report(m, params, data, steps, full):
    """Losses beside the published ones, and some new words."""
    (X, Y), (Xdev, Ydev) = data.sets[:2]
    train_loss, dev_loss = float(m.evaluate(params, X, Y)), float(m.evaluate(params, Xdev, Ydev))
    print(f"train {train_loss:.3f}, dev {dev_loss:.3f}  (published: train 2.126, dev 2.170)")
    perplexity = float(m.perplexity(dev_loss))
    print(f"  perplexity {perplexity:.1f} (published: 8.8; who knows nothing: {len(data.stoi)})")
    if steps < FULL or not full:
        print(f"  published: {FULL:,} steps on 32,033 names (`autograder data`, --steps {FULL})")
    if not full:
        print("  (with few words a network learns them by heart: train falls, dev doesn't)")
    return train_loss, dev_loss


def new_words(m, params, itos, generator, n=10):
    """Words drawn on the CPU, where the generator is."""
    if isinstance(params, dict):
        params = {key: p.detach().cpu() for key, p in params.items()}
    else:
        params = [p.detach().cpu() for p in params]
    return [m.sample(params, itos, BLOCK, generator, 30) for _ in range(n)]


# -------------------------------------------------------------------------------- what it draws


def draw_rates(plt, lrs, losses, suggestion, file):
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot([math.log10(lr) for lr in lrs], losses, linewidth=0.7)
    axes.axvline(math.log10(suggestion), color="tab:red", label=f"suggested: {suggestion:.3f}")
    known = sorted(loss for loss in losses if math.isfinite(loss))
    top = known[int(0.95 * (len(known) - 1))] if known else 1.0
    axes.set(xlabel="exponent of the learning rate", ylabel="loss", ylim=(0, 1.2 * top))
    axes.legend()
    axes.set_title("a step at each rate")
    save(plt, figure, file)


def draw_losses(plt, losses, file):
    """log10 of the loss of each minibatch, and the mean over a hundredth of them."""
    logs = [math.log10(max(loss, 1e-9)) for loss in losses]
    width = max(1, len(logs) // 100)
    means = [sum(logs[i : i + width]) / width for i in range(0, len(logs) - width + 1, width)]
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(logs, linewidth=0.4, alpha=0.6)
    axes.plot([width * (i + 0.5) for i in range(len(means))], means, color="tab:red")
    axes.set(xlabel="step", ylabel="log10 of the loss", title="training")
    save(plt, figure, file)


def draw_letters(plt, C, itos, file):
    """The table C of two dimensions: each letter where the network put it."""
    points = C.detach().cpu().tolist()
    figure, axes = plt.subplots(figsize=(7, 7))
    axes.scatter(*zip(*points), s=220, color="tab:blue", alpha=0.8)
    for i, (x, y) in enumerate(points):
        axes.text(x, y, itos[i], ha="center", va="center", color="white")
    axes.grid(visible=True, alpha=0.3)
    axes.set_title("the letters as points")
    save(plt, figure, file)


def draw_dead(plt, m, params, X, file):
    """White where a neuron is far out for an example: a white column is a dead neuron."""
    import torch

    C, W1, b1 = tensors(params)[:3]
    with torch.no_grad():
        h = torch.tanh(m.concat(m.embed(C, X[:200])) @ W1 + b1)
    share, dead = m.dead_neurons(h)
    figure, axes = plt.subplots(figsize=(9, 6))
    axes.imshow((h.abs() > 0.99).cpu().tolist(), cmap="gray", interpolation="nearest")
    mean, count = sum(float(s) for s in share) / len(share), sum(bool(d) for d in dead)
    title = f"abs(h) > 0.99: {100 * mean:.0f} % of all; dead neurons: {count}"
    axes.set(xlabel="neuron", ylabel="example", title=title)
    save(plt, figure, file)
    print(f"hidden layer: {title}")


def letters_in_the_plane(m, data, options, generator, gallery):
    """The lecture's first network, whose table can be drawn."""
    params = parameters(m, len(data.stoi), 2, 100, generator, options.device)
    losses = []
    try:
        train(m, params, data, min(options.steps, 20_000), generator, losses)
    finally:
        if losses:
            gallery.add("letters.png", draw_letters, tensors(params)[0], data.itos)


def last_network(m, data, options, generator, gallery, full):
    """The lecture's last network: rate, training, losses, new names."""
    params = parameters(m, len(data.stoi), 10, 200, generator, options.device)
    found = search(m, params, *data.sets[0], generator)
    gallery.add("rates.png", draw_rates, *found)
    losses = []
    try:
        train(m, params, data, options.steps, generator, losses)
    finally:
        if losses:
            report(m, params, data, len(losses), full)
            gallery.add("loss.png", draw_losses, losses)
            gallery.add("dead.png", draw_dead, m, params, data.sets[0][0])
            print("new names:", ", ".join(new_words(m, params, data.itos, generator)))


def main():
    options = arguments()
    path, words = read_words(options.data, DATA / "names.txt", DATA / "names_small.txt")
    began = time.monotonic()
    import mlp as m
    import torch

    torch.set_num_threads(1)  # the tensors are small: more threads would wait for one another
    options.device = device_of(options.device)
    data = Data(m, path, words, options.device)
    generator = torch.Generator().manual_seed(options.seed)
    gallery = Pictures(options.out)
    try:
        letters_in_the_plane(m, data, options, generator, gallery)
        last_network(m, data, options, generator, gallery, len(words) == 32_033)
    finally:
        gallery.print_names()
    print(f"{time.monotonic() - began:.0f} seconds on {options.device}")


if __name__ == "__main__":
    run_main(main, "mlp")
