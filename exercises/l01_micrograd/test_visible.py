"""What you may read: the basic case of every task. PyTorch in float64 is the oracle.

A probe is a function that runs beside your code: `m` is your micrograd.py. Only its result,
plain numbers, comes back here.
"""

import math
from types import SimpleNamespace

import torch

from autograder.suite import close, task

# Single numbers are Python floats, whatever the device: so is the oracle, on the CPU.
ORACLE = SimpleNamespace(
    Value=lambda x: torch.tensor(float(x), dtype=torch.float64, device="cpu", requires_grad=True)
)
SHARP = {"rtol": 1e-9, "atol": 1e-9, "reason": "a few operations on float64 numbers"}
PRINTED = {"rtol": 0.0, "atol": 6e-5, "reason": "four digits are printed"}


def plain(tree):
    """PyTorch's answers as Python floats."""
    return [plain(part) for part in tree] if isinstance(tree, list) else float(tree)


# ---------------------------------------------------------------------- slopes by measurement


def slopes(m, xs):
    def cubic(x):
        return x**3 - 4 * x + 5

    return [m.numerical_derivative(cubic, x) for x in xs]


@task("numerical_derivative")
def test_slope_of_a_cubic(student):
    """The measured slope of x³ - 4x + 5 is 3x² - 4."""
    xs = [-1.5, 0.5, 2.0]
    close(
        student.run(slopes, xs),
        [3 * x**2 - 4 for x in xs],
        rtol=1e-6,
        atol=1e-6,
        reason="a measured slope is no better than its step",
    )


# ---------------------------------------------------------------------------- the operations


def two_operands(m, operation, pairs):
    def apply(a, b):
        if operation == "+":
            return a + b
        if operation == "*":
            return a * b
        if operation == "-":
            return a - b
        return a / b

    with_values = [apply(m.Value(x), m.Value(y)).data for x, y in pairs]
    with_numbers = [apply(m.Value(x), y).data for x, y in pairs]
    return [with_values, with_numbers]


PAIRS = [[2.0, -3.0], [-0.5, 4.0], [7.0, 2.5]]


@task("Value.__add__")
def test_addition(student):
    """A sum of two Values, and of a Value and a number, holds the sum."""
    expected = [x + y for x, y in PAIRS]
    close(student.run(two_operands, "+", PAIRS), [expected, expected], **SHARP)


@task("Value.__mul__")
def test_multiplication(student):
    """A product of two Values, and of a Value and a number, holds the product."""
    expected = [x * y for x, y in PAIRS]
    close(student.run(two_operands, "*", PAIRS), [expected, expected], **SHARP)


@task("Value.__sub__")
def test_subtraction(student):
    """A difference of two Values, and of a Value and a number, holds the difference."""
    expected = [x - y for x, y in PAIRS]
    close(student.run(two_operands, "-", PAIRS), [expected, expected], **SHARP)


@task("Value.__truediv__")
def test_division(student):
    """A quotient of two Values, and of a Value and a number, holds the quotient."""
    expected = [x / y for x, y in PAIRS]
    close(student.run(two_operands, "/", PAIRS), [expected, expected], **SHARP)


def negatives(m, xs):
    return [(-m.Value(x)).data for x in xs]


@task("Value.__neg__")
def test_negation(student):
    """-a holds the number with the other sign."""
    close(student.run(negatives, [2.0, -3.5]), [-2.0, 3.5], **SHARP)


def numbers_first(m, x):
    a = m.Value(x)
    return [(2 * a).data, (1 + a).data, (1 - a).data, (1 / a).data]


@task("reflected")
def test_the_number_stands_first(student):
    """2 * a, 1 + a, 1 - a and 1 / a work like a * 2 and its kin."""
    close(student.run(numbers_first, 4.0), [8.0, 5.0, -3.0, 0.25], **SHARP)


def powers(m, x, exponents):
    return [(m.Value(x) ** n).data for n in exponents]


