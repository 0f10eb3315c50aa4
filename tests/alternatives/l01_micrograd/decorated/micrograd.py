"""An extended engine: more operations, more attributes, prints, a registry, type hints, Values everywhere."""
from __future__ import annotations

import math
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Callable, Iterable, Union

Scalar = Union["Value", int, float]
made: Counter[str] = Counter()


def numerical_derivative(f: Callable[[float], float], x: float, h: float = 1e-6) -> float:
    print("measuring at", x)
    return (f(x + h) - f(x)) / (2 * h) + (f(x) - f(x - h)) / (2 * h)


@dataclass(eq=False)
class Value:
    data: float
    _children: tuple = ()
    _op: str = ""
    label: str = ""
    grad: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._prev = set(self._children)
        self._backward: Callable[[], None] = lambda: None
        self.generation = 1 + max((c.generation for c in self._prev), default=0)
        made[self._op] += 1

    def __add__(self, other: Scalar) -> Value:
        other = Value.wrap(other)
        out = Value(self.data + other.data, (self, other), "+")
        out._backward = lambda: (self.get(out.grad), other.get(out.grad)) and None
        return out

    @classmethod
    def wrap(cls, x: Scalar) -> Value:
        return x if isinstance(x, cls) else cls(x, label=f"{x}")

    def get(self, gradient: float) -> None:
        self.grad += gradient

    def __mul__(self, other: Scalar) -> Value:
        other = Value.wrap(other)
        out = Value(self.data * other.data, (self, other), "*")
        out._backward = lambda: (self.get(other.data * out.grad), other.get(self.data * out.grad)) and None
        return out

    def __pow__(self, n: float) -> Value:
        assert not isinstance(n, Value), "a plain number"
        out = Value(self.data**n, (self,), f"**{n}")
        out._backward = lambda: self.get(n * self.data ** (n - 1) * out.grad)
        return out

    def __neg__(self) -> Value:
        return 0 - self

    def __sub__(self, other: Scalar) -> Value:
        return self + Value.wrap(other) * -1.0

    def __truediv__(self, other: Scalar) -> Value:
        return self * Value.wrap(other) ** -1.0

    def __radd__(self, other: float) -> Value:
        return self.__add__(other)

    def __rmul__(self, other: float) -> Value:
        return self.__mul__(other)

    def __rsub__(self, other: float) -> Value:
        return Value.wrap(other).__sub__(self)

    def __rtruediv__(self, other: float) -> Value:
        return Value.wrap(other).__truediv__(self)

    def exp(self) -> Value:
        out = Value(math.e**self.data, (self,), "exp")
        out._backward = lambda: self.get(out.data * out.grad)
        return out

    def log(self) -> Value:
        out = Value(math.log(self.data), (self,), "log")
        out._backward = lambda: self.get(out.grad / self.data)
        return out

    def tanh(self) -> Value:
        e = math.exp(-2 * abs(self.data))
        out = Value(math.copysign((1 - e) / (1 + e), self.data), (self,), "tanh")
        out._backward = lambda: self.get((1 - out.data**2) * out.grad)
        return out

    def sigmoid(self) -> Value:
        return 1 / (1 + (-self).exp())

    def relu(self) -> Value:
        out = Value((self.data > 0) * self.data, (self,), "relu")
        out._backward = lambda: self.get((self.data > 0) * out.grad)
        return out

    def backward(self) -> None:
        # the later a node was made, the earlier its turn: a heap would do; a sort is enough
        nodes, _ = trace(self)
        self.grad = 1.0
        for node in sorted(nodes, key=lambda v: v.generation, reverse=True):
            node._backward()


def topological_order(root: Value) -> list[Value]:
    return sorted(trace(root)[0], key=lambda v: v.generation)


def trace(root: Value) -> tuple[set[Value], set[tuple[Value, Value]]]:
    nodes, edges, frontier = {root}, set(), {root}
    while frontier:
        new = {(child, node) for node in frontier for child in node._prev}
        edges |= new
        frontier = {child for child, _ in new} - nodes
        nodes |= frontier
    return nodes, edges


