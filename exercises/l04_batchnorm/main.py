"""What your batchnorm.py can do: five ways to start a network, and a look inside deep ones.

python main.py [--data FILE] [--steps N] [--device D] [--seed N] [--out DIR]
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
BLOCK, BATCH, EMBD, HIDDEN = 3, 32, 10, 200
FULL = 200_000  # the lecture's steps
LOOKS = 200  # steps of each deep network before it is looked at
PUBLISHED = {  # train, val
    "original": (2.125, 2.168),
    "softmax fixed": (2.07, 2.13),
    "tanh fixed": (2.036, 2.103),
    "kaiming": (2.038, 2.107),
    "batchnorm": (2.067, 2.105),
}


def arguments():
    parser = argparse.ArgumentParser(description="Start and normalise with your own batchnorm.py.")
    parser.add_argument(
        "--data", type=Path, help="names, one a line (data/names.txt if there, else names_small)"
    )
    parser.add_argument(
        "--steps", type=int, default=2000, help=f"steps of each of the five (2000; full: {FULL})"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps or auto (cpu)")
    parser.add_argument("--seed", type=int, default=2147483647, help="of the generator")
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder for pictures")
    options = parser.parse_args()
    if options.steps < 1:
        parser.error("--steps must be 1 or more")
    return options


class Data:
    """The words as in lecture 3: numbered, shuffled, split and cut into examples."""

    def __init__(self, path, words, device):
        import torch

        letters = ".", *sorted(set("".join(words)))
        self.vocab = len(letters)
        stoi = {letter: i for i, letter in enumerate(letters)}
        mixed = list(words)
        random.Random(42).shuffle(mixed)
        n1, n2 = int(0.8 * len(mixed)), int(0.9 * len(mixed))
        self.sets = []
        for part in (mixed[:n1], mixed[n1:n2], mixed[n2:]):
            X, Y = [], []
            for word in part:
                ids = [0] * BLOCK + [stoi[letter] for letter in word] + [0]
                X += [ids[i : i + BLOCK] for i in range(len(word) + 1)]
                Y += ids[BLOCK:]
            self.sets.append((torch.tensor(X, device=device), torch.tensor(Y, device=device)))
        sizes = " / ".join(f"{len(X):,}" for X, _ in self.sets)
        print(f"{path.name}: {len(words):,} words, {self.vocab} letters, {sizes} examples")


# ------------------------------------------------------------------------------- five states


class Small:
    """The network of lecture 3 in loose lines, started in one of the five ways."""

    def __init__(self, m, state, vocab, seed, device):
        import torch

        self.m, self.norm = m, state == "batchnorm"
        g = torch.Generator().manual_seed(seed)
        fan_in = BLOCK * EMBD
        C = torch.randn((vocab, EMBD), generator=g)
        W1 = torch.randn((fan_in, HIDDEN), generator=g)
        b1 = torch.randn(HIDDEN, generator=g)
        W2 = torch.randn((HIDDEN, vocab), generator=g)
        b2 = torch.randn(vocab, generator=g)
        if state != "original":
            W2, b2 = m.fix_output_layer(W2, b2)
        if state == "tanh fixed":
            W1, b1 = W1 * 0.2, b1 * 0.01
        if state in ("kaiming", "batchnorm"):
            W1 = torch.as_tensor(m.kaiming(fan_in, HIDDEN, "tanh", generator=g)).detach().float()
            b1 = b1 * 0.01
        self.params = [C, W1, W2, b2]
        if self.norm:
            self.params += [torch.ones((1, HIDDEN)), torch.zeros((1, HIDDEN))]
        else:
            self.params += [b1]
        self.params = [p.detach().to(device).requires_grad_() for p in self.params]
        self.mean = torch.zeros((1, HIDDEN), device=device)
        self.std = torch.ones((1, HIDDEN), device=device)

    def hpreact(self, X):
        C, W1 = self.params[:2]
        return C[X].view(len(X), -1) @ W1

    def logits(self, X, training=False):
        """The logits, and what the hidden neurons say."""
        W2, b2, *rest = self.params[2:]
        x = self.hpreact(X)
        if self.norm and training:
            x, mean, std = self.m.batchnorm_train(x, *rest)
            self.mean = self.m.update_running(self.mean, mean)
            self.std = self.m.update_running(self.std, std)
        elif self.norm:
            x = self.m.batchnorm_eval(x, *rest, self.mean, self.std)
        else:
            x = x + rest[0]
        h = x.tanh()
        return h @ W2 + b2, h

    def train(self, X, Y, steps, generator, losses, tell):
        import torch

        for step in range(steps):
            ix = torch.randint(0, len(X), (BATCH,), generator=generator)
            loss = torch.nn.functional.cross_entropy(self.logits(X[ix], training=True)[0], Y[ix])
            lr = 0.1 if step < steps / 2 else 0.01
            for p, g in zip(self.params, torch.autograd.grad(loss, self.params)):
                p.data -= lr * g
            losses.append(loss.item())
            if step % 100 == 99:
                tell(done=step + 1)

    def evaluate(self, X, Y):
        import torch

        with torch.no_grad():
            return torch.nn.functional.cross_entropy(self.logits(X)[0], Y).item()


def five_states(m, data, options, results):
    """Train the network from each of the five starts; the results go into the dict."""
    import torch

    (X, Y), (Xval, Yval) = data.sets[:2]
    print(f"\nA network that knows nothing: {float(m.expected_initial_loss(data.vocab)):.4f}")
    with ProgressLines(options.steps) as tell:
        for state in PUBLISHED:
            net = Small(m, state, data.vocab, options.seed, options.device)
            generator = torch.Generator().manual_seed(options.seed)
            with torch.no_grad():
                logits, h = net.logits(X[:BATCH], training=net.norm)
            first = float(m.initial_loss(logits, Y[:BATCH]))
            share, dead = float(m.saturation(h)), sum(bool(d) for d in m.dead_neurons(h))
            losses = []
            try:
                net.train(X, Y, options.steps, generator, losses, tell)
            except KeyboardInterrupt:
                tell(f"stopped after {len(losses):,} of {options.steps:,} steps of {state}")
                raise Stopped from None
            finally:
                if losses:
                    both = net.evaluate(X, Y), net.evaluate(Xval, Yval)
                    results[state] = (first, *both, share, h.cpu(), losses, net, len(losses))
                    tell(
                        f"{state:14}  first loss {first:7.4f}, {100 * share:3.0f} % of h saturated,"
                        f" {dead} dead;  train {both[0]:.4f}, val {both[1]:.4f}"
                    )


def report(results, options, full):
    """The lecture's loss log, beside what was reached."""
    print(f"\n{'':14}  {'published':^13}  {'reached':^13}")
    print(f"{'':14}  {'train':>6} {'val':>6}  {'train':>6} {'val':>6}")
    for state, (train, val) in PUBLISHED.items():
        row = f"{state:14}  {train:6.3f} {val:6.3f}  "
        if state in results:
            row += f"{results[state][1]:6.3f} {results[state][2]:6.3f}"
            if results[state][-1] < options.steps:
                row += f"  (after {results[state][-1]:,} steps)"
        print(row.rstrip())
    if options.steps < FULL or not full:
        print(f"published: {FULL:,} steps on 32,033 names (`autograder data`, --steps {FULL})")
    if not full:
        print("(with few words a network learns them by heart: train falls, val doesn't)")


