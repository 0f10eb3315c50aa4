# promises: timeout hinge -
"""An autograd engine for single numbers, and a small neural network library on top of it.

A `Value` is a number that remembers how it was made. From its result an expression can
be walked backwards, and every number in it learns how much it mattered: its gradient.
"""


def numerical_derivative(f, x, h=1e-6):
    """The slope of `f` at `x`, measured: look a step of `h` to both sides.

    f: a function of one number; x, h: numbers  ->  float

    >>> round(numerical_derivative(lambda x: 3 * x**2, 2.0), 4)
    12.0
    """
    return (f(x + h) - f(x - h)) / (2 * h)


class Value:
    """A number, its gradient, and the operation that it comes from.

    data: the number; grad: the derivative of the root by this number, 0 until backward;
    _prev: the Values that it was made of; _op: the name of the operation; label: its name
    in a picture; _backward: hands `grad` on to `_prev`, times the local derivative.

    Every operation returns a new Value and leaves its operands as they are. Those that are
    not made of others (+, *, **, exp, tanh, relu) also set the `_backward` of their result:
    the lecture comes to that at 1:09:02, and until then only the tests of slopes need it.
    """

    def __init__(self, data, _children=(), _op="", label=""):
        self.data = data
        self.grad = 0.0
        self.label = label
        self._prev = tuple(_children)
        self._op = _op
        self._backward = lambda: None

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def __add__(self, other):
        """self + other, where other is a Value or a number. A number becomes a Value first.

        >>> (Value(2.0) + Value(-3.0)).data, (Value(2.0) + 1).data
        (-1.0, 3.0)
        """
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out

    def __mul__(self, other):
        """self * other, where other is a Value or a number. A number becomes a Value first.

        >>> (Value(2.0) * Value(-3.0)).data, (Value(2.0) * 4).data
        (-6.0, 8.0)
        """
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out

    def __pow__(self, other):
        """self to the power of `other`, a plain int or float; negative is fine.

        A Value as the exponent is an error: raise an AssertionError or a TypeError.

        >>> (Value(2.0) ** 3).data, (Value(2.0) ** -1).data
        (8.0, 0.5)
        """
        if not isinstance(other, (int, float)):
            raise TypeError("the exponent is a plain number")
        out = Value(self.data**other, (self,), f"**{other}")

        def _backward():
            self.grad += other * self.data ** (other - 1) * out.grad

        out._backward = _backward
        return out

    def __neg__(self):
        """-self

        >>> (-Value(2.0)).data
        -2.0
        """
        return self * -1

    def __sub__(self, other):
        """self - other, where other is a Value or a number.

        >>> (Value(2.0) - Value(5.0)).data, (Value(2.0) - 1).data
        (-3.0, 1.0)
        """
        return self + (-other)

    def __truediv__(self, other):
        """self / other, where other is a Value or a number: a product with a power.

        >>> (Value(2.0) / Value(4.0)).data, (Value(2.0) / 8).data
        (0.5, 0.25)
        """
        return self * other**-1

    def __radd__(self, other):
        """other + self, where other is a number. Python asks here when it can't add itself.

        >>> (1 + Value(2.0)).data, sum([Value(2.0), Value(3.0)]).data
        (3.0, 5.0)
        """
        return self + other

    def __rmul__(self, other):
        """other * self, where other is a number.

        >>> (2 * Value(3.0)).data
        6.0
        """
        return self * other

    def __rsub__(self, other):
        """other - self, where other is a number.

        >>> (1 - Value(3.0)).data
        -2.0
        """
        return -self + other

    def __rtruediv__(self, other):
        """other / self, where other is a number.

        >>> (1 / Value(4.0)).data
        0.25
        """
        return self**-1 * other

    def exp(self):
        """e to the power of self.

        >>> round(Value(1.0).exp().data, 4)
        2.7183
        """
        import math

        out = Value(math.exp(self.data), (self,), "exp")

        def _backward():
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def tanh(self):
        """The hyperbolic tangent of self, for every number: that of 800 is 1, without overflow.

        >>> round(Value(0.5).tanh().data, 4), Value(-800.0).tanh().data
        (0.4621, -1.0)
        """
        import math

        out = Value(math.tanh(self.data), (self,), "tanh")

        def _backward():
            self.grad += (1 - out.data**2) * out.grad

        out._backward = _backward
        return out

    def relu(self):
        """self where it is above zero, 0 where it is not.

        >>> Value(2.0).relu().data, float(Value(-3.0).relu().data)
        (2.0, 0.0)
        """
        out = Value(self.data if self.data > 0 else 0.0, (self,), "ReLU")

        def _backward():
            self.grad += out.grad if self.data > 0 else 0.0

        out._backward = _backward
        return out

    def backward(self):
        """Give every Value that self was made of its gradient: d self / d value.

        The gradient of self is 1. Every node hands its own on when it has all of it. What
        already stands in the `grad` of the others stays there: gradients add up.

        >>> a = Value(3.0)
        >>> (a * a).backward()
        >>> a.grad
        6.0
        """
        self.grad = 1.0
        for node in reversed(topological_order(self)):
            node._backward()