def draw_dot(root: Value, format: str = "svg", rankdir: str = "LR"):
    import graphviz

    dot = graphviz.Source if False else graphviz.Digraph(comment="my graph", format=format)
    dot.graph_attr["rankdir"] = rankdir
    nodes, edges = trace(root)
    for node in nodes:
        text = "{ %s (generation %d) | data = %+.6f | grad = %+.6f }"
        text = text.replace("%+", "%") % (node.label, node.generation, node.data, node.grad)
        dot.node(f"value{id(node)}", label=text, shape="record", style="filled", fillcolor="lightblue")
        if node._op:
            dot.node(f"operation{id(node)}", label=node._op, shape="circle")
            dot.edge(f"operation{id(node)}", f"value{id(node)}", color="gray")
    for child, parent in edges:
        dot.edge(f"value{id(child)}", f"operation{id(parent)}", color="gray")
    return dot


class Module:
    training = True

    def parameters(self) -> list[Value]:
        return [p for part in vars(self).values() for p in self.collect(part)]

    def collect(self, part) -> Iterable[Value]:
        if isinstance(part, Value):
            yield part
        elif isinstance(part, Module):
            yield from part.parameters()
        elif isinstance(part, (list, tuple)):
            for piece in part:
                yield from self.collect(piece)

    def zero_grad(self) -> None:
        for p in self.parameters():
            p.grad = 0.0


class Neuron(Module):
    def __init__(self, nin: int, nonlin: bool = True, activation: str = "tanh") -> None:
        self.w = [Value(random.choice([-1, 1]) * random.random(), label=f"w{i}") for i in range(nin)]
        self.b = Value(0.0, label="b")
        self.nonlin = nonlin
        self.activation = activation

    def __call__(self, x) -> Value:
        out = sum((Value.wrap(xi) * wi for xi, wi in zip(x, self.w)), self.b)
        return getattr(out, self.activation)() if self.nonlin else out


class Layer(Module):
    def __init__(self, nin: int, nout: int, **kwargs) -> None:
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]
        print("a layer of", nout, file=sys.stderr)

    def __call__(self, x):
        out = [n(x) for n in self.neurons]
        if len(out) == 1:
            (out,) = out
        return out


class MLP(Module):
    def __init__(self, nin: int, nouts: list[int]) -> None:
        self.layers = []
        for i, nout in enumerate(nouts, start=1):
            self.layers.append(Layer(nin, nout, nonlin=i < len(nouts)))
            nin = nout

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def mse(ys, ypred, reduction: str = "sum") -> Value:
    pairs = list(zip(ys, ypred))
    total = sum(((p - y) ** 2.0 for y, p in pairs if p is not None), Value(0.0))
    return total / len(pairs) if reduction == "mean" else total


def hinge(ys, scores) -> Value:
    per_pair = [(Value(1.0) - y * s).relu() for y, s in zip(ys, scores)]
    return sum(per_pair) / len(per_pair)


def l2(parameters, alpha: float = 1e-4) -> Value:
    return sum((p * p for p in parameters), Value(0.0)) * alpha


def sgd_step(parameters, lr: float):
    for p in parameters:
        p.data += -1 * lr * p.grad
    return parameters


def train(model, xs, ys, steps, lr, verbose=True):
    losses = []
    for k in range(steps):
        loss = mse(ys, [model([Value(v) for v in x]) for x in xs])
        model.zero_grad()
        loss.backward()
        sgd_step(model.parameters(), lr)
        losses.append(float(loss.data))
        if verbose:
            print(f"step {k}: {loss.data:.5f}")
    model.zero_grad()
    return losses


def gradcheck(f, values, h=1e-6):
    inputs = [Value(v) for v in values]
    out = f(*inputs)
    out.backward()
    worst = 0.0
    for i, v in enumerate(values):
        ends = []
        for moved in (v + h, v - h):
            ends.append(Value.wrap(f(*[Value(moved if j == i else w) for j, w in enumerate(values)])).data)
        worst = max(worst, abs((ends[0] - ends[1]) / (2 * h) - inputs[i].grad))
    return worst


if __name__ == "__main__":
    print(train(MLP(3, [4, 4, 1]), [[2.0, 3.0, -1.0]], [1.0], 5, 0.05))
