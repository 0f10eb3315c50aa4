"""What decides: every promise about micrograd, against PyTorch in float64."""

import math
import random
from itertools import pairwise
from types import SimpleNamespace

import torch

from autograder.suite import close, task

# Single numbers are Python floats, whatever the device: so is the oracle, on the CPU.
CPU64 = {"dtype": torch.float64, "device": "cpu"}
ORACLE = SimpleNamespace(Value=lambda x: torch.tensor(float(x), **CPU64, requires_grad=True))
SHARP = {"rtol": 1e-9, "atol": 1e-9, "reason": "scalar arithmetic in float64"}
MEASURED = {"rtol": 1e-6, "atol": 1e-6, "reason": "a measured slope is no better than its step"}


def plain(tree):
    """PyTorch's answers as Python floats."""
    return [plain(part) for part in tree] if isinstance(tree, (list, tuple)) else float(tree)


def some(rng, n, low, high):
    """n numbers between low and high."""
    return (torch.rand(n, generator=rng, dtype=torch.float64) * (high - low) + low).tolist()


def signed(rng, n, low=0.5, high=3.0):
    """n numbers whose size lies between low and high, every other one negative."""
    return [x if i % 2 else -x for i, x in enumerate(some(rng, n, low, high))]


def curve_and_slope(f, xs):
    """[[f(x), f'(x)] for each x] from PyTorch."""
    x = torch.tensor(xs, **CPU64, requires_grad=True)
    y = f(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    return torch.stack([y.detach(), slope], 1).tolist()


# ---------------------------------------------------------------------- slopes by measurement


def slopes(m, xs, h):
    import math

    def f(x):
        return x * math.exp(-x)

    def g(x):
        return 2 * x**3 - x

    if h is None:
        return [[m.numerical_derivative(f, x), m.numerical_derivative(g, x)] for x in xs]
    return [m.numerical_derivative(g, x, h) for x in xs]


@task("numerical_derivative")
def test_measured_slopes(student, rng):
    """Measured slopes of x·exp(-x) and of 2x³ - x are the known derivatives to six digits."""
    xs = [0.45, *some(rng, 3, -1.5, 2.5)]  # at 0.45 the second is nearly flat, but bent
    x = torch.tensor(xs, **CPU64)
    known = torch.stack([(1 - x) * torch.exp(-x), 6 * x**2 - 1], 1).tolist()
    close(student.run(slopes, xs, None), known, **MEASURED)


@task("numerical_derivative")
def test_both_sides_are_looked_at(student, rng):
    """With a wide step h the slope of 2x³ - x is off by 2h², as only the central difference is."""
    xs = some(rng, 3, 0.5, 2.5)
    close(student.run(slopes, xs, 0.5), [6 * x**2 - 1 + 2 * 0.25 for x in xs], **SHARP)


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


def untouched(m, operation, x, y):
    """Results, then what the operands hold afterwards, then the numbers that made the result."""
    a, b = m.Value(x), m.Value(y)
    out = a + b if operation == "+" else a * b
    again = a + b if operation == "+" else a * b
    return [out.data, again.data, a.data, b.data, sorted(child.data for child in out._prev)]


def random_pairs(rng):
    return [list(pair) for pair in zip(signed(rng, 4), some(rng, 4, -3.0, -0.5), strict=True)]


@task("Value.__add__")
def test_sums(student, rng):
    """A sum of two Values, and of a Value and a number (ints too), holds the sum."""
    pairs = [*random_pairs(rng), [2, 3], [-7, 4.5]]
    expected = [float(x + y) for x, y in pairs]
    close(student.run(two_operands, "+", pairs), [expected, expected], **SHARP)


@task("Value.__add__")
def test_a_sum_remembers_its_operands(student, rng):
    """a + b is a new Value made of a and b, which stay as they are."""
    x, y = some(rng, 2, 0.5, 3.0)
    expected = [x + y, x + y, x, y, sorted([x, y])]
    close(student.run(untouched, "+", x, y), expected, **SHARP)


@task("Value.__mul__")
def test_products(student, rng):
    """A product of two Values, and of a Value and a number (ints too), holds the product."""
    pairs = [*random_pairs(rng), [2, 3], [-7, 4.5]]
    expected = [float(x * y) for x, y in pairs]
    close(student.run(two_operands, "*", pairs), [expected, expected], **SHARP)


@task("Value.__mul__")
def test_a_product_remembers_its_operands(student, rng):
    """a * b is a new Value made of a and b, which stay as they are."""
    x, y = some(rng, 2, 0.5, 3.0)
    expected = [x * y, x * y, x, y, sorted([x, y])]
    close(student.run(untouched, "*", x, y), expected, **SHARP)


def negatives(m, xs):
    values = [m.Value(x) for x in xs]
    return [[(-v).data for v in values], [v.data for v in values]]


@task("Value.__neg__")
def test_negation_both_ways(student, rng):
    """-a holds the number with the other sign, also of a negative one; a stays as it is."""
    xs = signed(rng, 4)
    close(student.run(negatives, xs), [[-x for x in xs], xs], **SHARP)


@task("Value.__sub__")
def test_differences(student, rng):
    """a - b holds the difference, b being a Value or a number."""
    pairs = [*random_pairs(rng), [2, 3]]
    expected = [float(x - y) for x, y in pairs]
    close(student.run(two_operands, "-", pairs), [expected, expected], **SHARP)


@task("Value.__truediv__")
def test_quotients(student, rng):
    """a / b holds the quotient, b being a Value or a number."""
    pairs = [*random_pairs(rng), [2, 3]]
    expected = [x / y for x, y in pairs]
    close(student.run(two_operands, "/", pairs), [expected, expected], **SHARP)


def on_the_right(m, operation, numbers, xs):
    def apply(k, a):
        if operation == "+":
            return k + a
        if operation == "*":
            return k * a
        if operation == "-":
            return k - a
        return k / a

    return [apply(k, m.Value(x)).data for k, x in zip(numbers, xs, strict=True)]


@task("reflected")
def test_number_plus_value(student, rng):
    """k + a works for a number k."""
    numbers, xs = [1, *some(rng, 2, -3.0, 3.0)], signed(rng, 3)
    expected = [k + x for k, x in zip(numbers, xs, strict=True)]
    close(student.run(on_the_right, "+", numbers, xs), expected, **SHARP)


@task("reflected")
def test_number_times_value(student, rng):
    """k * a works for a number k."""
    numbers, xs = [2, *some(rng, 2, 1.5, 3.0)], signed(rng, 3)
    expected = [k * x for k, x in zip(numbers, xs, strict=True)]
    close(student.run(on_the_right, "*", numbers, xs), expected, **SHARP)


@task("reflected")
def test_number_minus_value(student, rng):
    """k - a works for a number k, and is not a - k."""
    numbers, xs = [1, *some(rng, 2, 4.0, 6.0)], signed(rng, 3)
    expected = [k - x for k, x in zip(numbers, xs, strict=True)]
    close(student.run(on_the_right, "-", numbers, xs), expected, **SHARP)


@task("reflected")
def test_number_over_value(student, rng):
    """k / a works for a number k, and is not a / k."""
    numbers, xs = [1, *some(rng, 2, 4.0, 6.0)], signed(rng, 3, 1.5, 3.0)
    expected = [k / x for k, x in zip(numbers, xs, strict=True)]
    close(student.run(on_the_right, "/", numbers, xs), expected, **SHARP)


def summed(m, xs):
    return sum([m.Value(x) for x in xs]).data


@task("reflected")
def test_sum_of_a_list(student, rng):
    """Python's sum() of a list of Values works, although it begins with the number 0."""
    xs = some(rng, 5, -3.0, 3.0)
    close(student.run(summed, xs), math.fsum(xs), **SHARP)


def power_and_slope(m, exponents, xs):
    # the graph is walked here, so that nothing but the power is asked
    def descend(node, order):
        if all(node is not other for other in order):
            for child in node._prev:
                descend(child, order)
            order.append(node)
        return order

    answers = []
    for n, x in zip(exponents, xs, strict=True):
        a = m.Value(x)
        out = a**n
        out.grad = 1.0
        for node in reversed(descend(out, [])):
            node._backward()
        answers.append([out.data, a.grad])
    return answers


EXPONENTS = [3, 2, 0.5, -1, -2, 0]


@task("Value.__pow__")
def test_powers_and_their_slopes(student, rng):
    """Powers 3, 2, 0.5, -1, -2 and 0 of a Value, and the gradient at each: n·x^(n-1)."""
    xs = some(rng, len(EXPONENTS), 1.5, 3.0)
    expected = [curve_and_slope(lambda x, n=n: x**n, [v])[0] for n, v in zip(EXPONENTS, xs)]
    close(student.run(power_and_slope, EXPONENTS, xs), expected, **SHARP)


@task("Value.__pow__")
def test_powers_of_negative_numbers(student, rng):
    """Powers of a negative number, and the gradient at each."""
    exponents = [3, 2, -1, -2]
    xs = some(rng, len(exponents), -3.0, -1.5)
    expected = [curve_and_slope(lambda x, n=n: x**n, [v])[0] for n, v in zip(exponents, xs)]
    close(student.run(power_and_slope, exponents, xs), expected, **SHARP)


def exponent_as_value(m):
    try:
        out = m.Value(2.0) ** m.Value(3.0)
    except (AssertionError, TypeError) as error:
        return "AssertionError" if isinstance(error, AssertionError) else "TypeError"
    return f"a {type(out).__name__}"


@task("Value.__pow__")
def test_a_value_is_no_exponent(student):
    """A Value as the exponent raises an AssertionError or a TypeError."""
    answer = student.run(exponent_as_value)
    right = isinstance(answer, str) and answer in ("AssertionError", "TypeError")
    close(answer, answer if right else "TypeError")


def unary(m, name, xs):
    # the graph is walked here, so that nothing but the operation is asked
    def descend(node, order):
        if all(node is not other for other in order):
            for child in node._prev:
                descend(child, order)
            order.append(node)
        return order

    answers = []
    for x in xs:
        a = m.Value(x)
        out = getattr(a, name)()
        out.grad = 1.0
        for node in reversed(descend(out, [])):
            node._backward()
        answers.append([out.data, a.grad])
    return answers


@task("Value.exp")
def test_exp_and_its_slope(student, rng):
    """exp and its gradient at -1.5, 0.3, 2, at a number of today, and far out at -30 and 12."""
    xs = [-1.5, 0.3, 2.0, *some(rng, 1, 0.5, 2.5), -30.0, 12.0]
    close(student.run(unary, "exp", xs), curve_and_slope(torch.exp, xs), **SHARP)


@task("Value.tanh")
def test_tanh_and_its_slope(student, rng):
    """tanh and its gradient at -1.5, 0.3, 2 and at a number of today."""
    xs = [-1.5, 0.3, 2.0, *some(rng, 1, 0.5, 2.5)]
    close(student.run(unary, "tanh", xs), curve_and_slope(torch.tanh, xs), **SHARP)


@task("Value.tanh")
def test_tanh_far_out(student):
    """tanh of ±20 and ±800 is ±1 with gradient 0, and nothing overflows."""
    xs = [-800.0, -20.0, 20.0, 800.0]
    close(student.run(unary, "tanh", xs), curve_and_slope(torch.tanh, xs), **SHARP)


@task("Value.relu")
def test_relu_and_its_slope(student, rng):
    """relu and its gradient at -1.5, 0.3, 2, at two numbers of today, and far out at ±800."""
    xs = [-1.5, 0.3, 2.0, *signed(rng, 2), -800.0, 800.0]
    close(student.run(unary, "relu", xs), curve_and_slope(torch.relu, xs), **SHARP)


# ------------------------------------------------------------------ one operation, backwards


def local(m, operation, x, y, before, upstream):
    """The operands' gradients after one operation's backward, `before` being there already.

    Without y the operation has one operand. An operation may be made of several: the graph
    is walked here.
    """

    def descend(node, order):
        if all(node is not other for other in order):
            for child in node._prev:
                descend(child, order)
            order.append(node)
        return order

    a, b = m.Value(x), m.Value(0.0 if y is None else y)
    if operation == "+":
        out = a + b
    elif operation == "*":
        out = a * b
    elif operation == "**":
        out = a**y
    else:
        out = getattr(a, operation)()
    a.grad, b.grad, out.grad = before, 2 * before, upstream
    for node in reversed(descend(out, [])):
        node._backward()
    return [a.grad, b.grad] if operation in "+*" else a.grad


def check_local(student, operation, x, y, numbers):
    before, upstream = numbers
    leaves = [torch.tensor(v, **CPU64, requires_grad=True) for v in (x, 0.0 if y is None else y)]
    a, b = leaves
    if operation in ("+", "*"):
        out = a + b if operation == "+" else a * b
        da, db = torch.autograd.grad(out, leaves)
        expected = [before + upstream * float(da), 2 * before + upstream * float(db)]
    else:
        out = a**y if operation == "**" else getattr(a, operation)()
        expected = before + upstream * float(torch.autograd.grad(out, a)[0])
    close(student.run(local, operation, x, y, before, upstream), expected, **SHARP)


@task("local_gradients")
def test_plus_hands_its_gradient_on(student, rng):
    """The `_backward` of + adds out.grad to the gradient of both operands."""
    check_local(student, "+", *some(rng, 2, 1.5, 3.0), some(rng, 2, 0.5, 0.9))


@task("local_gradients")
def test_times_hands_its_gradient_on(student, rng):
    """The `_backward` of * adds out.grad times the other operand to each operand's gradient."""
    x, y = some(rng, 1, 1.5, 3.0), some(rng, 1, -3.0, -1.5)
    check_local(student, "*", *x, *y, some(rng, 2, 0.5, 0.9))


@task("local_gradients")
def test_power_hands_its_gradient_on(student, rng):
    """The `_backward` of ** adds to the gradient that is there, and multiplies by out.grad."""
    check_local(student, "**", *some(rng, 1, 1.5, 3.0), 3, some(rng, 2, 0.5, 0.9))


@task("local_gradients")
def test_exp_hands_its_gradient_on(student, rng):
    """The `_backward` of exp adds to the gradient that is there, and multiplies by out.grad."""
    check_local(student, "exp", *some(rng, 1, 0.5, 2.0), None, some(rng, 2, 0.5, 0.9))


@task("local_gradients")
def test_tanh_hands_its_gradient_on(student, rng):
    """The `_backward` of tanh adds to the gradient that is there, and multiplies by out.grad."""
    check_local(student, "tanh", *some(rng, 1, 0.2, 0.9), None, some(rng, 2, 0.5, 0.9))


@task("local_gradients")
def test_relu_hands_its_gradient_on(student, rng):
    """The `_backward` of relu adds to the gradient that is there, and multiplies by out.grad."""
    check_local(student, "relu", *some(rng, 1, 0.5, 2.0), None, some(rng, 2, 0.5, 0.9))


# -------------------------------------------------------------------------- walking the graph


def order(m, made_of, data):
    """The places in the order of nodes that are made of earlier ones; -1 for a stranger."""
    nodes = []
    for children, number in zip(made_of, data, strict=True):
        operation = "+" if children else ""
        nodes.append(m.Value(number, tuple(nodes[i] for i in children), operation))
    place = {id(node): i for i, node in enumerate(nodes)}
    return [place.get(id(node), -1) for node in m.topological_order(nodes[-1])]


def check_order(answer, made_of):
    """Every node once, and behind those that it is made of."""
    whole = isinstance(answer, (list, tuple)) and all(type(i) is int for i in answer)
    close(sorted(answer) if whole else answer, list(range(len(made_of))))
    place = {node: i for i, node in enumerate(answer)}
    late = [
        (node, child)
        for node, children in enumerate(made_of)
        for child in children
        if place[child] > place[node]
    ]
    assert not late, f"{len(late)} nodes come before one that they are made of, as {late[0]}"


@task("topological_order")
def test_order_of_a_diamond(student):
    """In a diamond with a long and a short side the shared node comes before both, and once."""
    # 0 is used by 1, by 3 and by 4; 1 leads to 2, 2 to 3
    made_of = [[], [0], [1], [2, 0], [3, 0], [0, 4]]
    close(student.run(order, made_of, [3.0, 1.0, 4.0, 1.5, 9.0, 2.0]), [0, 1, 2, 3, 4, 5])


@task("topological_order")
def test_order_of_a_random_graph(student, rng):
    """In a graph of 17 nodes every node comes once, after all those that it is made of."""
    made_of = [[], [], []]
    for i in range(3, 17):
        # the one before it, so that all are needed, and an earlier one
        made_of.append([i - 1, int(torch.randint(0, i - 1, (1,), generator=rng))])
    made_of[3] = [0, 1, 2]
    check_order(student.run(order, made_of, some(rng, 17, -3.0, 3.0)), made_of)


@task("topological_order")
def test_equal_numbers_are_two_nodes(student):
    """Values that hold the same number are different nodes: all of them are in the order."""
    made_of = [[], [], [0, 1], [], [2, 3], [4, 4]]
    check_order(student.run(order, made_of, [2.0, 2.0, 4.0, 2.0, 4.0, 8.0]), made_of)


def gradients(m, which, numbers):
    """An expression's number, then the gradient of each of its leaves."""
    leaves = [m.Value(x) for x in numbers]
    if which == "a + a":
        (a,) = leaves
        out = a + a
    elif which == "a·a + a":
        (a,) = leaves
        out = a * a + a
    elif which == "three times":
        a, b = leaves
        out = a * b + a * a * b - b / a
    elif which == "diamond":
        a, b = leaves
        middle = a * b
        left, right = middle * a, middle + b
        out = left * right + middle
    elif which == "long and short side":
        a, b = leaves
        middle = a * b
        out = (((middle + 1) * b) * 2 + b) * middle
    elif which == "numbers on both sides":
        a, b = leaves
        out = 2 * a + a * 3 + (1 - a) * b + 1 / a + b / 4 + sum([a, b, a]) * (5 - b) - 2
    elif which == "division":
        a, b, c = leaves
        out = a / b + 3 / c - (a - c) / (b * c)
    elif which == "neuron":
        x1, x2, w1, w2, b = leaves
        out = (x1 * w1 + x2 * w2 + b).tanh()
    elif which == "neuron by exp":
        x1, x2, w1, w2, b = leaves
        e = (2 * (x1 * w1 + x2 * w2 + b)).exp()
        out = (e - 1) / (e + 1)
    else:  # the long one of micrograd's readme
        a, b = leaves
        c = a + b
        d = a * b + b**3
        c = c + (c + 1)
        c = c + (1 + c + (-a))
        d = d + (d * 2 + (b + a).relu())
        d = d + (3 * d + (b - a).relu())
        f = (c - d) ** 2
        out = f / 2.0
        out = out + 10.0 / f
    out.backward()
    return [out.data, *(leaf.grad for leaf in leaves)]


def check_gradients(student, which, numbers):
    answer = student.run(gradients, which, numbers)
    close(answer, plain(gradients(ORACLE, which, numbers)), **SHARP)


@task("Value.backward")
def test_every_use_counts(student, rng):
    """A value used twice collects the gradient of every use: a + a, and a·a + a."""
    x = some(rng, 1, 1.5, 3.0)
    check_gradients(student, "a + a", x)
    check_gradients(student, "a·a + a", x)


@task("Value.backward")
def test_used_three_times(student, rng):
    """A value used three times in different operations collects all three gradients."""
    check_gradients(student, "three times", signed(rng, 2))


@task("Value.backward")
def test_diamond(student, rng):
    """In a diamond the middle has its whole gradient before it hands any on."""
    check_gradients(student, "diamond", some(rng, 2, 1.5, 3.0))


@task("Value.backward")
def test_long_and_short_side(student, rng):
    """A node that is used near the root and far from it waits for the far side."""
    check_gradients(student, "long and short side", some(rng, 2, 1.5, 3.0))


@task("Value.backward")
def test_numbers_on_both_sides(student, rng):
    """Gradients are right where numbers mix with values: 2·a, a·3, 1 - a, 1 / a, sum of a list."""
    check_gradients(student, "numbers on both sides", signed(rng, 2))


@task("Value.backward")
def test_division_on_both_sides(student, rng):
    """Division passes gradients to the number above the line and to the one below."""
    check_gradients(student, "division", signed(rng, 3))


LECTURE_NEURON = [2.0, 0.0, -3.0, 1.0, 6.8813735870195432]


@task("Value.backward")
def test_neuron(student, rng):
    """The lecture's neuron, 0.7071 with gradients -1.5, 0.5, 1 and 0; then other numbers."""
    check_gradients(student, "neuron", LECTURE_NEURON)
    check_gradients(student, "neuron", some(rng, 5, 0.2, 0.6))


@task("Value.backward")
def test_neuron_in_pieces(student):
    """The lecture's neuron with tanh taken to pieces, exp and a division: the same gradients."""
    check_gradients(student, "neuron by exp", LECTURE_NEURON)


@task("Value.backward")
def test_readme(student, rng):
    """The long expression of micrograd's readme: 24.7041, 138.8338, 645.5773; then others."""
    check_gradients(student, "readme", [-4.0, 2.0])
    check_gradients(student, "readme", [*some(rng, 1, -4.0, -2.5), *some(rng, 1, 1.0, 2.0)])


def program(m, leaves, steps):
    """Run (operation, i, j) on a growing list of values; the sum of the last five is the root."""
    values = [m.Value(x) for x in leaves]
    for operation, i, j in steps:
        a, b = values[i], values[j]
        if operation == "+":
            out = a + b
        elif operation == "-":
            out = a - b
        elif operation == "*":
            out = a * b
        elif operation == "/":
            out = a / b
        elif operation == "**":
            out = a**3
        elif operation == "exp":
            out = a.exp()
        elif operation == "relu":
            out = a.relu()
        else:
            out = a.tanh()
        values.append(out)
    root = sum(values[-5:])
    root.backward()
    return [root.data, *(value.grad for value in values[: len(leaves)])]


def random_program(rng):
    """30 operations over 4 leaves whose numbers stay tame, far from a bend and from 1 / 0."""
    chance = random.Random(int(torch.randint(0, 2**31, (1,), generator=rng)))
    leaves = [chance.choice([-1, 1]) * chance.uniform(0.5, 2.0) for _ in range(4)]
    data, steps = list(leaves), []
    for _ in range(30):
        i, j = chance.randrange(len(data)), chance.randrange(len(data))
        if chance.random() < 0.5:
            i = len(data) - 1
        x, y = data[i], data[j]
        results = {"+": x + y, "-": x - y, "*": x * y, "tanh": math.tanh(x)}
        if abs(y) > 0.3:
            results["/"] = x / y
        if abs(x) > 1e-3:
            results["relu"] = max(x, 0.0)
        if abs(x) < 1.5:
            results["**"], results["exp"] = x**3, math.exp(x)
        names = [name for name, result in results.items() if abs(result) < 4]
        name = chance.choice(names)
        steps.append((name, i, j))
        data.append(results[name])
    return leaves, steps


@task("Value.backward")
def test_random_expressions(student, rng):
    """Six random expressions of 30 operations over 4 leaves equal PyTorch to nine digits."""
    for _ in range(6):
        leaves, steps = random_program(rng)
        expected = [0.0 if x is None else x for x in program(ORACLE, leaves, steps)]
        close(student.run(program, leaves, steps), plain(expected), **SHARP)


def again(m, x, y, between):
    """The leaves' gradients after one backward and after a second one."""

    def descend(node, seen):
        if all(node is not other for other in seen):
            seen.append(node)
            for child in node._prev:
                descend(child, seen)
        return seen

    a, b = m.Value(x), m.Value(y)
    clear = between == "clear"
    out = (a * b + a).tanh() if clear else a * b
    out.backward()
    first = [a.grad, b.grad]
    if clear:
        for node in descend(out, []):
            node.grad = 0.0
    out.backward()
    return [first, [a.grad, b.grad]]


@task("Value.backward")
def test_backward_twice_with_clearing(student, rng):
    """With all gradients set to 0 in between, a second backward gives the same again."""
    x, y = some(rng, 2, 0.2, 0.7)
    once = plain(gradients(ORACLE, "neuron", [x, x, y, 1.0, 0.0]))
    by_a, by_b = once[1] + once[2], once[3]
    close(student.run(again, x, y, "clear"), [[by_a, by_b]] * 2, **SHARP)


@task("Value.backward")
def test_backward_twice_without_clearing(student, rng):
    """Without clearing, a second backward of a * b doubles the gradients of a and b."""
    x, y = some(rng, 2, 1.5, 3.0)
    close(student.run(again, x, y, "keep"), [[y, x], [2 * y, 2 * x]], **SHARP)


def chain(m, n, x):
    a, one = m.Value(x), m.Value(1.0)
    out = a
    for _ in range(n):
        out = out + one
    out = out * a
    out.backward()
    return [out.data, a.grad]


@task("Value.backward")
def test_a_chain_of_900(student, rng):
    """A chain of 900 additions works at Python's own recursion limit."""
    (x,) = some(rng, 1, 1.5, 3.0)
    close(student.run(chain, 900, x), [x * (x + 900), 2 * x + 900], **SHARP)


@task("deep_graph")
def test_a_chain_of_5000(student, rng):
    """A chain of 5,000 additions works too, which takes an order found without recursion."""
    (x,) = some(rng, 1, 1.5, 3.0)
    close(student.run(chain, 5000, x), [x * (x + 5000), 2 * x + 5000], **SHARP)


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


@task("Value.backward")
def test_graphs_keep_apart(student, rng):
    """Two graphs don't touch each other, and backward from an inner node leaves the outer alone."""
    x, y = some(rng, 2, 1.5, 3.0)
    close(student.run(apart, x, y), [[2.0, 0.0, 0.0], [y, x, 0.0, 1.0, 0.0]], **SHARP)


def lookalikes(m, x):
    """Four leaves and two inner nodes that hold the same numbers."""
    a, b, c, d = (m.Value(x) for _ in range(4))
    out = (a * b) * (c * d) + a
    out.backward()
    return [out.data, a.grad, b.grad, c.grad, d.grad]


@task("Value.backward")
def test_equal_numbers_are_different_values(student, rng):
    """Values that hold the same number are different nodes, each with a gradient of its own."""
    (x,) = some(rng, 1, 1.5, 3.0)
    close(student.run(lookalikes, x), plain(lookalikes(ORACLE, x)), **SHARP)


# ------------------------------------------------------------------------------------ drawing


def traced(m, made_of, data):
    nodes = []
    for children, number in zip(made_of, data, strict=True):
        operation = "+" if children else ""
        nodes.append(m.Value(number, tuple(nodes[i] for i in children), operation))
    place = {id(node): i for i, node in enumerate(nodes)}
    found, edges = m.trace(nodes[-1])
    return [
        sorted(place.get(id(node), -1) for node in found),
        sorted([place.get(id(child), -1), place.get(id(parent), -1)] for child, parent in edges),
    ]


def edges_of(made_of):
    return sorted({(child, i) for i, children in enumerate(made_of) for child in children})


@task("trace")
def test_trace_of_a_shared_value(student):
    """A value that is used by three operations is one node with three edges."""
    made_of = [[], [], [0, 1], [2, 0], [3, 1], [4, 0]]
    answer = student.run(traced, made_of, [1.0, -2.0, 5.0, 7.0, 0.5, 3.0])
    close(answer, [list(range(6)), edges_of(made_of)])


@task("trace")
def test_trace_of_equal_numbers(student):
    """Values that hold the same number are different nodes."""
    made_of = [[], [], [0, 1], [], [2, 3]]
    close(student.run(traced, made_of, [2.0] * 5), [list(range(5)), edges_of(made_of)])


def drawn(m, made_of, data, grads, operations):
    """The picture's labels and arrows, in words that need no names of nodes."""
    import re

    nodes = []
    for children, number, grad, operation in zip(made_of, data, grads, operations, strict=True):
        nodes.append(m.Value(number, tuple(nodes[i] for i in children), operation))
        nodes[-1].grad = grad
    source = m.draw_dot(nodes[-1]).source
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
def test_picture_of_a_graph(student, rng):
    """Every value once with data and grad, one oval per operation, operand -> oval -> result."""
    made_of = [[], [], [], [0, 1], [2, 3], [4], [5, 0]]
    operations = ["", "", "", "*", "+", "tanh", "**2"]
    data = [i + round(x, 4) for i, x in enumerate(some(rng, 7, 0.1, 0.9))]
    grads = [round(x, 4) - i for i, x in enumerate(some(rng, 7, 0.1, 0.9))]
    records = [f"data {x:.4f} grad {g:.4f}" for x, g in zip(data, grads, strict=True)]
    arrows = [f"{op} -> {record}" for op, record in zip(operations, records, strict=True) if op]
    arrows += [f"{records[child]} -> {operations[i]}" for child, i in edges_of(made_of)]
    expected = [sorted([*records, *filter(None, operations)]), sorted(arrows)]
    close(student.run(drawn, made_of, data, grads, operations), expected)


@task("draw_dot")
def test_picture_of_equal_numbers(student):
    """Values that hold the same number are drawn apart."""
    record = "data 2.0000 grad 0.0000"
    answer = student.run(drawn, [[], [], [0, 1]], [2.0] * 3, [0.0] * 3, ["", "", "*"])
    close(answer, [["*", *[record] * 3], [f"* -> {record}", *[f"{record} -> *"] * 2]])


def product_picture(m):
    dot = m.draw_dot(m.Value(2.0) * m.Value(3.0))
    return [dot.source, dot.format]


@task("draw_dot")
def test_look_of_the_picture(student):
    """Values are records (the bars need that shape), and the picture grows from left to right."""
    answer = student.run(product_picture)
    source, kind = answer if isinstance(answer, list) and len(answer) == 2 else ("", "")
    assert isinstance(source, str), "draw_dot returns a Digraph with a source text"
    words = source.translate(str.maketrans('[]",;', "     ")).split()
    assert "shape=record" in words, "no node has the shape record"
    assert "rankdir=LR" in words, "rankdir isn't LR"
    close(kind, "svg")


# ------------------------------------------------------------------------------- the network


def cleared(m, gradients):
    if hasattr(m, "Module"):

        class Four(m.Module):
            def __init__(self):
                self.values = [m.Value(1.5) for _ in range(4)]

            def parameters(self):
                return self.values

        module = Four()
    else:
        module = m.MLP(3, [1])
    for p, g in zip(module.parameters(), gradients, strict=True):
        p.data, p.grad = 1.5, g
    module.zero_grad()
    return [[p.grad for p in module.parameters()], [p.data for p in module.parameters()]]


@task("zero_grad")
def test_every_gradient_is_zero(student, rng):
    """After zero_grad every gradient is the number 0, and no parameter has changed."""
    answer = student.run(cleared, some(rng, 4, 0.5, 3.0))
    close(answer, [[0.0] * 4, [1.5] * 4], rtol=0.0, atol=0.0, reason="0 means 0")


def kind_of_neuron(m):
    """A neuron's answer to -0.5 (ReLU 0, tanh -0.46), and with nonlin=False if it knows that."""

    def answer(neuron):
        for p, number in zip(neuron.parameters(), (1.0, 0.0), strict=False):
            p.data = number
        return neuron([-0.5]).data

    try:
        straight = m.Neuron(1, nonlin=False)
    except TypeError:
        straight = None
    return [answer(m.Neuron(1)), None if straight is None else answer(straight)]


def activation(student):
    """What their neurons bend with, and whether the last layer is straight.

    Two ways are right: ReLU, straight at the end, as micrograd has it; tanh everywhere, as
    the lecture has it. What is neither is judged as the first.
    """
    answer = student.run(kind_of_neuron)
    if not (isinstance(answer, (list, tuple)) and len(answer) == 2):
        return torch.relu, True
    bent, straight = answer
    if isinstance(bent, float) and abs(bent - math.tanh(-0.5)) < 0.01:
        return torch.tanh, straight is not None
    return torch.relu, True


def neuron_answers(m, weights, inputs, kind):
    """A neuron's number of parameters, and its answers to inputs as numbers and as Values."""
    nin = len(weights) - 1
    try:
        neuron = m.Neuron(nin, nonlin=False) if kind == "straight" else m.Neuron(nin)
    except TypeError:
        return None
    parameters = neuron.parameters()
    if len(parameters) != len(weights):
        return [len(parameters), None, None]  # the answers would be chance
    for p, w in zip(parameters, weights, strict=True):
        p.data = w
    numbers = [neuron(x).data for x in inputs]
    values = [neuron([m.Value(v) for v in x]).data for x in inputs]
    return [len(parameters), numbers, values]


def neuron_inputs(rng):
    """Weights of a neuron, and inputs to both sides of its bend."""
    weights = [*signed(rng, 4, 0.2, 0.6), *some(rng, 1, 0.1, 0.2)]
    x = some(rng, 4, 0.5, 1.5)
    up = [v if w > 0 else -v for v, w in zip(x, weights, strict=False)]
    return weights, [x, up, [-v for v in up]]


def neuron_sums(weights, inputs):
    weights = torch.tensor(weights, **CPU64)
    return torch.tensor(inputs, **CPU64) @ weights[:-1] + weights[-1]


@task("Neuron")
def test_neuron_answers(student, rng):
    """A neuron has nin weights, then a bias; it answers ReLU (or tanh) of w·x + b."""
    weights, inputs = neuron_inputs(rng)
    bend, _ = activation(student)
    expected = bend(neuron_sums(weights, inputs)).tolist()
    close(student.run(neuron_answers, weights, inputs, "bent"), [5, expected, expected], **SHARP)


@task("Neuron")
def test_straight_neuron(student, rng):
    """With nonlin=False (where a neuron has that) the answer is w·x + b itself."""
    weights, inputs = neuron_inputs(rng)
    bend, _ = activation(student)
    answer = student.run(neuron_answers, weights, inputs, "straight")
    if answer is None and bend is torch.tanh:
        return  # the lecture's neuron, which always bends
    expected = neuron_sums(weights, inputs).tolist()
    close(answer, [5, expected, expected], **SHARP)


def first_weights(m, nin):
    """How many weights differ, how many lie outside of [-1, 1], how many signs there are."""
    weights = [p.data for p in m.Neuron(nin).parameters()[:nin]]
    signs = {w > 0 for w in weights}
    return [len(weights), len(set(weights)), sum(abs(w) > 1 for w in weights), len(signs)]


@task("Neuron")
def test_first_weights(student):
    """A neuron's 150 weights start in [-1, 1], on both sides of 0, and all differ."""
    close(student.run(first_weights, 150), [150, 150, 0, 2])


def layer_answers(m, nin, nout, weights, x):
    """The number of parameters and the output of a layer whose parameters are set by number."""
    layer = m.Layer(nin, nout)
    parameters = layer.parameters()
    if len(parameters) != len(weights):
        return [len(parameters), None]  # the answers would be chance
    for p, w in zip(parameters, weights, strict=True):
        p.data = w
    out = layer(x)
    data = [o.data for o in out] if isinstance(out, (list, tuple)) else out.data
    return [len(parameters), data]


@task("Layer")
def test_layer_answers(student, rng):
    """Four neurons of two inputs: 12 parameters, neuron after neuron, and four outputs."""
    weights, x = some(rng, 12, 0.1, 0.9), some(rng, 2, 0.5, 1.5)
    bend, _ = activation(student)
    rows = torch.tensor(weights, **CPU64).view(4, 3)
    expected = bend(rows[:, :2] @ torch.tensor(x, **CPU64) + rows[:, 2]).tolist()
    close(student.run(layer_answers, 2, 4, weights, x), [12, expected], **SHARP)


@task("Layer")
def test_a_single_output_is_no_list(student, rng):
    """A layer of one neuron returns its Value itself, not a list of one."""
    weights, x = some(rng, 4, 0.1, 0.9), some(rng, 3, 0.5, 1.5)
    bend, _ = activation(student)
    expected = float(bend(neuron_sums(weights, x)))
    close(student.run(layer_answers, 3, 1, weights, x), [4, expected], **SHARP)


def straight_layer(m, nin, nout, weights, x):
    try:
        layer = m.Layer(nin, nout, nonlin=False)
    except TypeError:
        return None
    for p, w in zip(layer.parameters(), weights, strict=True):
        p.data = w
    return [o.data for o in layer(x)]


@task("Layer")
def test_layer_hands_options_on(student, rng):
    """Layer(nin, nout, nonlin=False), where there is that, makes neurons that don't bend."""
    weights, x = some(rng, 9, -0.9, -0.1), some(rng, 2, 0.5, 1.5)
    _, last_is_straight = activation(student)
    answer = student.run(straight_layer, 2, 3, weights, x)
    if answer is None and not last_is_straight:
        return  # the lecture's layer, which has no options
    rows = torch.tensor(weights, **CPU64).view(3, 3)
    close(answer, (rows[:, :2] @ torch.tensor(x, **CPU64) + rows[:, 2]).tolist(), **SHARP)


def different_neurons(m, nin, nout):
    """How many of a layer's weights differ."""
    parameters = m.Layer(nin, nout).parameters()
    weights = [p.data for i, p in enumerate(parameters) if (i + 1) % (nin + 1)]
    return [len(weights), len(set(weights)), len({id(p) for p in parameters})]


@task("Layer")
def test_neurons_differ(student):
    """The neurons of a layer are different ones, with different weights."""
    close(student.run(different_neurons, 7, 5), [35, 35, 40])


def torch_network(flat, sizes, bend, straight, x):
    """The same network in PyTorch; flat: all parameters, neuron by neuron, each bias last."""
    at, last = 0, len(sizes) - 2
    for i, (nin, nout) in enumerate(pairwise(sizes)):
        rows = flat[at : at + nout * (nin + 1)].view(nout, nin + 1)
        at += rows.numel()
        x = x @ rows[:, :-1].T + rows[:, -1]
        if i != last or not straight:
            x = bend(x)
    return x


def network_answers(m, nin, nouts, weights, x):
    """A network's number of parameters, outputs, and the gradients of the outputs' weighted sum."""
    model = m.MLP(nin, nouts)
    parameters = model.parameters()
    if len(parameters) != len(weights):
        return [len(parameters), None, None]  # the answers would be chance
    for p, w in zip(parameters, weights, strict=True):
        p.data = w
    out = model(x)
    outs = list(out) if isinstance(out, (list, tuple)) else [out]
    total = outs[0] * 1.0
    for i, o in enumerate(outs[1:]):
        total = total + o * (2.0 + i)
    total.backward()
    data = [o.data for o in outs] if isinstance(out, (list, tuple)) else out.data
    return [len(parameters), data, [p.grad for p in parameters]]


def network_weights(rng, sizes):
    """Weights that bring both sides of every bend into play: in each hidden layer the first
    neuron is below 0 and the others above; the last layer's sums are below."""
    weights = []
    for i, (nin, nout) in enumerate(pairwise(sizes)):
        for n in range(nout):
            size = some(rng, nin + 1, 0.1, 0.6)
            below = n == 0 or i == len(sizes) - 2
            weights += [-w for w in size] if below else size
    return weights


def check_network(student, rng, sizes):
    weights, x = network_weights(rng, sizes), some(rng, sizes[0], 0.5, 1.5)
    bend, straight = activation(student)
    flat = torch.tensor(weights, **CPU64, requires_grad=True)
    out = torch_network(flat, sizes, bend, straight, torch.tensor(x, **CPU64))
    total = sum((1.0 + i) * o for i, o in enumerate(out))
    (gradient,) = torch.autograd.grad(total, flat)
    expected = [len(weights), out.tolist() if len(out) > 1 else out.item(), gradient.tolist()]
    close(student.run(network_answers, sizes[0], sizes[1:], weights, x), expected, **SHARP)


@task("MLP")
def test_the_lectures_network(student, rng):
    """MLP(3, [4, 4, 1]): 41 parameters, one Value as output, PyTorch's answer and gradients."""
    check_network(student, rng, [3, 4, 4, 1])


@task("MLP")
def test_a_network_with_two_outputs(student, rng):
    """MLP(2, [5, 3, 2]): outputs are a list of two Values; all gradients equal PyTorch's."""
    check_network(student, rng, [2, 5, 3, 2])


# ---------------------------------------------------------------------------- loss and training


def loss_and_gradients(m, name, ys, predictions):
    leaves = [m.Value(p) for p in predictions]
    loss = getattr(m, name)(ys, leaves)
    loss.backward()
    return [loss.data, [leaf.grad for leaf in leaves]]


def check_loss(student, name, f, ys, predictions):
    leaves = torch.tensor(predictions, **CPU64, requires_grad=True)
    loss = f(torch.tensor(ys, **CPU64), leaves)
    (gradient,) = torch.autograd.grad(loss, leaves)
    answer = student.run(loss_and_gradients, name, ys, predictions)
    close(answer, [loss.item(), gradient.tolist()], **SHARP)


@task("mse")
def test_squares_are_summed(student, rng):
    """The squared differences of five pairs, summed, and the gradient of each prediction."""
    ys, predictions = signed(rng, 5, 0.5, 1.0), some(rng, 5, 1.5, 3.0)
    check_loss(
        student,
        "mse",
        lambda y, p: torch.nn.functional.mse_loss(p, y, reduction="sum"),
        ys,
        predictions,
    )


@task("hinge")
def test_margins(student, rng):
    """The mean of relu(1 - y·s) over five scores: far right, just right, wrong; and gradients."""
    scores = [*some(rng, 1, 1.5, 3.0), *some(rng, 1, 0.2, 0.8), *some(rng, 3, -3.0, -1.5)]
    ys = [1.0, 1.0, 1.0, -1.0, 1.0]
    check_loss(student, "hinge", lambda y, s: torch.relu(1 - y * s).mean(), ys, scores)


def price(m, numbers, alpha):
    parameters = [m.Value(x) for x in numbers]
    loss = m.l2(parameters, alpha)
    loss.backward()
    return [loss.data, [p.grad for p in parameters]]


@task("l2")
def test_price_and_its_gradients(student, rng):
    """alpha times the sum of squares, and its gradient 2·alpha·p."""
    numbers, (alpha,) = signed(rng, 5), some(rng, 1, 0.1, 0.4)
    p = torch.tensor(numbers, **CPU64)
    expected = [float(alpha * (p * p).sum()), (2 * alpha * p).tolist()]
    close(student.run(price, numbers, alpha), expected, **SHARP)


def stepped(m, numbers, gradients, lr):
    """What the same Values hold after two steps."""
    parameters = [m.Value(x) for x in numbers]
    for p, g in zip(parameters, gradients, strict=True):
        p.grad = g
    m.sgd_step(parameters, lr)
    once = [p.data for p in parameters]
    for p, g in zip(parameters, gradients, strict=True):
        p.grad = g
    m.sgd_step(parameters, lr)
    return [once, [p.data for p in parameters]]


@task("sgd_step")
def test_steps_go_downhill(student, rng):
    """A step moves every parameter, in place, by lr times its gradient, against it."""
    numbers, gradients, (lr,) = signed(rng, 5), signed(rng, 5, 1.5, 4.0), some(rng, 1, 0.05, 0.2)
    # (torch.optim.SGD would say the same, after a second of importing what it compiles with)
    p, g = torch.tensor(numbers, **CPU64), torch.tensor(gradients, **CPU64)
    expected = [(p - lr * g).tolist(), (p - lr * g - lr * g).tolist()]
    close(student.run(stepped, numbers, gradients, lr), expected, **SHARP)


def trained(m, nin, nouts, weights, xs, ys, steps, lr):
    """Losses, and what the parameters hold in the end."""
    model = m.MLP(nin, nouts)
    parameters = model.parameters()
    for p, w in zip(parameters, weights, strict=True):
        p.data = w
    losses = m.train(model, xs, ys, steps, lr)
    numbers = [loss.data if isinstance(loss, m.Value) else loss for loss in losses]
    return [numbers, [p.data for p in model.parameters()]]


def torch_training(sizes, bend, straight, weights, xs, ys, steps, lr):
    flat = torch.tensor(weights, **CPU64, requires_grad=True)
    x, y, losses = torch.tensor(xs, **CPU64), torch.tensor(ys, **CPU64), []
    for _ in range(steps):
        out = torch_network(flat, sizes, bend, straight, x)
        loss = ((out.squeeze(1) - y) ** 2).sum()
        (gradient,) = torch.autograd.grad(loss, flat)
        losses.append(loss.item())
        flat = (flat - lr * gradient).detach().requires_grad_()
    return [losses, flat.tolist()]


@task("train")
def test_each_loss_equals_pytorchs(student, rng):
    """Four steps of a 2-3-1 network on three points: losses and parameters as PyTorch's."""
    sizes = [2, 3, 1]
    weights = network_weights(rng, sizes)
    xs = [some(rng, 2, 0.5, 1.5) for _ in range(3)]
    ys = signed(rng, 3, 0.5, 1.0)
    bend, straight = activation(student)
    expected = torch_training(sizes, bend, straight, weights, xs, ys, 4, 0.02)
    close(student.run(trained, 2, [3, 1], weights, xs, ys, 4, 0.02), expected, **SHARP)


# The lecture's four points, and a start from which ReLU and tanh arrive in a dozen steps; no
# sum comes near 0 on the way, where a slope of 0 and one of 1 are both right for ReLU.
POINTS = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
WANTED = [1.0, -1.0, -1.0, 1.0]
# fmt: off
START = [
    -0.59, -0.11, -0.76, 0.12, -0.84, -0.5, 0.44, 0.54, -0.31, -0.59,
    -0.7, -0.81, -0.94, -0.7, -0.01, 0.57, -0.51, -0.41, -0.25, 0.16,
    0.71, -0.9, 0.31, 0.64, 0.64, 0.45, 0.69, -0.09, -0.22, 0.3,
    0.03, -0.54, -0.04, -0.78, 0.01, -0.6, 0.16, -0.87, 0.03, -1.0,
    0.84,
]
# fmt: on


@task("train")
def test_the_lectures_four_points(student):
    """On the lecture's four points the loss falls below 0.05, step for step as PyTorch's does."""
    bend, straight = activation(student)
    expected, _ = torch_training([3, 4, 4, 1], bend, straight, START, POINTS, WANTED, 12, 0.05)
    answer = student.run(trained, 3, [4, 4, 1], START, POINTS, WANTED, 12, 0.05)
    losses = answer[0] if isinstance(answer, (list, tuple)) and answer else answer
    close(losses, expected, rtol=1e-6, atol=1e-6, reason="differences grow over twelve steps")
    assert losses[-1] < 0.05, f"the last loss is {losses[-1]}"


def checked(m, numbers, hidden, h):
    """gradcheck of (a·b - c)² + b³, plus (a part that the engine can't see) hidden·a²."""

    def f(*values):
        values = values[0] if isinstance(values[0], (list, tuple)) else values
        a, b, c = values
        seen = (a * b - c) ** 2 + b**3
        return seen + hidden * (a.data if isinstance(a, m.Value) else a) ** 2

    try:
        largest = m.gradcheck(f, list(numbers), h)
    except (AttributeError, TypeError):  # someone took `values` to be Values
        largest = m.gradcheck(f, [m.Value(x) for x in numbers], h)
    # what lies below is the noise of the measurement
    return round(largest, 6) if isinstance(largest, float) else largest


@task("gradcheck")
def test_right_gradients(student, rng):
    """Right gradients agree with measured slopes."""
    close(student.run(checked, signed(rng, 3), 0.0, 1e-6), 0.0, **MEASURED)


@task("gradcheck")
def test_a_wide_step_shows(student, rng):
    """The measurement is central and takes its h: a step of 0.25 is off by h² for a cube."""
    close(student.run(checked, signed(rng, 3), 0.0, 0.25), 0.25**2, **MEASURED)


@task("gradcheck")
def test_a_planted_error_shows(student, rng):
    """Where an operation loses a part of the gradient, gradcheck says how much."""
    numbers, (hidden,) = signed(rng, 3), some(rng, 1, 0.5, 1.5)
    answer = student.run(checked, numbers, hidden, 1e-4)
    close(answer, abs(2 * hidden * numbers[0]), **MEASURED)


@task("gradcheck")
def test_a_planted_error_of_the_other_sign_shows(student, rng):
    """Errors count by their size: one below zero is as large as one above."""
    numbers, (hidden,) = signed(rng, 3), some(rng, 1, -1.5, -0.5)
    answer = student.run(checked, numbers, hidden, 1e-4)
    close(answer, abs(2 * hidden * numbers[0]), **MEASURED)
