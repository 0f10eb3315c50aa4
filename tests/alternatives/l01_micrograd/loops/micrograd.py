"""Plain loops and no comprehension, an explicit stack, everything spelled out; tanh, but linear at the end."""
import math
import random
import graphviz

Number = (int, float)


def numerical_derivative(f, x, h=1e-6):
    rise = f(x + h) - f(x - h)
    run = (x + h) - (x - h)
    return rise / run


class Value:
    def __init__(self, data, _children=(), _op="", label=""):
        self.data = float(data)
        self.grad = 0.0
        self.label = label
        self._op = _op
        self._prev = list(_children)
        self._backward = self._nothing

    def _nothing(self):
        pass

    def __add__(self, other):
        if isinstance(other, Number):
            other = Value(other)
        out = Value(self.data + other.data, [self, other], "+")

        def _backward():
            self.grad = self.grad + out.grad
            other.grad = other.grad + out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        if isinstance(other, Number):
            other = Value(other)
        out = Value(self.data * other.data, [self, other], "*")

        def _backward():
            self.grad = self.grad + other.data * out.grad
            other.grad = other.grad + self.data * out.grad

        out._backward = _backward
        return out

    def __pow__(self, n):
        assert type(n) in Number
        out = Value(math.pow(self.data, n), [self], "^" + str(n))

        def _backward():
            if n != 0:
                self.grad = self.grad + n * math.pow(self.data, n - 1) * out.grad

        out._backward = _backward
        return out

    def __radd__(self, other):
        return Value(other) + self

    def __rmul__(self, other):
        return Value(other) * self

    def __neg__(self):
        return Value(-1.0) * self

    def __sub__(self, other):
        if isinstance(other, Number):
            other = Value(other)
        return self + other * -1

    def __rsub__(self, other):
        return Value(other) - self

    def __truediv__(self, other):
        if isinstance(other, Number):
            other = Value(other)
        return self * other ** (-1)

    def __rtruediv__(self, other):
        return Value(other) / self

    def exp(self):
        out = Value(math.exp(self.data), [self], "exp")

        def _backward():
            self.grad = self.grad + out.data * out.grad

        out._backward = _backward
        return out

    def tanh(self):
        # tanh is made of other operations; the exponent is never positive, so nothing overflows
        if self.data >= 0:
            e = (self * -2).exp()
            return (1 - e) / (1 + e)
        e = (self * 2).exp()
        return (e - 1) / (e + 1)

    def relu(self):
        if self.data > 0:
            out = Value(self.data, [self], "relu")
        else:
            out = Value(0, [self], "relu")

        def _backward():
            if out.data > 0:
                self.grad = self.grad + out.grad

        out._backward = _backward
        return out

    def backward(self):
        self.grad = 1.0
        order = topological_order(self)
        i = len(order) - 1
        while i >= 0:
            order[i]._backward()
            i = i - 1


def topological_order(root):
    # count how many parents wait for each node, then peel the graph from the root
    waiting = {id(root): 0}
    todo = [root]
    while todo:
        node = todo.pop()
        for child in node._prev:
            if id(child) not in waiting:
                waiting[id(child)] = 0
                todo.append(child)
            waiting[id(child)] = waiting[id(child)] + 1
    parents_first = []
    ready = [root]
    while ready:
        node = ready.pop()
        parents_first.append(node)
        for child in node._prev:
            waiting[id(child)] = waiting[id(child)] - 1
            if waiting[id(child)] == 0:
                ready.append(child)
    parents_first.reverse()
    return parents_first


def trace(root):
    nodes = []
    edges = []
    todo = [root]
    while len(todo) > 0:
        node = todo.pop(0)
        if any(node is n for n in nodes):
            continue
        nodes.append(node)
        for child in node._prev:
            if not any(child is c and node is p for c, p in edges):
                edges.append((child, node))
            todo.append(child)
    return nodes, edges


def draw_dot(root, format="svg", rankdir="LR"):
    dot = graphviz.Digraph(format=format)
    dot.attr(rankdir=rankdir)
    dot.attr("node", fontsize="10")
    nodes, edges = trace(root)
    number = {}
    for i, node in enumerate(nodes):
        number[id(node)] = "v%d" % i
        dot.node("v%d" % i, shape="record", label="{%s|data %.4f|grad %.4f}" % (node.label, node.data, node.grad))
        if node._op != "":
            dot.node("op%d" % i, label="**2" if node._op == "^2" else node._op, shape="oval")
            dot.edge("op%d" % i, "v%d" % i)
    for child, parent in edges:
        dot.edge(number[id(child)], number[id(parent)].replace("v", "op"))
    return dot


class Module:
    def parameters(self):
        raise NotImplementedError

    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0


class Neuron(Module):
    def __init__(self, nin, nonlin=True):
        self.nonlin = nonlin
        self.w = []
        for _ in range(nin):
            self.w.append(Value(random.uniform(-1.0, 1.0)))
        self.b = Value(random.uniform(-1.0, 1.0))

    def __call__(self, x):
        total = self.b
        for i in range(len(self.w)):
            total = total + self.w[i] * x[i]
        if self.nonlin:
            total = total.tanh()
        return total

    def parameters(self):
        result = []
        for w in self.w:
            result.append(w)
        result.append(self.b)
        return result


class Layer(Module):
    def __init__(self, nin, nout, nonlin=True):
        self.neurons = []
        for _ in range(nout):
            self.neurons.append(Neuron(nin, nonlin))

    def __call__(self, x):
        result = []
        for neuron in self.neurons:
            result.append(neuron(x))
        if len(result) == 1:
            return result[0]
        return result

    def parameters(self):
        result = []
        for neuron in self.neurons:
            result.extend(neuron.parameters())
        return result


class MLP(Module):
    def __init__(self, nin, nouts):
        self.layers = []
        for i in range(len(nouts)):
            before = nin if i == 0 else nouts[i - 1]
            self.layers.append(Layer(before, nouts[i], nonlin=i < len(nouts) - 1))

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        result = []
        for layer in self.layers:
            result.extend(layer.parameters())
        return result


def mse(ys, ypred):
    total = Value(0)
    for i in range(len(ys)):
        difference = ypred[i] - ys[i]
        total = total + difference * difference
    return total


def hinge(ys, scores):
    total = Value(0)
    for i in range(len(ys)):
        total = total + (1 - scores[i] * ys[i]).relu()
    return total / len(ys)


def l2(parameters, alpha=1e-4):
    total = Value(0)
    for p in parameters:
        total = total + p * p
    return total * alpha


def sgd_step(parameters, lr):
    for i in range(len(parameters)):
        parameters[i].data -= lr * parameters[i].grad


def train(model, xs, ys, steps, lr):
    losses = []
    for step in range(steps):
        predictions = []
        for x in xs:
            predictions.append(model(x))
        loss = mse(ys, predictions)
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        sgd_step(model.parameters(), lr)
        losses.append(loss)  # a Value each: its data is the number
    return losses


def gradcheck(f, values, h=1e-6):
    leaves = []
    for v in values:
        leaves.append(Value(v))
    out = f(*leaves)
    out.backward()
    largest = 0.0
    for i in range(len(values)):
        def g(x):
            moved = list(values)
            moved[i] = x
            return f(*moved)
        error = abs(numerical_derivative(g, values[i], h) - leaves[i].grad)
        if error > largest:
            largest = error
    return largest
