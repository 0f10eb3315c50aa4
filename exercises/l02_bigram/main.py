"""What your bigram models can do: one counts names, one learns them; both invent new ones.

python main.py [--data FILE] [--steps N] [--device D] [--seed N] [--out DIR]
"""

import argparse
import sys
import time
from pathlib import Path

from autograder.learn.program import (
    ProgressLines,
    Stopped,
    device_of,
    plotting,
    read_words,
    run_main,
    save,
)

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
DATA = HERE.parent.parent / "data"
RATE = 50.0  # the lecture's
STRIDE = 5  # steps between two lines


def arguments():
    parser = argparse.ArgumentParser(description="Count and learn with your own bigram.py.")
    parser.add_argument("--data", type=Path, help="a file with a name on each line")
    parser.add_argument("--steps", type=int, default=100, help="steps of the network (100)")
    parser.add_argument("--device", default="cpu", help="where the network learns (cpu)")
    parser.add_argument("--seed", type=int, default=2147483647, help="the lecture's: 2147483647")
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder for pictures")
    options = parser.parse_args()
    if options.steps < 1:
        parser.error("--steps must be 1 or more")
    return options


# ------------------------------------------------------------------------------ what it makes


def count(m, name, words, seed):
    """The lecture's first half: vocabulary, counts, their table of probabilities."""
    stoi, itos = m.build_vocab(words)
    print(f"{name}: {len(words):,} words, {len(stoi)} letters with the dot")
    pairs = m.bigram_counts_dict(words)
    most = sorted(pairs.items(), key=lambda pair: -pair[1])[:5]
    print("Most frequent pairs:", ", ".join(f"{a}{b} {n:,}" for (a, b), n in most))
    N = m.count_bigrams(words, stoi)
    P = m.normalize_rows(N)
    print("Counted, sampled:", ", ".join(sampled(m, P, itos, seed)))
    plain, smooth = (number(m.average_nll(p, words, stoi)) for p in (P, m.smooth(N)))
    print(f"Loss of counting: {plain:.4f} (published: 2.4540)")
    print(f"  with 1 more of each pair: {smooth:.4f} (published: 2.4546)", flush=True)
    return stoi, itos, N, P, plain


def sampled(m, P, itos, seed):
    """Five words from a generator of its own, on the CPU."""
    import torch

    return m.sample_words(P, itos, 5, torch.Generator().manual_seed(seed))


def learn(m, words, stoi, options):
    """The second half: the network's weights, its losses, and whether it was stopped."""
    import torch

    xs, ys = (numbers.to(options.device) for numbers in m.training_pairs(words, stoi))
    generator = torch.Generator().manual_seed(options.seed)
    W = m.init_weights(len(stoi), generator).detach().to(options.device).requires_grad_()
    print(f"\nThe network: {len(xs):,} pairs, {W.numel()} weights, {options.steps} steps")
    losses, stopped = [], False
    with ProgressLines(options.steps) as tell:
        try:
            while len(losses) < options.steps:
                steps = min(STRIDE, options.steps - len(losses))
                losses += map(number, m.train(W, xs, ys, steps, RATE))
                tell(f"step {len(losses):4d}  loss {losses[-1]:.4f}", len(losses))
        except KeyboardInterrupt:
            print(f"stopped after {len(losses)} steps", flush=True)
            stopped = True
    W = W.detach()
    probs = m.forward(W, xs)
    loss, priced = number(m.nll_loss(probs, ys)), number(m.regularized_loss(probs, ys, W))
    return W, [*losses, loss], priced, stopped


def number(loss):
    """A loss as a Python float: it may be one, or a tensor."""
    return loss.item() if hasattr(loss, "item") else float(loss)


# -------------------------------------------------------------------------------- what it draws


def draw(letters, N, P, learnt, losses, best, out):
    """The lecture's table of counts, both tables side by side, the loss: the files written."""
    plt = plotting()
    if not plt:
        return []
    figure, axes = plt.subplots(figsize=(16, 16))
    axes.imshow(N, cmap="Blues")
    for i, first in enumerate(letters):
        for j, second in enumerate(letters):
            color = "white" if N[i][j] > 0.4 * N.max() else "dimgray"
            axes.text(j, i, first + second, ha="center", va="bottom", color=color)
            axes.text(j, i, int(N[i][j]), ha="center", va="top", color=color)
    axes.axis("off")
    save(plt, figure, out / "bigrams.png", dpi=80)

    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6.5))
    for axes, table, title in ((left, P, "counted"), (right, learnt, "learnt")):
        axes.imshow(table, cmap="Blues", vmin=0, vmax=0.5)
        axes.set_xticks(range(len(letters)), letters)
        axes.set_yticks(range(len(letters)), letters)
        axes.set(title=title, xlabel="the letter that follows", ylabel="the letter that is there")
    save(plt, figure, out / "bigram_tables.png", dpi=100)

    figure, axes = plt.subplots(figsize=(6, 4))
    axes.plot(losses, label="the network")
    axes.axhline(best, color="tab:orange", linestyle="--", label="counting")
    axes.set(xlabel="step", ylabel="loss", title="learning what counting knows")
    axes.legend()
    save(plt, figure, out / "bigram_loss.png")
    return [out / f"{name}.png" for name in ("bigrams", "bigram_tables", "bigram_loss")]


def main():
    options = arguments()
    began = time.monotonic()
    file, words = read_words(options.data, DATA / "names.txt", DATA / "names_small.txt")
    import bigram as m

    options.device = device_of(options.device)
    options.out.mkdir(parents=True, exist_ok=True)
    stoi, itos, N, P, best = count(m, file.name, words, options.seed)
    if len(words) < 32033:
        print("  (published figures are those of all 32,033 names: `autograder data` fetches them)")
    W, losses, priced, stopped = learn(m, words, stoi, options)
    learnt = m.equivalence(W).cpu()
    print("Learnt, sampled: ", ", ".join(sampled(m, learnt, itos, options.seed)))
    print(
        f"Loss of the network: {losses[-1]:.4f} (published: 2.48 and falling towards 2.4540);"
        f" {priced:.4f} with 0.01 times the mean square of its weights"
    )
    often = (N.sum(1) >= N.sum() / 100).nonzero().flatten().tolist()
    apart = max((P[i] - learnt[i]).abs().max().item() for i in often)
    print(f"In rows of frequent letters the two tables differ by {apart:.3f} at most")
    letters = [itos[i] for i in range(len(stoi))]
    files = draw(letters, N, P, learnt, losses, best, options.out)
    if files:
        print(f"\nPictures in {options.out}/: {', '.join(file.name for file in files)}")
    print(f"{time.monotonic() - began:.0f} seconds, every number in it by functions of yours")
    if stopped:
        raise Stopped


if __name__ == "__main__":
    run_main(main, "bigram")
