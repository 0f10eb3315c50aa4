"""Someone at home in numpy: np.float64 inside of Values, np.random, arrays where lists are meant."""
import numpy as np
from graphviz import Digraph


def numerical_derivative(f, x, h=1e-6):
    right, left = f(np.float64(x) + h), f(np.float64(x) - h)
    return np.subtract(right, left) / (2 * h)


class Value:
    __array_priority__ = 1000  # so that numpy's numbers ask us, when they stand on the left
    __array_ufunc__ = None

    def __init__(self, data, _children=(), _op="", label=""):
        self.data = np.float64(data)
        self.grad = np.float64(0)
        self._prev = set(_children)
        self._op = _op
        self.label = label
        self._backward = lambda: None

    def __repr__(self):
        return f"Value({self.data:.4g})"

    def _binary(self, other, op, forward, left, right):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(forward(self.data, other.data), (self, other), op)

        def _backward():
            self.grad += left(self.data, other.data) * out.grad
            other.grad += right(self.data, other.data) * out.grad

        out._backward = _backward
        return out

    def _unary(self, op, forward, slope):
        out = Value(forward(self.data), (self,), op)

        def _backward():
            self.grad += slope(self.data) * out.grad

        out._backward = _backward
        return out

    def __add__(self, other):
        return self._binary(other, "+", np.add, lambda x, y: 1.0, lambda x, y: 1.0)

    def __mul__(self, other):
        return self._binary(other, "*", np.multiply, lambda x, y: y, lambda x, y: x)

    def __sub__(self, other):
        return self._binary(other, "-", np.subtract, lambda x, y: 1.0, lambda x, y: -1.0)

    def __truediv__(self, other):
        return self._binary(other, "/", np.divide, lambda x, y: 1 / y, lambda x, y: -x / y**2)

    def __pow__(self, n):
        if isinstance(n, Value):
            raise TypeError
        return self._unary(f"**{n}", lambda x: np.power(x, float(n)), lambda x: n * np.power(x, n - 1.0))

    def __neg__(self):
        return self._unary("neg", np.negative, lambda x: -1.0)

    def __radd__(self, other):
        return Value(other) + self

    def __rmul__(self, other):
        return Value(other) * self

    def __rsub__(self, other):
        return Value(other) - self

    def __rtruediv__(self, other):
        return Value(other) / self

    def exp(self):
        return self._unary("exp", np.exp, np.exp)

    def tanh(self):
        return self._unary("tanh", np.tanh, lambda x: 1 - np.tanh(x) ** 2)

    def relu(self):
        return self._unary("ReLU", lambda x: np.maximum(x, 0), lambda x: np.heaviside(x, 0.0))

    def backward(self):
        self.grad = np.float64(1)
        for node in topological_order(self)[::-1]:
            node._backward()


def topological_order(root):
    order, seen = [], set()

    def walk(v):
        seen.add(v)
        for c in v._prev:
            if c not in seen:
                walk(c)
        order.append(v)

    walk(root)
    return order


def trace(root):
    nodes = topological_order(root)
    return set(nodes), {(c, v) for v in nodes for c in v._prev}


def draw_dot(root, format="svg", rankdir="LR"):
    dot = Digraph(format=format, graph_attr={"rankdir": rankdir})
    nodes, edges = trace(root)
    for v in nodes:
        dot.node(str(id(v)), label=f"{v.label} | data {v.data:.4f} | grad {v.grad:.4f}", shape="record")
        if v._op:
            dot.node(f"{id(v)}{v._op}", label=v._op)
            dot.edge(f"{id(v)}{v._op}", str(id(v)))
    for c, v in edges:
        dot.edge(str(id(c)), f"{id(v)}{v._op}")
    return dot


class Module:
    def zero_grad(self):
        for p in self.parameters():
            p.grad *= 0

    def parameters(self):
        return []


class Neuron(Module):
    def __init__(self, nin, nonlin=True):
        self.w = np.array([Value(v) for v in np.random.uniform(-1, 1, size=nin)], dtype=object)
        self.b = Value(np.random.uniform(-1, 1))
        self.nonlin = nonlin

    def __call__(self, x):
        total = np.dot(self.w, np.array(x, dtype=object)) + self.b
        return total.relu() if self.nonlin else total

    def parameters(self):
        return list(self.w) + [self.b]


class Layer(Module):
    def __init__(self, nin, nout, **kwargs):
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x):
        out = [n(x) for n in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self):
        return [p for n in self.neurons for p in n.parameters()]


class MLP(Module):
    def __init__(self, nin, nouts):
        sizes = np.concatenate([[nin], nouts]).astype(int)
        n = len(nouts)
        self.layers = [Layer(sizes[i], sizes[i + 1], nonlin=bool(i < n - 1)) for i in range(n)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]


def mse(ys, ypred):
    errors = np.array(ypred, dtype=object) - np.array(ys, dtype=object)
    return np.sum(errors * errors)


def hinge(ys, scores):
    margins = 1 - np.array(ys, dtype=object) * np.array(scores, dtype=object)
    return np.mean([m.relu() for m in margins])


def l2(parameters, alpha=1e-4):
    p = np.array(list(parameters), dtype=object)
    return np.dot(p, p) * alpha


def sgd_step(parameters, lr):
    for p in parameters:
        p.data -= np.float64(lr) * p.grad


def train(model, xs, ys, steps, lr):
    losses = np.empty(steps)
    for k in range(steps):
        loss = mse(ys, [model(x) for x in xs])
        model.zero_grad()
        loss.backward()
        sgd_step(model.parameters(), lr)
        losses[k] = loss.data
    return losses


def gradcheck(f, values, h=1e-6):
    leaves = [Value(v) for v in values]
    f(*leaves).backward()
    errors = []
    for i in range(len(values)):
        step = h * np.eye(len(values))[i]
        up, down = np.asarray(values) + step, np.asarray(values) - step
        errors.append(abs((f(*up) - f(*down)) / (2 * h) - leaves[i].grad))
    return np.max(errors)