@task("Value.__pow__")
def test_powers(student):
    """A Value to the power of 3, 0.5, -1 and -2."""
    close(student.run(powers, 4.0, [3, 0.5, -1, -2]), [64.0, 2.0, 0.25, 0.0625], **SHARP)


def curve(m, name, xs):
    return [getattr(m.Value(x), name)().data for x in xs]


@task("Value.exp")
def test_exp(student):
    """exp of -1, 0 and 2."""
    close(student.run(curve, "exp", [-1.0, 0.0, 2.0]), [math.exp(x) for x in (-1, 0, 2)], **SHARP)


@task("Value.tanh")
def test_tanh(student):
    """tanh of -1, 0 and 0.5."""
    expected = [math.tanh(x) for x in (-1, 0, 0.5)]
    close(student.run(curve, "tanh", [-1.0, 0.0, 0.5]), expected, **SHARP)


@task("Value.relu")
def test_relu(student):
    """relu leaves 2 as it is and turns -3 into 0."""
    close(student.run(curve, "relu", [2.0, -3.0]), [2.0, 0.0], **SHARP)


def slope(m, name, x):
    """The gradient of one operation, whose graph is walked here: nothing else is asked."""

    def descend(node, order):
        if all(node is not other for other in order):
            for child in node._prev:
                descend(child, order)
            order.append(node)
        return order

    a = m.Value(x)
    out = a**3 if name == "**3" else getattr(a, name)()
    out.grad = 1.0
    for node in reversed(descend(out, [])):
        node._backward()
    return a.grad


@task("Value.__pow__")
def test_slope_of_a_power(student):
    """The gradient of a³ at 2 is 12: `_backward` knows 3·a²."""
    close(student.run(slope, "**3", 2.0), 12.0, **SHARP)


@task("Value.exp")
def test_slope_of_exp(student):
    """The gradient of exp at 2 is e²."""
    close(student.run(slope, "exp", 2.0), math.exp(2), **SHARP)


@task("Value.tanh")
def test_slope_of_tanh(student):
    """The gradient of tanh at 0.5 is 1 - tanh²(0.5)."""
    close(student.run(slope, "tanh", 0.5), 1 - math.tanh(0.5) ** 2, **SHARP)


@task("Value.relu")
def test_slope_of_relu(student):
    """The gradient of relu is 1 at 2 and 0 at -3."""
    close([student.run(slope, "relu", 2.0), student.run(slope, "relu", -3.0)], [1.0, 0.0], **SHARP)


# -------------------------------------------------------------------------- walking the graph


def order_of_a_ladder(m):
    # every node is made of the one before it and the one before that: one order is right
    nodes = [m.Value(0.0)]
    nodes.append(m.Value(1.0, (nodes[0],), "+"))
    for i in range(2, 6):
        nodes.append(m.Value(float(i), (nodes[i - 2], nodes[i - 1]), "+"))
    place = {id(node): i for i, node in enumerate(nodes)}
    return [place.get(id(node), -1) for node in m.topological_order(nodes[-1])]


@task("topological_order")
def test_order_of_a_ladder(student):
    """Each of six Values is made of the two before it: they come in that order, each once."""
    close(student.run(order_of_a_ladder), [0, 1, 2, 3, 4, 5])


def one_step(m, operation, x, y, before, upstream):
    a, b = m.Value(x), m.Value(y)
    out = a + b if operation == "+" else a * b
    a.grad, b.grad, out.grad = before, before, upstream
    out._backward()
    return [a.grad, b.grad]


@task("local_gradients")
def test_local_gradients_of_plus_and_times(student):
    """The `_backward` of a + b gives 1 and 1; that of a * b gives b and a."""
    close(student.run(one_step, "+", 2.0, -3.0, 0.0, 1.0), [1.0, 1.0], **SHARP)
    close(student.run(one_step, "*", 2.0, -3.0, 0.0, 1.0), [-3.0, 2.0], **SHARP)


