"""No closures: each result keeps its operands' local slopes, and one method multiplies."""
import math
import random
from functools import reduce
from itertools import chain, pairwise
from operator import add

from graphviz import Digraph


def numerical_derivative(f, x, h=1e-6):
    return sum(sign * f(x + sign * h) for sign in (1, -1)) / (2 * h)


class Value:
    __slots__ = ("data", "grad", "label", "_prev", "_op", "slopes")

    def __init__(self, data, _children=(), _op="", label="", slopes=None):
        self.data = data
        self.grad = 0
        self.label = label
        self._prev = tuple(_children)
        self._op = _op
        self.slopes = slopes or ()

    def _backward(self):
        for operand, slope in zip(self._prev, self.slopes):
            operand.grad += slope * self.grad

    @staticmethod
    def of(x):
        return x if isinstance(x, Value) else Value(x)

    def through(self, op, y, slope):
        return Value(y, (self,), op, slopes=(slope,))

    def __add__(self, other):
        other = Value.of(other)
        return Value(self.data + other.data, (self, other), "+", slopes=(1, 1))

    def __mul__(self, other):
        other = Value.of(other)
        return Value(self.data * other.data, (self, other), "*", slopes=(other.data, self.data))

    def __sub__(self, other):
        other = Value.of(other)
        return Value(self.data - other.data, (self, other), "-", slopes=(1, -1))

    def __truediv__(self, other):
        other = Value.of(other)
        q = self.data / other.data
        return Value(q, (self, other), "/", slopes=(1 / other.data, -q / other.data))

    def __pow__(self, n):
        assert isinstance(n, (int, float))
        return self.through(f"**{n}", self.data**n, n * self.data ** (n - 1))

    def __neg__(self):
        return self.through("-", -self.data, -1)

    def __radd__(self, other):
        return Value.of(other) + self

    def __rmul__(self, other):
        return Value.of(other) * self

    def __rsub__(self, other):
        return Value.of(other) - self

    def __rtruediv__(self, other):
        return Value.of(other) / self

    def exp(self):
        y = math.exp(self.data)
        return self.through("exp", y, y)

    def tanh(self):
        y = math.tanh(self.data)
        return self.through("tanh", y, 1 - y * y)

    def relu(self):
        on = self.data > 0
        return self.through("relu", self.data * on, int(on))

    def backward(self):
        self.grad = 1
        for v in topological_order(self)[::-1]:
            v._backward()


def topological_order(root):
    order, path, seen = [], [(root, iter(root._prev))], {root}
    while path:
        node, children = path[-1]
        child = next((c for c in children if c not in seen), None)
        if child is None:
            order.append(path.pop()[0])
        else:
            seen.add(child)
            path.append((child, iter(child._prev)))
    return order


def trace(root):
    nodes = set(topological_order(root))
    return nodes, {(c, n) for n in nodes for c in n._prev}


def draw_dot(root, format="svg", rankdir="LR"):
    dot = Digraph(format=format, node_attr={"shape": "record"}, graph_attr={"rankdir": rankdir})
    nodes, edges = trace(root)
    for n in nodes:
        dot.node(hex(id(n)), f"{{ {n.label} | data {n.data:.4f} | grad {n.grad:.4f} }}")
    for n in filter(lambda n: n._op, nodes):
        dot.node(f"op {id(n):x}", n._op, shape="oval")
        dot.edge(f"op {id(n):x}", hex(id(n)))
    dot.edges((hex(id(c)), f"op {id(n):x}") for c, n in edges)
    return dot


class Module:
    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0

    def parameters(self):
        return []


class Neuron(Module):
    def __init__(self, nin, nonlin=True):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0.0)
        self.bend = Value.relu if nonlin else lambda v: v

    def __call__(self, x):
        return self.bend(reduce(add, map(Value.__mul__, self.w, x), self.b))

    def parameters(self):
        return self.w + [self.b]


class Layer(Module):
    def __init__(self, nin, nout, **kwargs):
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x):
        first, *rest = (n(x) for n in self.neurons)
        return [first, *rest] if rest else first

    def parameters(self):
        return list(chain.from_iterable(n.parameters() for n in self.neurons))


class MLP(Module):
    def __init__(self, nin, nouts):
        sizes = list(pairwise([nin] + list(nouts)))
        self.layers = [Layer(*size) for size in sizes[:-1]] + [Layer(*sizes[-1], nonlin=False)]

    def __call__(self, x):
        return reduce(lambda x, layer: layer(x), self.layers, x)

    def parameters(self):
        return list(chain.from_iterable(layer.parameters() for layer in self.layers))


def mse(ys, ypred):
    return sum(map(lambda y, p: (p - y) ** 2, ys, ypred))


def hinge(ys, scores):
    return sum(map(lambda y, s: (1 - y * s).relu(), ys, scores)) / len(ys)


def l2(parameters, alpha=1e-4):
    return alpha * sum(map(lambda p: p * p, parameters))


def sgd_step(parameters, lr):
    for p in parameters:
        p.data -= lr * p.grad


def train(model, xs, ys, steps, lr):
    def step(_):
        loss = mse(ys, list(map(model, xs)))
        model.zero_grad()
        loss.backward()
        sgd_step(model.parameters(), lr)
        return loss.data

    return list(map(step, range(steps)))


def gradcheck(f, values, h=1e-6):
    values = [v.data if isinstance(v, Value) else v for v in values]
    leaves = [Value(v) for v in values]
    f(*leaves).backward()

    def slope(i):
        return numerical_derivative(lambda x: f(*[x if j == i else v for j, v in enumerate(values)]), values[i], h)

    return max(abs(slope(i) - leaf.grad) for i, leaf in enumerate(leaves))
