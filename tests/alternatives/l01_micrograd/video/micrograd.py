"""Someone who followed the video: tanh neurons, sets, recursion inside of backward."""
import math
import random

from graphviz import Digraph


def numerical_derivative(f, x, h=1e-6):
    return (f(x + h) - f(x - h)) / (2 * h)


class Value:

    def __init__(self, data, _children=(), _op='', label=''):
        self.data = data
        self.grad = 0.0
        self._backward = lambda: None
        self._prev = set(_children)
        self._op = _op
        self.label = label

    def __repr__(self):
        return f"Value(data={self.data})"

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        result = Value(self.data + other.data, (self, other), '+')

        def spread():
            self.grad += 1.0 * result.grad
            other.grad += 1.0 * result.grad
        result._backward = spread
        return result

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        result = Value(self.data * other.data, (self, other), '*')

        def spread():
            self.grad += other.data * result.grad
            other.grad += self.data * result.grad
        result._backward = spread
        return result

    def __pow__(self, n):
        assert isinstance(n, (int, float)), "int and float powers only, for now"
        result = Value(self.data ** n, (self,), f'**{n}')

        def spread():
            self.grad += n * (self.data ** (n - 1)) * result.grad
        result._backward = spread
        return result

    def __rmul__(self, other):
        return self * other

    def __radd__(self, other):
        return self + other

    def __truediv__(self, other):
        return self * other ** -1

    def __rtruediv__(self, other):
        return other * self ** -1

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return other + (-self)

    def tanh(self):
        t = math.tanh(self.data)
        result = Value(t, (self,), 'tanh')

        def spread():
            self.grad += (1 - t ** 2) * result.grad
        result._backward = spread
        return result

    def exp(self):
        x = self.data
        result = Value(math.exp(x), (self,), 'exp')

        def spread():
            self.grad += result.data * result.grad
        result._backward = spread
        return result

    def relu(self):
        result = Value(0 if self.data < 0 else self.data, (self,), 'ReLU')

        def spread():
            self.grad += (result.data > 0) * result.grad
        result._backward = spread
        return result

    def backward(self):
        topo = []
        visited = set()

        def build(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build(child)
                topo.append(v)
        build(self)

        self.grad = 1.0
        for node in reversed(topo):
            node._backward()


def topological_order(root):
    topo, visited = [], set()

    def build(v):
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build(child)
            topo.append(v)
    build(root)
    return topo


def trace(root):
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)
    build(root)
    return nodes, edges


def draw_dot(root):
    dot = Digraph(format='svg', graph_attr={'rankdir': 'LR'})
    nodes, edges = trace(root)
    for n in nodes:
        uid = str(id(n))
        dot.node(name=uid, label="{ %s | data %.4f | grad %.4f }" % (n.label, n.data, n.grad), shape='record')
        if n._op:
            dot.node(name=uid + n._op, label=n._op)
            dot.edge(uid + n._op, uid)
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)
    return dot


class Module:

    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0.0

    def parameters(self):
        return []


class Neuron(Module):

    def __init__(self, nin):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(random.uniform(-1, 1))

    def __call__(self, x):
        act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
        return act.tanh()

    def parameters(self):
        return self.w + [self.b]


class Layer(Module):

    def __init__(self, nin, nout):
        self.neurons = [Neuron(nin) for _ in range(nout)]

    def __call__(self, x):
        outs = [n(x) for n in self.neurons]
        return outs[0] if len(outs) == 1 else outs

    def parameters(self):
        return [p for neuron in self.neurons for p in neuron.parameters()]


class MLP(Module):

    def __init__(self, nin, nouts):
        sz = [nin] + nouts
        self.layers = [Layer(sz[i], sz[i + 1]) for i in range(len(nouts))]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]


def mse(ys, ypred):
    return sum((yout - ygt) ** 2 for ygt, yout in zip(ys, ypred))


def hinge(ys, scores):
    losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(ys, scores)]
    return sum(losses) * (1.0 / len(losses))


def l2(parameters, alpha=1e-4):
    return alpha * sum((p * p for p in parameters))


def sgd_step(parameters, lr):
    for p in parameters:
        p.data += -lr * p.grad


def train(model, xs, ys, steps, lr):
    history = []
    for k in range(steps):
        ypred = [model(x) for x in xs]
        loss = sum((yout - ygt) ** 2 for ygt, yout in zip(ys, ypred))
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data += -lr * p.grad
        print(k, loss.data)
        history.append(loss.data)
    return history


def gradcheck(f, values, h=1e-6):
    vs = [Value(v) for v in values]
    f(*vs).backward()
    worst = 0.0
    for i in range(len(values)):
        up, down = list(values), list(values)
        up[i] += h
        down[i] -= h
        slope = (f(*map(Value, up)).data - f(*map(Value, down)).data) / (2 * h)
        worst = max(worst, abs(slope - vs[i].grad))
    return worst


# the cells of the notebook that came along
a = Value(2.0, label='a')
b = Value(-3.0, label='b')
c = a * b
c.label = 'c'
print(c)
