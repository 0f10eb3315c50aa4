"""What the suites ask beside a submission: `m` is its micrograd.py, plain data goes back."""

import math
import operator
import re
from itertools import zip_longest

# ---------------------------------------------------------------------- slopes by measurement

CURVES = {
    "x³ - 4x + 5": lambda x: x**3 - 4 * x + 5,
    "x·exp(-x)": lambda x: x * math.exp(-x),
    "2x³ - x": lambda x: 2 * x**3 - x,
}


def slopes(m, curve, xs, *h):
    return [m.numerical_derivative(CURVES[curve], x, *h) for x in xs]


# ------------------------------------------------------------------------------ one operation

BINARY = {
    "+": operator.add,
    "*": operator.mul,
    "-": operator.sub,
    "/": operator.truediv,
    "**": operator.pow,
}


def apply(operation, a, *b):
    """a + b and the like, or a method of a: apply("exp", a)."""
    return BINARY[operation](a, *b) if operation in BINARY else getattr(a, operation)()


def nodes_below(root, found=None):
    """All nodes of a graph, children before parents, found without the submission's help."""
    found = [] if found is None else found
    if all(root is not node for node in found):
        for child in root._prev:
            nodes_below(child, found)
        found.append(root)
    return found


def pass_back(out, upstream):
    """Backward of one operation only. It may be made of several: its whole graph is walked."""
    out.grad = upstream
    for node in reversed(nodes_below(out)):
        node._backward()


def two_operands(m, operation, pairs):
    """Results of two Values, and of a Value and a number."""
    with_values = [apply(operation, m.Value(x), m.Value(y)).data for x, y in pairs]
    with_numbers = [apply(operation, m.Value(x), y).data for x, y in pairs]
    return [with_values, with_numbers]


def number_first(m, operation, numbers, xs):
    return [apply(operation, k, m.Value(x)).data for k, x in zip(numbers, xs, strict=True)]


def numbers_first(m, x):
    """Four operations with the same Value."""
    a = m.Value(x)
    return [(2 * a).data, (1 + a).data, (1 - a).data, (1 / a).data]


def summed(m, xs):
    return sum([m.Value(x) for x in xs]).data


def remembered(m, operation, x, y):
    """Results, then what the operands hold afterwards, then the numbers that made the result."""
    a, b = m.Value(x), m.Value(y)
    out, again = apply(operation, a, b), apply(operation, a, b)
    return [out.data, again.data, a.data, b.data, sorted(child.data for child in out._prev)]


def negatives(m, xs):
    """Negated numbers, and what the operands hold afterwards."""
    values = [m.Value(x) for x in xs]
    return [[(-v).data for v in values], [v.data for v in values]]


def results(m, operation, xs, exponents=()):
    """Results of an operation with one Value."""
    return [apply(operation, m.Value(x), n).data for x, n in zip_longest(xs, exponents)]


def results_and_slopes(m, operation, xs, exponents=()):
    """[result, gradient of the Value] for each number."""
    answers = []
    for x, n in zip_longest(xs, exponents):
        a = m.Value(x)
        out = apply(operation, a, n)
        pass_back(out, 1.0)
        answers.append([out.data, a.grad])
    return answers


def slope(m, operation, x, *exponent):
    ((_, gradient),) = results_and_slopes(m, operation, [x], exponent)
    return gradient


def value_as_exponent(m):
    try:
        out = m.Value(2.0) ** m.Value(3.0)
    except AssertionError:
        return "AssertionError"
    except TypeError:
        return "TypeError"
    return f"a {type(out).__name__}"


def one_backward(m, operation, x, y, before, upstream):
    """The gradients after the result's own `_backward`, `before` being there already."""
    a, b = m.Value(x), m.Value(y)
    out = apply(operation, a, b)
    a.grad, b.grad, out.grad = before, before, upstream
    out._backward()
    return [a.grad, b.grad]


def passed_back(m, operation, numbers, constants, befores, upstream):
    """The gradients after one operation's backward, `befores` being there already."""
    leaves = [m.Value(x) for x in numbers]
    out = apply(operation, *leaves, *constants)
    for leaf, before in zip(leaves, befores, strict=True):
        leaf.grad = before
    pass_back(out, upstream)
    return [leaf.grad for leaf in leaves]