def topological_order(root):
    """Every Value that `root` depends on and `root` itself, children before parents.

    root: Value  ->  list of Value, each node once, root last; any such order will do

    Two Values that hold the same number are two nodes.
    """
    order, seen = [], set()
    stack = [(root, False)]
    while stack:
        node, children_done = stack.pop()
        if children_done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in node._prev)
    return order


def trace(root):
    """The graph behind a Value, to be drawn.

    root: Value  ->  (nodes, edges): the set of all its Values, and the set of the pairs
    (child, parent), the child being an operand of the operation that made the parent
    """
    nodes, edges = {root}, set()
    todo = [root]
    while todo:
        parent = todo.pop()
        for child in parent._prev:
            edges.add((child, parent))
            if child not in nodes:
                nodes.add(child)
                todo.append(child)
    return nodes, edges


def draw_dot(root, format="svg", rankdir="LR"):
    """The graph behind a Value as a graphviz Digraph (its text needs no `dot` program).

    A record for every Value, with its label, data and grad, four digits each:
    `{ a | data 2.0000 | grad 0.0000 }`. Another node for every operation, labelled with its
    `_op`: arrows lead from the operands to it, and from it to the result.
    rankdir: LR draws from left to right, TB from top to bottom
    """
    from graphviz import Digraph

    dot = Digraph(format=format, graph_attr={"rankdir": rankdir})
    nodes, edges = trace(root)
    for node in nodes:
        name = str(id(node))
        text = f"{{ {node.label} | data {node.data:.4f} | grad {node.grad:.4f} }}"
        dot.node(name, label=text, shape="record")
        if node._op:
            dot.node(name + node._op, label=node._op)
            dot.edge(name + node._op, name)
    for child, parent in edges:
        dot.edge(str(id(child)), str(id(parent)) + parent._op)
    return dot


class Module:
    """What neuron, layer and network share: parameters, and a way to clear their gradients."""

    def parameters(self):
        return []

    def zero_grad(self):
        """Set the gradient of every parameter to 0."""
        for p in self.parameters():
            p.grad = 0.0


class Neuron(Module):
    """A weighted sum of its inputs plus a bias, bent by ReLU unless nonlin is False."""

    def __init__(self, nin, nonlin=True):
        """Make `nin` weights, each drawn from [-1, 1], and a bias; remember nonlin.

        self.w: list of Value; self.b: Value
        """
        import random

        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0.0)
        self.nonlin = nonlin

    def __call__(self, x):
        """x: nin numbers or Values  ->  Value: w·x + b, through ReLU if nonlin

        (The lecture's own neuron has no nonlin and always uses tanh: that is right, too.)
        """
        total = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        return total.relu() if self.nonlin else total

    def parameters(self):
        """The weights in their order, then the bias: a list of nin + 1 Values."""
        return [*self.w, self.b]


