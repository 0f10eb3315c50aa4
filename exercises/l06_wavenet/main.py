"""What your wavenet.py can do: grow a tree over eight letters, train it on names, make names.

python main.py [--size 22K|76K] [--data FILE] [--steps N] [--device D] [--seed N] [--out DIR]
"""

import argparse
import random
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
BLOCK, BATCH = 8, 32
FULL = 200_000  # the lecture's steps
# n_embd, n_hidden, and what the lecture reached: train, dev
SIZES = {"22K": (10, 68, 1.912, 2.022), "76K": (24, 128, 1.769, 1.993)}


def arguments():
    parser = argparse.ArgumentParser(description="Train and sample with your own wavenet.py.")
    parser.add_argument("--size", choices=SIZES, default="22K", help="of the tree (22K)")
    parser.add_argument(
        "--data", type=Path, help="names, one a line (data/names.txt if there, else names_small)"
    )
    parser.add_argument("--steps", type=int, default=10_000, help=f"steps (10000; full: {FULL})")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps or auto (cpu)")
    parser.add_argument("--seed", type=int, default=42, help="of first numbers and minibatches")
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder for pictures")
    options = parser.parse_args()
    if options.steps < 1:
        parser.error("--steps must be 1 or more")
    return options


class Data:
    """The words, numbered, split and cut into examples as in lecture 3."""

    def __init__(self, path, words, device):
        letters = ".", *sorted(set("".join(words)))
        self.itos = dict(enumerate(letters))
        self.stoi = {letter: i for i, letter in self.itos.items()}
        words = list(words)
        random.Random(42).shuffle(words)
        a, b = int(0.8 * len(words)), int(0.9 * len(words))
        self.train = self.examples(words[:a], device)
        self.dev = self.examples(words[a:b], device)
        print(
            f"{path.name}: {len(words):,} words, {len(letters)} letters,"
            f" {len(self.train[0]):,} examples to train on, {len(self.dev[0]):,} for dev"
        )

    def examples(self, words, device):
        import torch

        X, Y = [], []
        for word in words:
            ids = [0] * BLOCK + [self.stoi[letter] for letter in word] + [0]
            for i in range(len(word) + 1):
                X.append(ids[i : i + BLOCK])
                Y.append(ids[i + BLOCK])
        return torch.tensor(X, device=device), torch.tensor(Y, device=device)


# ------------------------------------------------------------------------------ what it trains


def plant(m, vocab, n_embd, n_hidden, device):
    """A new tree on the device, with parameters that want gradients."""
    model = m.wavenet(vocab, BLOCK, n_embd, n_hidden)
    move(model, device)
    parameters = list(model.parameters())
    for p in parameters:
        p.requires_grad = True
    count = sum(p.numel() for p in parameters)
    sees = m.group_sizes(BLOCK, 2)
    print(f"\nn_embd {n_embd}, n_hidden {n_hidden}: {count:,} parameters; nodes see {sees} letters")
    return model


def walk(part):
    """A model and the layers in it, whatever they are kept in."""
    found, todo, seen = [], [part], set()
    while todo:
        it = todo.pop(0)
        if isinstance(it, (list, tuple)):
            todo[:0] = it
        elif isinstance(it, dict):
            todo[:0] = it.values()
        elif id(it) not in seen and (
            type(it).__module__ == "wavenet" or hasattr(it, "named_buffers")
        ):
            seen.add(id(it))
            found.append(it)
            todo[:0] = [vars(it)]
    return found


def move(model, device):
    """Every tensor of a model to the device; parameters stay the parameters that they are."""
    import torch

    for part in walk(model):
        boxes = [vars(part)]
        while boxes:
            box = boxes.pop()
            for value in list(box.values() if isinstance(box, dict) else box):
                if isinstance(value, torch.Tensor):
                    value.data = value.data.to(device)
                elif isinstance(value, (dict, list, tuple)):
                    boxes.append(value)