@task("local_gradients")
def test_gradients_pass_through_and_add_up(student):
    """`_backward` multiplies by out.grad, here 10, and adds to what is there, here 0.5."""
    close(student.run(one_step, "+", 2.0, -3.0, 0.5, 10.0), [10.5, 10.5], **SHARP)
    close(student.run(one_step, "*", 2.0, -3.0, 0.5, 10.0), [-29.5, 20.5], **SHARP)


def twice(m, x):
    a = m.Value(x)
    (a + a).backward()
    return a.grad


@task("Value.backward")
def test_a_plus_a(student):
    """In a + a the same Value is used twice: its gradient is 2."""
    close(student.run(twice, 3.0), plain(twice(ORACLE, 3.0)), **SHARP)


def lecture_neuron(m, x1, x2, w1, w2, b):
    leaves = [m.Value(v) for v in (x1, x2, w1, w2, b)]
    x1, x2, w1, w2, b = leaves
    o = (x1 * w1 + x2 * w2 + b).tanh()
    o.backward()
    return [o.data, *(leaf.grad for leaf in leaves)]


@task("Value.backward")
def test_the_lectures_neuron(student):
    """The neuron of the lecture: 0.7071, and the gradients -1.5, 0.5, 1 and 0 that it writes."""
    numbers = [2.0, 0.0, -3.0, 1.0, 6.8813735870195432]
    answer = student.run(lecture_neuron, *numbers)
    close(answer, [0.7071, -1.5, 0.5, 1.0, 0.0, 0.5], **PRINTED)
    close(answer, plain(lecture_neuron(ORACLE, *numbers)), **SHARP)


def long_expression(m, x, y):
    a, b = m.Value(x), m.Value(y)
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + (b + a).relu())
    d = d + (3 * d + (b - a).relu())
    f = (c - d) ** 2
    g = f / 2.0
    g = g + 10.0 / f
    g.backward()
    return [g.data, a.grad, b.grad]


@task("Value.backward")
def test_the_readmes_expression(student):
    """The long expression in micrograd's readme: 24.7041, and gradients 138.8338 and 645.5773."""
    answer = student.run(long_expression, -4.0, 2.0)
    close(answer, [24.7041, 138.8338, 645.5773], **PRINTED)
    close(answer, plain(long_expression(ORACLE, -4.0, 2.0)), **SHARP)


# ------------------------------------------------------------------------------------ drawing


def traced(m):
    a, b, c = m.Value(2.0), m.Value(-3.0), m.Value(10.0)
    e = m.Value(-6.0, (a, b), "*")
    d = m.Value(4.0, (e, c), "+")
    nodes, edges = m.trace(d)
    return [
        sorted(node.data for node in nodes),
        sorted([child.data, parent.data] for child, parent in edges),
    ]


@task("trace")
def test_trace_of_two_operations(student):
    """a·b + c has five nodes, and four edges from operand to result."""
    expected = [
        [-6.0, -3.0, 2.0, 4.0, 10.0],
        [[-6.0, 4.0], [-3.0, -6.0], [2.0, -6.0], [10.0, 4.0]],
    ]
    close(student.run(traced), expected)


def drawn(m):
    import re

    a, b = m.Value(2.0), m.Value(-3.0)
    e = m.Value(-6.0, (a, b), "*")
    a.grad, b.grad, e.grad = -3.0, 2.0, 1.0
    source = m.draw_dot(e).source
    # what the picture shows, without the names that graphviz needs
    name = r'("(?:[^"\\]|\\.)*"|[\w.-]+)'
    number = r"\s*[:=]?\s*(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)"
    labels, edges = {}, []
    for line in source.splitlines():
        edge = re.match(rf"\s*{name}\s*->\s*{name}", line)
        node = re.match(rf"\s*{name}\s*\[(.*)\]", line)
        if edge:
            edges.append([part.strip('"') for part in edge.groups()])
        elif node and node[1] not in ("node", "edge", "graph"):
            label = re.search(rf"label={name}", node[2])
            labels[node[1].strip('"')] = label[1].strip('"') if label else ""

    def shown(key):
        data = re.search("data" + number, labels.get(key, ""))
        grad = re.search("grad" + number, labels.get(key, ""))
        if data and grad:
            return f"data {float(data[1]):.4f} grad {float(grad[1]):.4f}"
        return labels.get(key, "").strip()

    return [
        sorted(shown(key) for key in labels),
        sorted(f"{shown(tail)} -> {shown(head)}" for tail, head in edges),
    ]