# ------------------------------------------------------------------------------------- graphs


def graph(m, made_of, data, operations=None):
    """Nodes that are made of earlier ones: `made_of` lists their places."""
    operations = operations or ["+" if children else "" for children in made_of]
    nodes = []
    for children, number, operation in zip(made_of, data, operations, strict=True):
        nodes.append(m.Value(number, tuple(nodes[i] for i in children), operation))
    return nodes


def places(nodes, among):
    """Where nodes stand in a list; -1 for one that isn't in it."""
    place = {id(node): i for i, node in enumerate(among)}
    return [place.get(id(node), -1) for node in nodes]


def order(m, made_of, data):
    nodes = graph(m, made_of, data)
    return places(m.topological_order(nodes[-1]), nodes)


def traced(m, made_of, data, operations=None):
    """The places of the nodes of the trace, and of its edges' ends."""
    nodes = graph(m, made_of, data, operations)
    found, edges = m.trace(nodes[-1])
    edges = [places([child, parent], nodes) for child, parent in edges]
    return [sorted(places(found, nodes)), sorted(edges)]


NAME = r'("(?:[^"\\]|\\.)*"|[\w.-]+)'
NUMBER = r"\s*[:=]?\s*(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)"


def picture(source):
    """The labels of the nodes in a graphviz text, by the nodes' names, and its arrows."""
    labels, arrows = {}, []
    for line in source.splitlines():
        arrow = re.match(rf"\s*{NAME}\s*->\s*{NAME}", line)
        node = re.match(rf"\s*{NAME}\s*\[(.*)\]", line)
        if arrow:
            arrows.append([part.strip('"') for part in arrow.groups()])
        elif node and node[1] not in ("node", "edge", "graph"):
            label = re.search(rf"label={NAME}", node[2])
            labels[node[1].strip('"')] = label[1].strip('"') if label else ""
    return labels, arrows


def shown(label):
    """The data and grad that a label shows, or the label itself."""
    data, grad = (re.search(word + NUMBER, label) for word in ("data", "grad"))
    if data and grad:
        return f"data {float(data[1]):.4f} grad {float(grad[1]):.4f}"
    return label.strip()


def drawn(m, made_of, data, grads, operations):
    """The picture's labels and arrows, in words that need no names of nodes."""
    nodes = graph(m, made_of, data, operations)
    for node, grad in zip(nodes, grads, strict=True):
        node.grad = grad
    labels, arrows = picture(m.draw_dot(nodes[-1]).source)
    words = {name: shown(label) for name, label in labels.items()}
    ends = [[words.get(name, "") for name in arrow] for arrow in arrows]
    return [sorted(words.values()), sorted(f"{tail} -> {head}" for tail, head in ends)]


def product_picture(m):
    dot = m.draw_dot(m.Value(2.0) * m.Value(3.0))
    return [dot.source, dot.format]


# ------------------------------------------------------------------------ backward of a graph


def diamond(a, b):
    middle = a * b
    left, right = middle * a, middle + b
    return left * right + middle


def long_and_short_side(a, b):
    middle = a * b
    return (((middle + 1) * b) * 2 + b) * middle


def numbers_on_both_sides(a, b):
    return 2 * a + a * 3 + (1 - a) * b + 1 / a + b / 4 + sum([a, b, a]) * (5 - b) - 2


def neuron_by_exp(x1, x2, w1, w2, b):
    e = (2 * (x1 * w1 + x2 * w2 + b)).exp()
    return (e - 1) / (e + 1)


def readme(a, b):
    """The long expression in the readme of micrograd."""
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + (b + a).relu())
    d = d + (3 * d + (b - a).relu())
    f = (c - d) ** 2
    return f / 2.0 + 10.0 / f


EXPRESSIONS = {
    "a + a": lambda a: a + a,
    "a·a + a": lambda a: a * a + a,
    "three times": lambda a, b: a * b + a * a * b - b / a,
    "four leaves": lambda a, b, c, d: (a * b) * (c * d) + a,
    "division": lambda a, b, c: a / b + 3 / c - (a - c) / (b * c),
    "neuron": lambda x1, x2, w1, w2, b: (x1 * w1 + x2 * w2 + b).tanh(),
    "neuron by exp": neuron_by_exp,
    "diamond": diamond,
    "long and short side": long_and_short_side,
    "numbers on both sides": numbers_on_both_sides,
    "readme": readme,
}


