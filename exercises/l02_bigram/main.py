"""What your bigram models can do: one counts names, one learns them; both invent new ones.

python main.py [--data FILE] [--steps N] [--device D] [--seed N] [--out DIR]
"""

import argparse
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
NAME = Path(__file__).with_name("bigram.py").name
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


def read_words(file):
    """The words of a file, the lecture's 32,033 names if they are there, else 1,000 of them."""
    if file is None:
        full = DATA / "names.txt"
        file = full if full.is_file() else DATA / "names_small.txt"
    try:
        words = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        sys.exit(f"{file}: {reason}; `autograder data` fetches the names, --data takes your file")
    if not words:
        sys.exit(f"{file}: there is no word in it; `autograder data` fetches the names")
    return file, words


def check_device(device):
    import torch

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        sys.exit(f"--device {device}: this machine has no such device; cpu always works")


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
    with Teller(options.steps) as tell:
        try:
            while len(losses) < options.steps:
                steps = min(STRIDE, options.steps - len(losses))
                losses += map(number, m.train(W, xs, ys, steps, RATE))
                tell(f"step {len(losses):4d}  loss {losses[-1]:.4f}", steps)
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


class Teller:
    """Tells how far it is: a bar under the lines in a terminal, else the lines alone."""

    def __init__(self, steps):
        self.steps = steps
        self.bar = None

    def __enter__(self):
        if sys.stdout.isatty():
            try:
                from rich.progress import Progress
            except ImportError:
                pass
            else:
                self.bar = Progress(transient=True)
                self.bar.start()
                self.task = self.bar.add_task("learning", total=self.steps)
        return self.tell

    def __exit__(self, *_):
        if self.bar:
            self.bar.stop()

    def tell(self, line, steps):
        if self.bar:
            self.bar.console.print(line, highlight=False)
            self.bar.advance(self.task, steps)
        else:
            print(line, flush=True)


# -------------------------------------------------------------------------------- what it draws


def draw(letters, N, P, learnt, losses, best, out):
    """The lecture's table of counts, both tables side by side, the loss: the files written."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        print("\nWithout matplotlib there are no pictures: pip install matplotlib")
        return []
    figure, axes = plt.subplots(figsize=(16, 16))
    axes.imshow(N, cmap="Blues")
    for i, first in enumerate(letters):
        for j, second in enumerate(letters):
            color = "white" if N[i][j] > 0.4 * N.max() else "dimgray"
            axes.text(j, i, first + second, ha="center", va="bottom", color=color)
            axes.text(j, i, int(N[i][j]), ha="center", va="top", color=color)
    axes.axis("off")
    figure.tight_layout()
    figure.savefig(out / "bigrams.png", dpi=80)

    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6.5))
    for axes, table, title in ((left, P, "counted"), (right, learnt, "learnt")):
        axes.imshow(table, cmap="Blues", vmin=0, vmax=0.5)
        axes.set_xticks(range(len(letters)), letters)
        axes.set_yticks(range(len(letters)), letters)
        axes.set(title=title, xlabel="the letter that follows", ylabel="the letter that is there")
    figure.tight_layout()
    figure.savefig(out / "bigram_tables.png", dpi=100)

    figure, axes = plt.subplots(figsize=(6, 4))
    axes.plot(losses, label="the network")
    axes.axhline(best, color="tab:orange", linestyle="--", label="counting")
    axes.set(xlabel="step", ylabel="loss", title="learning what counting knows")
    axes.legend()
    figure.tight_layout()
    figure.savefig(out / "bigram_loss.png", dpi=120)
    plt.close("all")
    return [out / f"{name}.png" for name in ("bigrams", "bigram_tables", "bigram_loss")]


def main():
    options = arguments()
    began = time.monotonic()
    file, words = read_words(options.data)
    import bigram as m

    check_device(options.device)
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
        sys.exit(130)


if __name__ == "__main__":
    try:
        main()
    except NotImplementedError as error:
        sys.exit(f"{NAME}: {error} is not written yet; `autograder check bigram` says what is.")
    except AttributeError as error:
        if getattr(error.obj, "__name__", "") != "bigram":
            raise
        sys.exit(f"{NAME}: there is no {error.name}; `autograder check bigram` says what is.")
    except ImportError as error:
        sys.exit(f"{NAME} can't be used: {error}")
    except OSError as error:
        sys.exit(f"can't write the pictures: {error}; choose another folder with --out")
    except KeyboardInterrupt:
        print("\nstopped")
        sys.exit(130)