def calibration(m, results, X):
    """Running statistics against those of the whole training set."""
    if "batchnorm" not in results:
        return
    net = results["batchnorm"][6]
    mean, std = m.calibrate(net.hpreact(X))
    off_mean = ((net.mean - mean) / std).abs().mean().item()
    off_std = ((net.std - std) / std).abs().mean().item()
    print("\nRunning statistics against calibration on the whole training set:")
    print(f"  mean off by {off_mean:.3f} std, std off by {100 * off_std:.1f} % (on the average)")


# ----------------------------------------------------------------------------- deep networks


class Deep:
    """build_mlp's network, one step after the other, with what the plots need."""

    def __init__(self, m, data, options, gain, batchnorm, scaled=True):
        import torch

        self.m = m
        torch.manual_seed(options.seed % 2**32)
        C, layers = m.build_mlp(data.vocab, EMBD, BLOCK, 100, 5, gain=gain, batchnorm=batchnorm)
        self.layers = list(layers)
        if not scaled:  # the root of fan_in forgotten
            for layer in self.layers:
                if isinstance(layer, m.Linear):
                    layer.weight.data = layer.weight.data * layer.weight.shape[0] ** 0.5
        self.C = C
        self.params = [C, *(p for layer in self.layers for p in layer.parameters())]
        for p in self.params:
            p.data = p.data.float().to(options.device)
            p.requires_grad_()
        for layer in self.layers:
            for name in ("running_mean", "running_var"):
                if hasattr(layer, name):
                    buffer = getattr(layer, name)
                    buffer.data = buffer.data.to(options.device)
        self.ratios = []

    def step(self, X, Y, lr, generator):
        import torch

        ix = torch.randint(0, len(X), (BATCH,), generator=generator)
        x = self.C[X[ix]].view(BATCH, -1)
        for layer in self.layers:
            x = layer(x)
            x.retain_grad()
        loss = torch.nn.functional.cross_entropy(x, Y[ix])
        for p in self.params:
            p.grad = None
        loss.backward()
        self.outs = [layer.out for layer in self.layers if isinstance(layer, self.m.Tanh)]
        if not hasattr(self, "first_outs"):
            self.first_outs = self.outs
        self.ratios.append([float(r) for r in self.m.update_to_data(self.params, lr)])
        with torch.no_grad():
            for p in self.params:
                p -= lr * p.grad
        return loss.item()

    def weights(self):
        """Its ratios, of the weights only: those of the table C come first."""
        return self.ratios[-1][1:]