def gradients(m, which, numbers):
    """An expression's number, then the gradient of each of its leaves."""
    leaves = [m.Value(x) for x in numbers]
    out = EXPRESSIONS[which](*leaves)
    out.backward()
    return [out.data, *(leaf.grad for leaf in leaves)]


def program(m, leaves, steps):
    """Run (operation, i, j) on a growing list of values; the sum of the last five is the root."""
    values = [m.Value(x) for x in leaves]
    for operation, i, j in steps:
        values.append(apply(operation, values[i], 3 if operation == "**" else values[j]))
    root = sum(values[-5:])
    root.backward()
    return [root.data, *(value.grad for value in values[: len(leaves)])]


def again(m, x, y, between):
    """The leaves' gradients after one backward and after a second one."""
    a, b = m.Value(x), m.Value(y)
    clear = between == "clear"
    out = (a * b + a).tanh() if clear else a * b
    out.backward()
    first = [a.grad, b.grad]
    for node in nodes_below(out) if clear else []:
        node.grad = 0.0
    out.backward()
    return [first, [a.grad, b.grad]]


def chain(m, n, x):
    """The number and the gradient at the end of n additions."""
    a, one = m.Value(x), m.Value(1.0)
    out = a
    for _ in range(n):
        out = out + one
    out = out * a
    out.backward()
    return [out.data, a.grad]


def apart(m, x, y):
    """Gradients of two graphs, one walked; then of a graph walked from an inner node."""
    a, b = m.Value(x), m.Value(y)
    one, other = a * 2, b * 3
    one.backward()
    two_graphs = [a.grad, b.grad, other.grad]
    a, b, c = m.Value(x), m.Value(y), m.Value(1.0)
    inner = a * b
    outer = inner + c
    inner.backward()
    return [two_graphs, [a.grad, b.grad, c.grad, inner.grad, outer.grad]]


# -------------------------------------------------------------------------------- the network


def fill(module, weights):
    """Set a module's parameters, and return them."""
    parameters = module.parameters()
    for p, w in zip(parameters, weights, strict=True):
        p.data = w
    return parameters


def data_of(out):
    return [o.data for o in out] if isinstance(out, (list, tuple)) else out.data


def answers(module, weights, *inputs):
    """The number of parameters, and the answers to some inputs when they hold these weights."""
    count = len(module.parameters())
    if count != len(weights):
        return [count, *[None] * len(inputs)]  # the answers would be chance
    fill(module, weights)
    return [count, *(data_of(module(x)) for x in inputs)]


def cleared(m, numbers, gradients):
    """[data, gradient] of each parameter after zero_grad."""
    if hasattr(m, "Module"):

        class Some(m.Module):
            def __init__(self):
                self.values = [m.Value(x) for x in numbers]

            def parameters(self):
                return self.values

        module = Some()
    else:
        module = m.MLP(len(numbers) - 1, [1])
    for p, g in zip(fill(module, numbers), gradients, strict=True):
        p.grad = g
    module.zero_grad()
    return [[p.data, p.grad] for p in module.parameters()]


def straight(make, *sizes):
    """A neuron or a layer with nonlin=False; None where there is no such option."""
    try:
        return make(*sizes, nonlin=False)
    except TypeError:
        return None


def kind_of_neuron(m):
    """A neuron's answer to -0.5, and with nonlin=False if it knows that."""
    found = []
    for neuron in (m.Neuron(1), straight(m.Neuron, 1)):
        if neuron is None:
            return [*found, None]
        for p, number in zip(neuron.parameters(), (1.0, 0.0), strict=False):
            p.data = number
        found.append(neuron([-0.5]).data)
    return found


def neuron_answer(m, weights, x):
    return answers(m.Neuron(len(x)), weights, x)


def neuron_answers(m, weights, inputs, kind):
    """A neuron's number of parameters, and its answers to inputs as numbers and as Values."""
    nin, n = len(weights) - 1, len(inputs)
    neuron = straight(m.Neuron, nin) if kind == "straight" else m.Neuron(nin)
    if neuron is None:
        return None
    values = [[m.Value(v) for v in x] for x in inputs]
    count, *found = answers(neuron, weights, *inputs, *values)
    return [count, found[:n], found[n:]]