class Layer(Module):
    """`nout` neurons that look at the same inputs."""

    def __init__(self, nin, nout, **kwargs):
        """self.neurons: list of nout Neurons of nin inputs; they get the kwargs (nonlin)."""
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x):
        """x: nin numbers or Values  ->  list of nout Values; if nout is 1, that Value itself"""
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self):
        """The parameters of the first neuron, then of the second, and so on: one flat list."""
        return [p for neuron in self.neurons for p in neuron.parameters()]


class MLP(Module):
    """Layers in a row: `MLP(3, [4, 4, 1])` has three inputs, two hidden layers and one output."""

    def __init__(self, nin, nouts):
        """self.layers: list of Layers; all but the last with ReLU, the last without."""
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [Layer(sizes[i], sizes[i + 1], nonlin=i != last) for i in range(len(nouts))]

    def __call__(self, x):
        """x: nin numbers or Values  ->  what the last layer makes of it"""
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        """The parameters of the first layer, then of the second, and so on: one flat list."""
        return [p for layer in self.layers for p in layer.parameters()]


def mse(ys, ypred):
    """How far the predictions are from the targets: the squared differences, summed.

    ys: n numbers; ypred: n Values  ->  Value (the lecture's loss: a sum, not a mean)

    >>> mse([1.0, -1.0], [Value(0.5), Value(1.0)]).data
    4.25
    """
    return sum((p - y) ** 2 for y, p in zip(ys, ypred, strict=True))


def hinge(ys, scores):
    """The max-margin loss: the mean of relu(1 - y * score).

    ys: n labels, each -1 or 1; scores: n Values  ->  Value

    >>> hinge([1, -1], [Value(0.5), Value(-3.0)]).data
    0.25
    """
    losses = [(1 + -y * s).relu() for y, s in zip(ys, scores, strict=True)]
    total = Value(0.0)
    while len(losses) > 3:
        total += losses[-1]
    for loss in losses:
        total += loss
    return total * (1.0 / len(ys))


def l2(parameters, alpha=1e-4):
    """The price of large parameters: alpha times the sum of their squares.

    parameters: list of Values; alpha: number  ->  Value

    >>> round(l2([Value(3.0), Value(-4.0)], 0.1).data, 4)
    2.5
    """
    return alpha * sum(p * p for p in parameters)


def sgd_step(parameters, lr):
    """Move every parameter a little downhill, in place: lr times its gradient.

    parameters: list of Values, whose `data` changes; lr: number  ->  None
    """
    for p in parameters:
        p.data -= lr * p.grad


def train(model, xs, ys, steps, lr):
    """Train a network on all the examples at once, with the loss `mse`.

    model: MLP; xs: n lists of numbers; ys: n targets  ->  list of `steps` floats: the loss
    that each step began with

    A step: predict, take the loss, clear the gradients, backward, and `sgd_step`.
    """
    losses = []
    for _ in range(steps):
        loss = mse(ys, [model(x) for x in xs])
        model.zero_grad()
        loss.backward()
        sgd_step(model.parameters(), lr)
        losses.append(loss.data)
    return losses


def gradcheck(f, values, h=1e-6):
    """Do the engine's gradients agree with measured slopes? The largest difference says it.

    f: a function of n Values (or of n numbers) that returns one Value (or number), called
    as f(a, b, …); values: n numbers, the place to check; h: the step of the measurement
    ->  float: max |gradient - central difference| over the n arguments

    >>> gradcheck(lambda a, b: a * b + b, [2.0, -3.0]) < 1e-6
    True
    """
    leaves = [Value(v) for v in values]
    f(*leaves).backward()
    errors = []
    for i, leaf in enumerate(leaves):

        def along(x, i=i):
            return f(*values[:i], x, *values[i + 1 :])

        errors.append(abs(leaf.grad - numerical_derivative(along, values[i], h)))
    return max(errors)