def train(m, model, data, options, losses):
    """The lecture's steps: rate 0.1, and 0.01 for the last quarter; the losses go to the list."""
    import torch

    (X, Y), parameters = data.train, list(model.parameters())
    g = torch.Generator().manual_seed(options.seed)
    every = max(1, options.steps // 10)
    m.set_training(model, True)
    try:
        with ProgressLines(options.steps) as tell:
            for step in range(options.steps):
                ix = torch.randint(0, len(X), (BATCH,), generator=g).to(X.device)
                loss = torch.nn.functional.cross_entropy(model(X[ix]), Y[ix])
                for p in parameters:
                    p.grad = None
                loss.backward()
                rate = 0.1 if step < 0.75 * options.steps else 0.01
                with torch.no_grad():
                    for p in parameters:
                        p -= rate * p.grad
                losses.append(loss.item())
                if step % every == 0 or step == options.steps - 1:
                    recent = losses[-1000:]
                    mean = sum(recent) / len(recent)
                    tell(f"step {step:6d}  loss {losses[-1]:.4f}  lately {mean:.4f}", step + 1)
    except KeyboardInterrupt:
        print(f"\nstopped after {len(losses):,} of {options.steps:,} steps")
        raise Stopped from None


def report(m, model, data, options, steps, words):
    """Losses beside the published ones, which took 200,000 steps on all names."""
    *_, train_known, dev_known = SIZES[options.size]
    reached = [float(m.split_loss(model, *part)) for part in (data.train, data.dev)]
    print(f"\n{options.size} tree     train   dev")
    how = f"after {steps:,} steps on {words:,} names"
    print(f"reached      {reached[0]:.3f}   {reached[1]:.3f}   {how}")
    print(
        f"published    {train_known:.3f}   {dev_known:.3f}   after {FULL:,} steps on 32,033 names"
    )
    if options.size == "22K":
        print("             1.941   2.029   the same with statistics for each position (38:50)")
        print("             1.769   1.993   the larger tree, --size 76K")
    if words < 32_033:
        print("With few names a network learns them by heart: train falls, dev doesn't.")
        print("`autograder data` fetches all of them.")
    if steps < FULL:
        print(f"--steps {FULL} is the lecture's own length.")


def new_words(m, model, data, options, n=10):
    """Words of the tree in eval mode."""
    import torch

    m.set_training(model, False)
    g = torch.Generator().manual_seed(options.seed)
    move(model, "cpu")  # where the generator is
    words = [m.sample(model, data.itos, BLOCK, g) for _ in range(n)]
    print("\nnew names:", ", ".join(words))


def slide(m, model, data, word="evangelina"):
    """The same logits twice: for each window by itself, and all of them in one pass."""
    import torch

    if not set(word) <= set(data.stoi):
        return
    ids = [0] * BLOCK + [data.stoi[letter] for letter in word]
    ids = torch.tensor(ids, device=data.train[0].device)
    m.set_training(model, False)
    with torch.no_grad():
        windows = ids.unfold(0, BLOCK, 1)
        apart = (m.dilated_tree(model, ids) - model(windows)).abs().max().item()
    print(f"{word}: {len(windows)} windows in one pass, at most {apart:.0e} from one by one")


# -------------------------------------------------------------------------------- what it draws


def draw_losses(plt, m, losses, file):
    """The loss of each minibatch, and the means of n in a row."""
    n = max(1, min(1000, len(losses) // 20))
    whole = losses[: len(losses) // n * n]
    means = [float(mean) for mean in m.smooth(whole, n)]
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(losses, linewidth=0.3, alpha=0.4)
    axes.plot([n * (i + 0.5) for i in range(len(means))], means, color="tab:red")
    low, high = min(means), max(means)
    margin = 0.3 + 0.2 * (high - low)
    axes.set(xlabel="step", ylabel="loss", ylim=(low - margin, high + margin))
    axes.set_title(f"training, and means of {n:,} steps in a row")
    save(plt, figure, file)


def reaches(m, model, data):
    """For each node of each level the letters that it depends on, found by changing them.

    A level's nodes are what a FlattenConsecutive answers: its rows change where a letter does.
    """
    import torch

    seen = []

    def listen(layer):
        call = type(layer).__call__

        class Listening(type(layer)):
            def __call__(self, x):
                out = call(self, x)
                if isinstance(out, torch.Tensor):
                    seen.append(out if out.ndim == 3 else out[:, None])
                return out

        layer.__class__ = Listening
        return layer, Listening.__bases__[0]

    parts = [part for part in walk(model) if isinstance(part, m.FlattenConsecutive)]
    changed = [listen(part) for part in parts]
    m.set_training(model, False)
    ids = data.train[0][-1:]
    others = (ids + torch.eye(BLOCK, dtype=torch.int64, device=ids.device)) % len(data.itos)
    try:
        with torch.no_grad():
            model(torch.cat([ids, others]))
    finally:
        for layer, kind in changed:
            layer.__class__ = kind
    # level -> node -> letters
    return [
        [[i for i in range(BLOCK) if not torch.equal(rows[0, t], rows[i + 1, t])]
         for t in range(rows.shape[1])]
        for rows in seen
    ]  # fmt: skip


def draw_tree(plt, sizes, levels, itos, ids, file):
    """Letters below, a row of nodes for each level; lines from a node to all that it sees."""
    figure, axes = plt.subplots(figsize=(8, 5))
    height = len(levels)
    for i, letter in enumerate(ids):
        axes.text(i, -0.25, itos[letter], ha="center", va="center", fontsize=14)
    where = {0: [float(i) for i in range(len(ids))]}
    for k, nodes in enumerate(levels, 1):
        where[k] = [sum(letters) / max(1, len(letters)) for letters in nodes]
        for x, letters in zip(where[k], nodes):
            if letters:
                axes.barh(k, letters[-1] - letters[0] + 0.8, 0.5, letters[0] - 0.4, alpha=0.25)
            for below in where[k - 1]:
                if letters and letters[0] <= below <= letters[-1]:
                    axes.plot([below, x], [k - 1, k], color="gray", linewidth=1)
            axes.plot([x], [k], "o", color="tab:blue", markersize=10)
    axes.set(yticks=range(1, height + 1), xticks=[], ylim=(-0.6, height + 0.6))
    axes.set_yticklabels([f"level {k}\nsees {size}" for k, size in enumerate(sizes, 1)])
    axes.set_title("which letters reach each node")
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    save(plt, figure, file)


def draw(m, model, data, gallery, losses):
    """Both pictures: the smoothed loss, and what each node of the student's tree sees."""
    gallery.add("loss.png", draw_losses, m, losses)
    levels = reaches(m, model, data)
    sizes = m.group_sizes(BLOCK, 2)
    found = [max((len(letters) for letters in nodes), default=0) for nodes in levels]
    print(f"letters that reach a node, found by changing them: {found}; group_sizes: {sizes}")
    if len(levels) != len(sizes):
        print("The tree has other levels than group_sizes says: it isn't drawn.")
        return
    ids = data.train[0][-1].tolist()
    gallery.add("tree.png", draw_tree, sizes, levels, data.itos, ids)


def main():
    options = arguments()
    path, words = read_words(options.data, DATA / "names.txt", DATA / "names_small.txt")
    began = time.monotonic()
    import torch
    import wavenet as m

    torch.set_num_threads(1)  # the tensors are small: more threads would wait for one another
    torch.manual_seed(options.seed)
    options.device = device_of(options.device)
    data = Data(path, words, options.device)
    n_embd, n_hidden, *_ = SIZES[options.size]
    model = plant(m, len(data.itos), n_embd, n_hidden, options.device)
    gallery, losses = Pictures(options.out), []
    try:
        train(m, model, data, options, losses)
    finally:
        if losses:
            report(m, model, data, options, len(losses), len(words))
            slide(m, model, data)
            draw(m, model, data, gallery, losses)
            new_words(m, model, data, options)
        gallery.print_names()
    print(f"{time.monotonic() - began:.0f} seconds on {options.device}")


if __name__ == "__main__":
    run_main(main, "wavenet")
