"""The package's own shape: no label, tuples for children, integer gradients, recursion."""
import random
from math import exp, tanh

import graphviz


def numerical_derivative(f, x, h=1e-6):
    below, above = f(x - h), f(x + h)
    return 0.5 * (above - below) / h


def lift(x):
    if isinstance(x, Value):
        return x
    return Value(x)


class Value:
    def __init__(self, data, _children=(), _op=""):
        self.data = data
        self.grad = 0
        self._prev = tuple(dict.fromkeys(_children))
        self._op = _op
        self._backward = lambda: None

    def __add__(self, other):
        other = lift(other)
        out = Value(self.data + other.data, (self, other), "+")

        def pull():
            for side in (self, other):
                side.grad += out.grad

        out._backward = pull
        return out

    __radd__ = __add__

    def __mul__(self, other):
        other = lift(other)
        out = Value(self.data * other.data, (self, other), "*")

        def pull():
            mine, theirs = other.data * out.grad, self.data * out.grad
            self.grad += mine
            other.grad += theirs

        out._backward = pull
        return out

    __rmul__ = __mul__

    def __pow__(self, exponent):
        if isinstance(exponent, Value):
            raise TypeError("no Values up there")
        out = Value(self.data**exponent, (self,), f"**{exponent}")

        def pull():
            self.grad += out.grad * exponent * self.data ** (exponent - 1)

        out._backward = pull
        return out

    def __neg__(self):
        out = Value(-self.data, (self,), "neg")

        def pull():
            self.grad -= out.grad

        out._backward = pull
        return out

    def __sub__(self, other):
        other = lift(other)
        out = Value(self.data - other.data, (self, other), "-")

        def pull():
            self.grad += out.grad
            other.grad -= out.grad

        out._backward = pull
        return out

    def __rsub__(self, other):
        return lift(other) - self

    def __truediv__(self, other):
        other = lift(other)
        out = Value(self.data / other.data, (self, other), "/")

        def pull():
            self.grad += out.grad / other.data
            other.grad -= out.grad * self.data / other.data**2

        out._backward = pull
        return out

    def __rtruediv__(self, other):
        return lift(other) / self

    def exp(self):
        out = Value(exp(self.data), (self,), "exp")

        def pull():
            self.grad += out.grad * out.data

        out._backward = pull
        return out

    def tanh(self):
        out = Value(tanh(self.data), (self,), "tanh")

        def pull():
            self.grad += out.grad * (1 + out.data) * (1 - out.data)

        out._backward = pull
        return out

    def relu(self):
        out = Value(max(0, self.data), (self,), "ReLU")

        def pull():
            if self.data >= 0:
                self.grad += out.grad

        out._backward = pull
        return out

    def backward(self):
        self.grad = 1
        order = topological_order(self)
        while order:
            order.pop()._backward()


def topological_order(root, done=None, order=None):
    done = set() if done is None else done
    order = [] if order is None else order
    if root in done:
        return order
    done.add(root)
    for child in root._prev:
        topological_order(child, done, order)
    order.append(root)
    return order


def trace(root):
    nodes = frozenset(topological_order(root))
    return nodes, frozenset((child, node) for node in nodes for child in node._prev)


def draw_dot(root, format="svg", rankdir="LR"):
    dot = graphviz.Digraph(format=format, graph_attr={"rankdir": rankdir})
    nodes, edges = trace(root)
    for n in nodes:
        dot.node(name=str(id(n)), label="{ data %.4f | grad %.4f }" % (n.data, n.grad), shape="record")
        if n._op:
            dot.node(name=str(id(n)) + n._op, label=n._op)
            dot.edge(str(id(n)) + n._op, str(id(n)))
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)
    return dot


class Module:
    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0

    def parameters(self):
        return []


class Neuron(Module):
    def __init__(self, nin, nonlin=True):
        self.w = [Value(2 * random.random() - 1) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x):
        act = self.b
        for wi, xi in zip(self.w, x):
            act = wi * xi + act
        return act.relu() if self.nonlin else act

    def parameters(self):
        return (*self.w, self.b)

    def __repr__(self):
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    def __init__(self, nin, nout, **kwargs):
        self.neurons = tuple(Neuron(nin, **kwargs) for _ in range(nout))

    def __call__(self, x):
        out = tuple(n(x) for n in self.neurons)
        return out if len(out) > 1 else out[0]

    def parameters(self):
        return sum((n.parameters() for n in self.neurons), ())


class MLP(Module):
    def __init__(self, nin, nouts):
        hidden = [Layer(a, b) for a, b in zip([nin, *nouts], nouts[:-1])]
        self.layers = [*hidden, Layer(([nin] + list(nouts))[-2], nouts[-1], nonlin=False)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return sum((layer.parameters() for layer in self.layers), ())


def mse(ys, ypred):
    total = 0
    for y, p in zip(ys, ypred):
        total += (y - p) * (y - p)
    return total


def hinge(ys, scores):
    n = len(ys)
    return sum((1 - y * s).relu() / n for y, s in zip(ys, scores))


def l2(parameters, alpha=1e-4):
    return sum(alpha * p**2 for p in parameters)


def sgd_step(parameters, lr):
    for p in parameters:
        p.data = p.data - lr * p.grad


def train(model, xs, ys, steps, lr):
    losses = ()
    while len(losses) < steps:
        loss = mse(ys, tuple(map(model, xs)))
        model.zero_grad()
        loss.backward()
        sgd_step(model.parameters(), lr)
        losses += (loss.data,)
    return losses


def gradcheck(f, values, h=1e-6):
    leaves = tuple(map(Value, values))
    f(*leaves).backward()

    def measured(i):
        return numerical_derivative(lambda x: f(*values[:i], x, *values[i + 1 :]), values[i], h)

    return max(abs(leaf.grad - measured(i)) for i, leaf in enumerate(leaves))