DEEP = {  # name: gain, batchnorm, weights by the root of fan_in
    "gain 5/3": (5 / 3, False, True),
    "gain 1": (1.0, False, True),
    "gain 3": (3.0, False, True),
    "no root of fan_in": (1.0, False, False),
    "batchnorm, gain 5/3": (5 / 3, True, True),
    "batchnorm, gain 1": (1.0, True, True),
    "batchnorm, gain 3": (3.0, True, True),
    "batchnorm, no root of fan_in": (1.0, True, False),
}


def look_inside(m, data, options, networks):
    """Each deep network after some steps: the lecture's plots as lines."""
    import torch

    X, Y = data.sets[0]
    steps = min(LOOKS, options.steps)
    print(f"\nFive layers of 100, {steps} steps at 0.1; first and last tanh layer, last weight:")
    for name, (gain, batchnorm, scaled) in DEEP.items():
        net = Deep(m, data, options, gain, batchnorm, scaled)
        generator = torch.Generator().manual_seed(options.seed)
        try:
            for _ in range(steps):
                loss = net.step(X, Y, 0.1, generator)
        except KeyboardInterrupt:
            print("\nstopped")
            raise Stopped from None
        networks[name] = net
        first, last = [m.activation_stats(net.first_outs)[i] for i in (0, -1)]
        ratio = float(m.grad_stats(net.params)[-1][2])
        print(
            f"  {name:28}  loss {loss:6.2f}   std {float(first[1]):.2f} → {float(last[1]):.2f},"
            f" saturated {float(first[2]):4.1f} → {float(last[2]):4.1f} %,"
            f" grad/data {ratio:.1e}, rate: {m.lr_advice(net.weights())}"
        )


# -------------------------------------------------------------------------------- what it draws