@task("draw_dot")
def test_picture_of_a_product(student):
    """The picture of a * b: three records with data and grad, one `*`, three arrows."""
    a, b, e = "data 2.0000 grad -3.0000", "data -3.0000 grad 2.0000", "data -6.0000 grad 1.0000"
    expected = [sorted([a, b, e, "*"]), sorted([f"{a} -> *", f"{b} -> *", f"* -> {e}"])]
    close(student.run(drawn), expected)


# ------------------------------------------------------------------------------- the network


def cleared(m):
    if hasattr(m, "Module"):

        class Three(m.Module):
            def __init__(self):
                self.values = [m.Value(float(i)) for i in range(3)]

            def parameters(self):
                return self.values

        module = Three()
    else:
        module = m.MLP(2, [1])
    for p, number in zip(module.parameters(), (4.0, -1.0, 2.0), strict=True):
        p.data, p.grad = number, number
    module.zero_grad()
    return [[p.data, p.grad] for p in module.parameters()]


@task("zero_grad")
def test_gradients_are_cleared(student):
    """After zero_grad every gradient is 0, and the parameters are what they were."""
    close(student.run(cleared), [[4.0, 0.0], [-1.0, 0.0], [2.0, 0.0]])


def weighted_sum(m, weights, x):
    neuron = m.Neuron(len(x))
    parameters = neuron.parameters()
    if len(parameters) != len(weights):
        return [len(parameters), None]  # the answer would be chance
    for p, w in zip(parameters, weights, strict=True):
        p.data = w
    return [len(parameters), neuron(x).data]


@task("Neuron")
def test_a_neuron_is_a_bent_weighted_sum(student):
    """A neuron of three inputs: three weights and a bias; the sum goes through ReLU (or tanh)."""
    weights, x = [0.5, -0.3, 0.1, 0.25], [1.0, 2.0, -4.0]
    total = 0.5 - 0.6 - 0.4 + 0.25  # below zero: ReLU gives 0
    answer = student.run(weighted_sum, weights, x)
    lecture = isinstance(answer, (list, tuple)) and len(answer) == 2 and bent_by_tanh(answer[1])
    close(answer, [4, math.tanh(total) if lecture else 0.0], **SHARP)


def bent_by_tanh(y):
    """Whether that is what the lecture's tanh neuron answers to a sum below zero."""
    return isinstance(y, float) and y < 0


def layers(m, weights, x):
    counts, outs = [], []
    for nout in (3, 1):
        layer = m.Layer(len(x), nout)
        parameters = layer.parameters()
        counts.append(len(parameters))
        if len(parameters) != 3 * nout:
            outs.append(None)  # the answers would be chance
            continue
        for p, w in zip(parameters, weights, strict=False):
            p.data = w
        out = layer(x)
        outs.append([o.data for o in out] if isinstance(out, (list, tuple)) else out.data)
    return [counts, outs]


@task("Layer")
def test_a_layer_is_neurons_side_by_side(student):
    """Three neurons give three outputs, one neuron gives its output itself and no list."""
    weights, x = [0.5, 0.25, 0.125, -1.0, 2.0, 1.0, 1.5, 0.5, -2.0], [1.0, 2.0]
    sums = [1.125, 4.0, 0.5]  # above zero: ReLU changes nothing
    answer = student.run(layers, weights, x)
    if bent_by_less_than(answer, sums):
        sums = [math.tanh(s) for s in sums]
    close(answer, [[9, 3], [sums, sums[0]]], **SHARP)