def first_weights(m, nin):
    """How many weights differ, how many lie outside of [-1, 1], how many signs there are."""
    weights = [p.data for p in m.Neuron(nin).parameters()[:nin]]
    signs = {w > 0 for w in weights}
    return [len(weights), len(set(weights)), sum(abs(w) > 1 for w in weights), len(signs)]


def layer_answer(m, nout, weights, x):
    return answers(m.Layer(len(x), nout), weights, x)


def straight_layer_answer(m, nout, weights, x):
    layer = straight(m.Layer, len(x), nout)
    if layer is None:
        return None
    fill(layer, weights)
    return data_of(layer(x))


def different_neurons(m, nin, nout):
    """How many of a layer's weights differ."""
    parameters = m.Layer(nin, nout).parameters()
    weights = [p.data for i, p in enumerate(parameters) if (i + 1) % (nin + 1)]
    return [len(weights), len(set(weights)), len({id(p) for p in parameters})]


def counts_of_parameters(m, nin, *networks):
    return [len(m.MLP(nin, nouts).parameters()) for nouts in networks]


def network_answers(m, nin, nouts, weights, x):
    """A network's number of parameters, outputs, and the gradients of the outputs' weighted sum."""
    model = m.MLP(nin, nouts)
    parameters = model.parameters()
    if len(parameters) != len(weights):
        return [len(parameters), None, None]  # the answers would be chance
    fill(model, weights)
    out = model(x)
    outs = list(out) if isinstance(out, (list, tuple)) else [out]
    total = outs[0] * 1.0
    for i, o in enumerate(outs[1:]):
        total = total + o * (2.0 + i)
    total.backward()
    return [len(parameters), data_of(out), [p.grad for p in parameters]]


# --------------------------------------------------------------------------- loss and training


def loss_of(m, name, ys, predictions):
    return getattr(m, name)(ys, [m.Value(p) for p in predictions]).data


def price(m, numbers, alpha):
    return m.l2([m.Value(x) for x in numbers], alpha).data


def with_gradients(loss, leaves):
    loss.backward()
    return [loss.data, [leaf.grad for leaf in leaves]]


def loss_and_gradients(m, name, ys, predictions):
    leaves = [m.Value(p) for p in predictions]
    return with_gradients(getattr(m, name)(ys, leaves), leaves)


def price_and_gradients(m, numbers, alpha):
    parameters = [m.Value(x) for x in numbers]
    return with_gradients(m.l2(parameters, alpha), parameters)


def stepped(m, numbers, gradients, lr, steps):
    """What the same Values hold after each step."""
    parameters, held = [m.Value(x) for x in numbers], []
    for _ in range(steps):
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = g
        m.sgd_step(parameters, lr)
        held.append([p.data for p in parameters])
    return held


def trained(m, nin, nouts, weights, xs, ys, steps, lr):
    """Losses, and what the parameters hold in the end."""
    model = m.MLP(nin, nouts)
    fill(model, weights)
    losses = m.train(model, xs, ys, steps, lr)
    numbers = [loss.data if isinstance(loss, m.Value) else loss for loss in losses]
    return [numbers, [p.data for p in model.parameters()]]


def largest_error(m, f, numbers, h):
    """What gradcheck says; some submissions call f with one list, some take Values."""

    def spread(*values):
        return f(*(values[0] if isinstance(values[0], (list, tuple)) else values))

    try:
        largest = m.gradcheck(spread, list(numbers), h)
    except (AttributeError, TypeError):
        largest = m.gradcheck(spread, [m.Value(x) for x in numbers], h)
    # what lies below is the noise of the measurement
    return round(largest, 6) if isinstance(largest, float) else largest


def checked(m, numbers, h):
    """gradcheck of a·b + b³."""
    return largest_error(m, lambda a, b: a * b + b**3, numbers, h)


def checked_with_hidden(m, numbers, hidden, h):
    """gradcheck of (a·b - c)² + b³, plus (a part that the engine can't see) hidden·a²."""

    def f(a, b, c):
        unseen = hidden * (a.data if isinstance(a, m.Value) else a) ** 2
        return (a * b - c) ** 2 + b**3 + unseen

    return largest_error(m, f, numbers, h)