def draw_losses(plt, results, file):
    """The five losses, as means over a fiftieth of the steps."""
    figure, axes = plt.subplots(figsize=(8, 5))
    for state, (*_, losses, _, _) in results.items():
        width = max(1, len(losses) // 50)
        ends = range(0, len(losses) - width + 1, width)
        axes.plot([i + width / 2 for i in ends], [sum(losses[i : i + width]) / width for i in ends])
        axes.lines[-1].set_label(state)
    axes.set(xlabel="step", ylabel="loss", ylim=(1.8, 4.5), title="five ways to start")
    axes.legend()
    save(plt, figure, file, dpi=110)


def draw_saturation(plt, m, results, file):
    """White where a neuron is far out for an example: a white column is a dead neuron."""
    figure, axes = plt.subplots(len(results), 1, figsize=(9, 2.2 * len(results)), squeeze=False)
    for (state, result), ax in zip(results.items(), axes[:, 0]):
        h = result[4]
        ax.imshow((h.abs() > 0.99).tolist(), cmap="gray", vmin=0, vmax=1, aspect="auto")
        dead = sum(bool(d) for d in m.dead_neurons(h))
        share = 100 * float(m.saturation(h))
        ax.set(ylabel="example", title=f"{state}: {share:.0f} % saturated, {dead} dead neurons")
    axes[-1, 0].set(xlabel="neuron")
    save(plt, figure, file, dpi=110)


def grid(plt, networks):
    """A small plot for each network: without a norm on the left, with one on the right."""
    half = len(DEEP) // 2
    figure, axes = plt.subplots(half, 2, figsize=(13, 3 * half), squeeze=False)
    places = {name: axes[i % half, i // half] for i, name in enumerate(DEEP)}
    for name, ax in places.items():
        ax.set_title(name)
    return figure, [(places[name], net) for name, net in networks.items()]


def histogram(ax, tensor, low, high, label):
    import torch

    values = tensor.detach().float().cpu()
    counts = torch.histc(values, 80, low, high)
    edges = torch.linspace(low, high, 81)
    density = counts / (values.numel() * (high - low) / 80)
    ax.plot(((edges[1:] + edges[:-1]) / 2).tolist(), density.tolist(), label=label, linewidth=1)


def draw_activations(plt, m, networks, file):
    figure, places = grid(plt, networks)
    for ax, net in places:
        for i, (t, row) in enumerate(zip(net.first_outs, m.activation_stats(net.first_outs))):
            mean, std, far = (float(x) for x in row)
            label = f"layer {i + 1}: {mean:+.2f} ± {std:.2f}, saturated {far:.1f} %"
            histogram(ax, t, -1.0, 1.0, label)
        ax.legend(fontsize=7)
    figure.suptitle("outputs of the tanh layers at the first step")
    save(plt, figure, file, dpi=110)


def draw_gradients(plt, m, networks, file):
    figure, places = grid(plt, networks)
    for ax, net in places:
        grads = [t.grad for t in net.first_outs]
        width = max(3 * g.std().item() for g in grads) or 1.0
        for i, (g, row) in enumerate(zip(grads, m.activation_stats(net.first_outs))):
            label = f"layer {i + 1}: std {g.std().item():.1e}, saturated {float(row[2]):.1f} %"
            histogram(ax, g, -width, width, label)
        ax.legend(fontsize=7)
    figure.suptitle("gradients of the tanh layers' outputs at the first step")
    save(plt, figure, file, dpi=110)


def draw_updates(plt, networks, file):
    """log10 of update over data for each weight, over the steps: -3 is what we want."""
    figure, places = grid(plt, networks)
    for ax, net in places:
        for i, line in enumerate(list(zip(*net.ratios))[1:]):
            ax.plot(line, linewidth=0.8, label=f"weight {i + 1}")
        ax.axhline(-3, color="black", linewidth=1)
        ax.set(ylim=(-6, 0))
        ax.legend(fontsize=7, ncol=3)
    figure.suptitle("update to data, log10, over the steps")
    save(plt, figure, file, dpi=110)


def first_half(m, data, options, gallery, full):
    results = {}
    try:
        five_states(m, data, options, results)
    finally:
        if results:
            report(results, options, full)
            calibration(m, results, data.sets[0][0])
            gallery.add("losses.png", draw_losses, results)
            gallery.add("saturation.png", draw_saturation, m, results)


def second_half(m, data, options, gallery):
    networks = {}
    try:
        look_inside(m, data, options, networks)
    finally:
        if networks:
            gallery.add("activations.png", draw_activations, m, networks)
            gallery.add("gradients.png", draw_gradients, m, networks)
            gallery.add("updates.png", draw_updates, networks)


def main():
    options = arguments()
    path, words = read_words(options.data, DATA / "names.txt", DATA / "names_small.txt")
    began = time.monotonic()
    import batchnorm as m
    import torch

    torch.set_num_threads(1)  # the tensors are small: more threads would wait for one another
    options.device = device_of(options.device)
    data = Data(path, words, options.device)
    gallery = Pictures(options.out)
    try:
        first_half(m, data, options, gallery, len(words) == 32_033)
        second_half(m, data, options, gallery)
    finally:
        gallery.print_names()
    print(f"{time.monotonic() - began:.0f} seconds on {options.device}")


if __name__ == "__main__":
    run_main(main, "batchnorm")
