"""What your micrograd can do: it trains two networks, and draws what it did.

python main.py [--steps N] [--points N] [--seed N] [--out DIR]
"""

import argparse
import math
import random
import sys
import time
from pathlib import Path

from autograder.learn.program import ProgressLines, plotting, run_main, save, write_graph

sys.path.insert(0, str(Path(__file__).resolve().parent))


def arguments():
    parser = argparse.ArgumentParser(description="Train and draw with your own micrograd.py.")
    parser.add_argument("--steps", type=int, default=30, help="steps on the moons (30; full: 100)")
    parser.add_argument("--points", type=int, default=40, help="points (40; full: 100)")
    parser.add_argument("--seed", type=int, default=2, help="for points and first weights")
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder for pictures")
    parser.add_argument("--data", help="not used: the points are made here")
    parser.add_argument("--device", default="cpu", help="not used: single numbers live on the CPU")
    options = parser.parse_args()
    if options.steps < 1 or options.points < 2:
        parser.error("--steps must be 1 or more, --points 2 or more")
    return options


def moons(n, noise=0.1):
    """n points on two half circles that reach into each other, and their labels 1 and -1."""
    points, labels = [], []
    for i in range(n):
        angle = math.pi * random.random()
        x, y = math.cos(angle), math.sin(angle)
        if i % 2:
            x, y = 1 - x, 0.5 - y
        points.append([x + random.gauss(0, noise), y + random.gauss(0, noise)])
        labels.append(-1 if i % 2 else 1)
    return points, labels


# ------------------------------------------------------------------------------ what it trains


def draw_neuron(m, out):
    """The lecture's neuron, drawn before and after backward: the files written."""
    numbers = {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.8813735870195432}
    leaves = {}
    for name, number in numbers.items():
        leaves[name] = m.Value(number)
        leaves[name].label = name
    o = (leaves["x1"] * leaves["w1"] + leaves["x2"] * leaves["w2"] + leaves["b"]).tanh()
    o.label = "o"
    files = [write_graph(m.draw_dot(o).source, out / "neuron_before")]
    o.backward()
    files.append(write_graph(m.draw_dot(o).source, out / "neuron_after"))
    gradients = ", ".join(f"{name} {leaf.grad:.4f}" for name, leaf in leaves.items())
    print(f"A neuron: o = {o.data:.4f} (published: 0.7071); gradients: {gradients}")
    return files


def four_points(m):
    """The lecture's own example: a 3-4-4-1 network on four points."""
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    losses = number_list(m.train(m.MLP(3, [4, 4, 1]), xs, ys, 40, 0.02))
    print(f"Four points, 40 steps: the loss fell from {losses[0]:.3f} to {losses[-1]:.4f}")
    print("  (published, with tanh: about 0.002 after some 40 steps; the start is random)")


def number_list(losses):
    return [float(getattr(loss, "data", loss)) for loss in losses]


def train_moons(m, points, labels, steps):
    """MLP(2, [16, 16, 1]) with hinge loss and L2: the model, losses and accuracies."""
    model = m.MLP(2, [16, 16, 1])
    print(f"\nTwo moons: {len(points)} points, {len(model.parameters())} parameters, {steps} steps")
    losses, accuracies = [], []
    with ProgressLines(steps) as tell:
        for step in range(steps):
            scores = [model(point) for point in points]
            loss = m.hinge(labels, scores) + m.l2(model.parameters(), 1e-4)
            model.zero_grad()
            loss.backward()
            m.sgd_step(model.parameters(), 1.0 - 0.9 * step / steps)
            right = sum((score.data > 0) == (y > 0) for y, score in zip(labels, scores))
            losses.append(float(loss.data))
            accuracies.append(100 * right / len(points))
            tell(
                f"step {step:3d}  loss {losses[-1]:.4f}  accuracy {accuracies[-1]:5.1f} %", step + 1
            )
    print(f"Two moons: loss {losses[-1]:.4f}, accuracy {accuracies[-1]:.1f} %")
    print("  (published, 100 steps on 100 points: loss 0.011, accuracy 100 %)")
    return model, losses, accuracies


# -------------------------------------------------------------------------------- what it draws


def draw_training(model, points, labels, losses, accuracies, out):
    """Loss curve and decision boundary: the files written (none without matplotlib)."""
    plt = plotting()
    if not plt:
        return []
    figure, left = plt.subplots(figsize=(6, 4))
    left.plot(losses, color="tab:blue")
    left.set(xlabel="step", ylabel="loss", title="hinge loss with L2", ylim=(0, None))
    right = left.twinx()
    right.plot(accuracies, color="tab:orange")
    right.set(ylabel="accuracy in %", ylim=(0, 102))
    save(plt, figure, out / "loss.png")

    xs = grid([p[0] for p in points], 36)
    ys = grid([p[1] for p in points], 30)
    scores = [[float(model([x, y]).data) for x in xs] for y in ys]
    figure, axes = plt.subplots(figsize=(6, 5))
    axes.contourf(
        xs, ys, scores, levels=[-1e9, 0, 1e9], colors=["tab:blue", "tab:orange"], alpha=0.3
    )
    colors = ["tab:orange" if y > 0 else "tab:blue" for y in labels]
    axes.scatter(*zip(*points), c=colors, s=30, edgecolors="black")
    axes.set(title="what the network takes for which moon")
    save(plt, figure, out / "boundary.png")
    return [out / "loss.png", out / "boundary.png"]


def grid(numbers, n):
    """n numbers from a little below the smallest to a little above the largest."""
    low, high = min(numbers) - 0.5, max(numbers) + 0.5
    return [low + (high - low) * i / (n - 1) for i in range(n)]


def main():
    options = arguments()
    began = time.monotonic()
    import micrograd as m

    random.seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    files = draw_neuron(m, options.out)
    four_points(m)
    points, labels = moons(options.points)
    model, losses, accuracies = train_moons(m, points, labels, options.steps)
    files += draw_training(model, points, labels, losses, accuracies, options.out)
    print(f"\nPictures in {options.out}/: {', '.join(file.name for file in files)}")
    if any(file.suffix == ".dot" for file in files):
        print("  (.dot is text: install graphviz's dot program to get pictures of the graphs)")
    print(f"{time.monotonic() - began:.0f} seconds, every number in it a Value of yours")


if __name__ == "__main__":
    run_main(main, "micrograd")