def bent_by_less_than(answer, sums):
    """Whether the first output is nearer to the tanh of the sum than to the sum."""
    first = answer
    for index in (1, 0, 0):
        if not (isinstance(first, (list, tuple)) and len(first) > index):
            return False
        first = first[index]
    return isinstance(first, float) and abs(first - math.tanh(sums[0])) < abs(first - sums[0])


def counts_of_parameters(m):
    return [len(m.MLP(3, nouts).parameters()) for nouts in ([4, 4, 1], [5, 2])]


@task("MLP")
def test_forty_one_parameters(student):
    """MLP(3, [4, 4, 1]) has 41 parameters."""
    close(student.run(counts_of_parameters), [41, 32])


# ---------------------------------------------------------------------------- loss and training


def losses(m, name, ys, predictions):
    leaves = [m.Value(p) for p in predictions]
    loss = getattr(m, name)(ys, leaves)
    return loss.data


@task("mse")
def test_squared_error(student):
    """Predictions 0.5 and 1 where 1 and -1 are wanted: 0.25 + 4."""
    close(student.run(losses, "mse", [1.0, -1.0], [0.5, 1.0]), 4.25, **SHARP)


@task("hinge")
def test_hinge(student):
    """A score beyond the margin costs nothing, any other what it lacks; the mean counts."""
    close(student.run(losses, "hinge", [1, -1, -1], [0.5, -3.0, 2.0]), (0.5 + 0 + 3) / 3, **SHARP)


def price(m, numbers, alpha):
    return m.l2([m.Value(x) for x in numbers], alpha).data


@task("l2")
def test_price_of_large_parameters(student):
    """alpha times the sum of the squares of 3, -4 and 1."""
    close(student.run(price, [3.0, -4.0, 1.0], 0.1), 2.6, **SHARP)


def stepped(m, numbers, gradients, lr):
    parameters = [m.Value(x) for x in numbers]
    for p, g in zip(parameters, gradients, strict=True):
        p.grad = g
    m.sgd_step(parameters, lr)
    return [p.data for p in parameters]


@task("sgd_step")
def test_a_step_downhill(student):
    """A parameter with a positive gradient becomes smaller, one with a negative gradient larger."""
    close(student.run(stepped, [1.0, 2.0], [4.0, -3.0], 0.1), [0.6, 2.3], **SHARP)


def first_losses(m):
    model = m.MLP(1, [2, 1])
    for p, w in zip(model.parameters(), (0.5, 0.25, -0.5, 1.25, -0.25, 0.75, 0.25), strict=True):
        p.data = w
    losses = m.train(model, [[1.0], [2.0]], [1.0, -1.0], 3, 0.05)
    return [loss.data if isinstance(loss, m.Value) else loss for loss in losses]


@task("train")
def test_three_steps(student):
    """Three steps on two points: one loss for each, and each is below the one before."""
    answer = student.run(first_losses)
    close([type(loss).__name__ for loss in listed(answer)], ["float"] * 3)
    assert answer[0] > answer[1] > answer[2], f"the losses should fall: {answer}"


def listed(answer):
    return answer if isinstance(answer, (list, tuple)) else []


def checked(m):
    def f(*values):
        values = values[0] if isinstance(values[0], (list, tuple)) else values
        a, b = values
        return a * b + b**3

    try:
        largest = m.gradcheck(f, [2.0, -3.0], 1e-6)
    except (AttributeError, TypeError):  # someone took `values` to be Values
        largest = m.gradcheck(f, [m.Value(2.0), m.Value(-3.0)], 1e-6)
    # what lies below is the noise of the measurement
    return round(largest, 6) if isinstance(largest, float) else largest


@task("gradcheck")
def test_right_gradients_pass(student):
    """For a·b + b³ gradients and measured slopes agree: the largest error is almost 0."""
    close(
        student.run(checked),
        0.0,
        rtol=0.0,
        atol=1e-6,
        reason="a measured slope is no better than its step",
    )
