"""What decides: every promise about micrograd, against PyTorch in float64."""

import math
import random
from functools import partial
from itertools import pairwise, zip_longest

import torch
from oracles import CPU64, MEASURED, ORACLE, SHARP, plain, torch_gradients
from probes import (
    again,
    apart,
    apply,
    chain,
    checked_with_hidden,
    cleared,
    different_neurons,
    drawn,
    first_weights,
    gradients,
    kind_of_neuron,
    layer_answer,
    loss_and_gradients,
    negatives,
    network_answers,
    neuron_answers,
    number_first,
    order,
    passed_back,
    price_and_gradients,
    product_picture,
    program,
    remembered,
    results_and_slopes,
    slopes,
    stepped,
    straight_layer_answer,
    summed,
    traced,
    trained,
    two_operands,
    value_as_exponent,
)

from autograder.suite import close, close_to_one, each, task, within


def some(rng, n, low, high):
    """n numbers between low and high."""
    return (torch.rand(n, generator=rng, dtype=torch.float64) * (high - low) + low).tolist()


def signed(rng, n, low=0.5, high=3.0):
    """n numbers whose size lies between low and high, every other one negative."""
    return [x if i % 2 else -x for i, x in enumerate(some(rng, n, low, high))]


# ---------------------------------------------------------------------- slopes by measurement


@task("numerical_derivative")
def test_measured_slopes(student, rng):
    """Measured slopes of x·exp(-x) and of 2x³ - x are the known derivatives to six digits."""
    xs = [0.45, *some(rng, 3, -1.5, 2.5)]  # at 0.45 the second is nearly flat, but bent
    answer = [student.run(slopes, curve, xs) for curve in ("x·exp(-x)", "2x³ - x")]
    close(answer, [[(1 - x) * math.exp(-x) for x in xs], [6 * x**2 - 1 for x in xs]], MEASURED)


@task("numerical_derivative")
def test_both_sides_are_looked_at(student, rng):
    """With a wide step h the slope of 2x³ - x is off by 2h², as only the central difference is."""
    xs = some(rng, 3, 0.5, 2.5)
    answer = student.run(slopes, "2x³ - x", xs, 0.5)
    close(answer, [6 * x**2 - 1 + 2 * 0.25 for x in xs], SHARP)


# ---------------------------------------------------------------------------- the operations


@task("Value.__{method}__")
@each(
    what=("sum", "product", "difference", "quotient"),
    method=("add", "mul", "sub", "truediv"),
    sign=("+", "*", "-", "/"),
)
def test_random_operands(student, rng, what, method, sign):
    """A {what} of two Values, and of a Value and a number (ints too), holds the {what}."""
    random_pairs = zip(signed(rng, 4), some(rng, 4, -3.0, -0.5), strict=True)
    pairs = [*map(list, random_pairs), [2, 3], [-7, 4.5]]
    expected = [float(apply(sign, x, y)) for x, y in pairs]
    close(student.run(two_operands, sign, pairs), [expected, expected], SHARP)


@task("Value.__{method}__")
@each(method=("add", "mul"), sign=("+", "*"))
def test_operands_are_remembered(student, rng, method, sign):
    """a {sign} b is a new Value made of a and b, which stay as they are."""
    x, y = some(rng, 2, 0.5, 3.0)
    result = apply(sign, x, y)
    close(student.run(remembered, sign, x, y), [result, result, x, y, sorted([x, y])], SHARP)


@task("Value.__neg__")
def test_negation_both_ways(student, rng):
    """-a holds the number with the other sign, also of a negative one; a stays as it is."""
    xs = signed(rng, 4)
    close(student.run(negatives, xs), [[-x for x in xs], xs], SHARP)


@task("reflected")
@each(
    sign=("+", "*", "-", "/"),
    k=(1, 2, 1, 1),
    low=(-3.0, 1.5, 4.0, 4.0),
    high=(3.0, 3.0, 6.0, 6.0),
    beware=("", "", ", and is not a - k", ", and is not a / k"),
)
def test_number_and_value(student, rng, sign, k, low, high, beware):
    """k {sign} a works for a number k{beware}."""
    numbers, xs = [k, *some(rng, 2, low, high)], signed(rng, 3)
    expected = [apply(sign, number, x) for number, x in zip(numbers, xs, strict=True)]
    close(student.run(number_first, sign, numbers, xs), expected, SHARP)


@task("reflected")
def test_sum_of_a_list(student, rng):
    """Python's sum() of a list of Values works, although it begins with the number 0."""
    xs = some(rng, 5, -3.0, 3.0)
    close(student.run(summed, xs), math.fsum(xs), SHARP)


def check_curve(student, operation, xs, exponents=()):
    """Results and slopes are PyTorch's."""
    x = torch.tensor(xs, **CPU64, requires_grad=True)
    y = torch.stack([apply(operation, v, n) for v, n in zip_longest(x, exponents)])
    (slope,) = torch.autograd.grad(y.sum(), x)
    expected = torch.stack([y.detach(), slope], 1).tolist()
    close(student.run(results_and_slopes, operation, xs, exponents), expected, SHARP)


@task("Value.__pow__")
def test_powers_and_their_slopes(student, rng):
    """Powers 3, 2, 0.5, -1, -2 and 0 of a Value, and the gradient at each: n·x^(n-1)."""
    check_curve(student, "**", some(rng, 6, 1.5, 3.0), [3, 2, 0.5, -1, -2, 0])


@task("Value.__pow__")
def test_powers_of_negative_numbers(student, rng):
    """Powers of a negative number, and the gradient at each."""
    check_curve(student, "**", some(rng, 4, -3.0, -1.5), [3, 2, -1, -2])


@task("Value.__pow__")
def test_a_value_is_no_exponent(student):
    """A Value as the exponent raises an AssertionError or a TypeError."""
    close_to_one(student.run(value_as_exponent), "TypeError", "AssertionError")


@task("Value.exp")
def test_exp_and_its_slope(student, rng):
    """exp and its gradient at -1.5, 0.3, 2, at a number of today, and far out at -30 and 12."""
    check_curve(student, "exp", [-1.5, 0.3, 2.0, *some(rng, 1, 0.5, 2.5), -30.0, 12.0])


@task("Value.tanh")
def test_tanh_and_its_slope(student, rng):
    """tanh and its gradient at -1.5, 0.3, 2 and at a number of today."""
    check_curve(student, "tanh", [-1.5, 0.3, 2.0, *some(rng, 1, 0.5, 2.5)])


@task("Value.tanh")
def test_tanh_far_out(student):
    """tanh of ±20 and ±800 is ±1 with gradient 0, and nothing overflows."""
    check_curve(student, "tanh", [-800.0, -20.0, 20.0, 800.0])


@task("Value.relu")
def test_relu_and_its_slope(student, rng):
    """relu and its gradient at -1.5, 0.3, 2, at two numbers of today, and far out at ±800."""
    check_curve(student, "relu", [-1.5, 0.3, 2.0, *signed(rng, 2), -800.0, 800.0])


# ------------------------------------------------------------------ one operation, backwards


def check_passed_back(student, rng, operation, numbers, *constants):
    """What stands in each gradient, plus PyTorch's slope times what flows in."""
    before, upstream = some(rng, 2, 0.5, 0.9)
    leaves = [ORACLE.Value(x) for x in numbers]
    slopes = torch.autograd.grad(apply(operation, *leaves, *constants), leaves)
    befores = [before, 2 * before][: len(leaves)]
    expected = [b + upstream * float(slope) for b, slope in zip(befores, slopes, strict=True)]
    answer = student.run(passed_back, operation, numbers, constants, befores, upstream)
    close(answer, expected, SHARP)


@task("local_gradients")
def test_plus_hands_its_gradient_on(student, rng):
    """The `_backward` of + adds out.grad to the gradient of both operands."""
    check_passed_back(student, rng, "+", some(rng, 2, 1.5, 3.0))


@task("local_gradients")
def test_times_hands_its_gradient_on(student, rng):
    """The `_backward` of * adds out.grad times the other operand to each operand's gradient."""
    check_passed_back(student, rng, "*", [*some(rng, 1, 1.5, 3.0), *some(rng, 1, -3.0, -1.5)])


@task("local_gradients")
@each(
    operation=("**", "exp", "tanh", "relu"),
    exponent=((3,), (), (), ()),
    low=(1.5, 0.5, 0.2, 0.5),
    high=(3.0, 2.0, 0.9, 2.0),
)
def test_one_operand_hands_its_gradient_on(student, rng, operation, exponent, low, high):
    """The `_backward` of {operation} multiplies by out.grad, and adds to the gradient there."""
    check_passed_back(student, rng, operation, some(rng, 1, low, high), *exponent)


# -------------------------------------------------------------------------- walking the graph


def check_order(answer, made_of):
    """Every node once, and behind those that it is made of."""
    close(sorted(answer), list(range(len(made_of))))
    place = {node: i for i, node in enumerate(answer)}
    late = [edge for edge in edges_of(made_of) if place[edge[0]] > place[edge[1]]]
    assert not late, f"{len(late)} nodes come before one that they are made of, as {late[0]}"


def edges_of(made_of):
    """(child, parent) for each."""
    return sorted({(child, i) for i, children in enumerate(made_of) for child in children})


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
        made_of.append([i - 1, rng.integers(0, i - 1, 1).item()])
    made_of[3] = [0, 1, 2]
    check_order(student.run(order, made_of, some(rng, 17, -3.0, 3.0)), made_of)


@task("topological_order")
def test_equal_numbers_are_two_nodes(student):
    """Values that hold the same number are different nodes: all of them are in the order."""
    made_of = [[], [], [0, 1], [], [2, 3], [4, 4]]
    check_order(student.run(order, made_of, [2.0, 2.0, 4.0, 2.0, 4.0, 8.0]), made_of)


def check_gradients(student, which, numbers):
    close(student.run(gradients, which, numbers), torch_gradients(which, numbers), SHARP)


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


def random_program(rng):
    """30 operations over 4 leaves whose numbers stay tame, far from a bend and from 1 / 0."""
    chance = random.Random(rng.integers(0, 2**31, 1).item())
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
        close(student.run(program, leaves, steps), plain(expected), SHARP)


@task("Value.backward")
def test_backward_twice_with_clearing(student, rng):
    """With all gradients set to 0 in between, a second backward gives the same again."""
    x, y = some(rng, 2, 0.2, 0.7)
    _, by_x1, by_x2, by_w1, *_ = torch_gradients("neuron", [x, x, y, 1.0, 0.0])
    by_a, by_b = by_x1 + by_x2, by_w1
    close(student.run(again, x, y, "clear"), [[by_a, by_b]] * 2, SHARP)


@task("Value.backward")
def test_backward_twice_without_clearing(student, rng):
    """Without clearing, a second backward of a * b doubles the gradients of a and b."""
    x, y = some(rng, 2, 1.5, 3.0)
    close(student.run(again, x, y, "keep"), [[y, x], [2 * y, 2 * x]], SHARP)


@task("Value.backward")
def test_a_chain_of_900(student, rng):
    """A chain of 900 additions works at Python's own recursion limit."""
    (x,) = some(rng, 1, 1.5, 3.0)
    close(student.run(chain, 900, x), [x * (x + 900), 2 * x + 900], SHARP)


@task("deep_graph")
def test_a_chain_of_5000(student, rng):
    """A chain of 5,000 additions works too, which takes an order found without recursion."""
    (x,) = some(rng, 1, 1.5, 3.0)
    close(student.run(chain, 5000, x), [x * (x + 5000), 2 * x + 5000], SHARP)


@task("Value.backward")
def test_graphs_keep_apart(student, rng):
    """Two graphs don't touch each other, and backward from an inner node leaves the outer alone."""
    x, y = some(rng, 2, 1.5, 3.0)
    close(student.run(apart, x, y), [[2.0, 0.0, 0.0], [y, x, 0.0, 1.0, 0.0]], SHARP)


@task("Value.backward")
def test_equal_numbers_are_different_values(student, rng):
    """Values that hold the same number are different nodes, each with a gradient of its own."""
    (x,) = some(rng, 1, 1.5, 3.0)
    check_gradients(student, "four leaves", [x] * 4)


# ------------------------------------------------------------------------------------ drawing


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


@task("draw_dot")
def test_look_of_the_picture(student):
    """Values are records (the bars need that shape), and the picture grows from left to right."""
    source, kind = student.run(product_picture)
    assert isinstance(source, str), "draw_dot returns a Digraph with a source text"
    words = source.translate(str.maketrans('[]",;', "     ")).split()
    assert "shape=record" in words, "no node has the shape record"
    assert "rankdir=LR" in words, "rankdir isn't LR"
    close(kind, "svg")


# ------------------------------------------------------------------------------- the network


@task("zero_grad")
def test_every_gradient_is_zero(student, rng):
    """After zero_grad every gradient is the number 0, and no parameter has changed."""
    answer = student.run(cleared, [1.5] * 4, some(rng, 4, 0.5, 3.0))
    close(answer, [[1.5, 0.0]] * 4, within(0.0, 0.0, "0 means 0"))


def activation(student):
    """What their neurons bend with, and whether the last layer is straight.

    Two ways are right: ReLU, straight at the end, as micrograd has it; tanh everywhere, as
    the lecture has it. What is neither is judged as the first.
    """
    bent, straight = student.run(kind_of_neuron)
    if isinstance(bent, float) and abs(bent - math.tanh(-0.5)) < 0.01:
        return torch.tanh, straight is not None
    return torch.relu, True


def neuron_inputs(rng):
    """Weights of a neuron, and inputs to both sides of its bend."""
    weights = [*signed(rng, 4, 0.2, 0.6), *some(rng, 1, 0.1, 0.2)]
    x = some(rng, 4, 0.5, 1.5)
    up = [v if w > 0 else -v for v, w in zip(x, weights, strict=False)]
    return weights, [x, up, [-v for v in up]]


def neuron_sums(weights, inputs):
    weights = torch.tensor(weights, **CPU64)
    return torch.tensor(inputs, **CPU64) @ weights[:-1] + weights[-1]


def layer_sums(weights, nout, x):
    rows = torch.tensor(weights, **CPU64).view(nout, -1)
    return rows[:, :-1] @ torch.tensor(x, **CPU64) + rows[:, -1]


@task("Neuron")
def test_neuron_answers(student, rng):
    """A neuron has nin weights, then a bias; it answers ReLU (or tanh) of w·x + b."""
    weights, inputs = neuron_inputs(rng)
    bend, _ = activation(student)
    expected = bend(neuron_sums(weights, inputs)).tolist()
    close(student.run(neuron_answers, weights, inputs, "bent"), [5, expected, expected], SHARP)


@task("Neuron")
def test_straight_neuron(student, rng):
    """With nonlin=False (where a neuron has that) the answer is w·x + b itself."""
    weights, inputs = neuron_inputs(rng)
    bend, _ = activation(student)
    answer = student.run(neuron_answers, weights, inputs, "straight")
    if answer is None and bend is torch.tanh:
        return  # the lecture's neuron, which always bends
    expected = neuron_sums(weights, inputs).tolist()
    close(answer, [5, expected, expected], SHARP)


@task("Neuron")
def test_first_weights(student):
    """A neuron's 150 weights start in [-1, 1], on both sides of 0, and all differ."""
    close(student.run(first_weights, 150), [150, 150, 0, 2])


@task("Layer")
def test_layer_answers(student, rng):
    """Four neurons of two inputs: 12 parameters, neuron after neuron, and four outputs."""
    weights, x = some(rng, 12, 0.1, 0.9), some(rng, 2, 0.5, 1.5)
    bend, _ = activation(student)
    expected = bend(layer_sums(weights, 4, x)).tolist()
    close(student.run(layer_answer, 4, weights, x), [12, expected], SHARP)


@task("Layer")
def test_a_single_output_is_no_list(student, rng):
    """A layer of one neuron returns its Value itself, not a list of one."""
    weights, x = some(rng, 4, 0.1, 0.9), some(rng, 3, 0.5, 1.5)
    bend, _ = activation(student)
    expected = bend(layer_sums(weights, 1, x)).item()
    close(student.run(layer_answer, 1, weights, x), [4, expected], SHARP)


@task("Layer")
def test_layer_hands_options_on(student, rng):
    """Layer(nin, nout, nonlin=False), where there is that, makes neurons that don't bend."""
    weights, x = some(rng, 9, -0.9, -0.1), some(rng, 2, 0.5, 1.5)
    _, last_is_straight = activation(student)
    answer = student.run(straight_layer_answer, 3, weights, x)
    if answer is None and not last_is_straight:
        return  # the lecture's layer, which has no options
    close(answer, layer_sums(weights, 3, x).tolist(), SHARP)


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
    close(student.run(network_answers, sizes[0], sizes[1:], weights, x), expected, SHARP)


@task("MLP")
def test_the_lectures_network(student, rng):
    """MLP(3, [4, 4, 1]): 41 parameters, one Value as output, PyTorch's answer and gradients."""
    check_network(student, rng, [3, 4, 4, 1])


@task("MLP")
def test_a_network_with_two_outputs(student, rng):
    """MLP(2, [5, 3, 2]): outputs are a list of two Values; all gradients equal PyTorch's."""
    check_network(student, rng, [2, 5, 3, 2])


# ---------------------------------------------------------------------------- loss and training


def check_loss(student, name, f, ys, predictions):
    leaves = torch.tensor(predictions, **CPU64, requires_grad=True)
    loss = f(torch.tensor(ys, **CPU64), leaves)
    (gradient,) = torch.autograd.grad(loss, leaves)
    answer = student.run(loss_and_gradients, name, ys, predictions)
    close(answer, [loss.item(), gradient.tolist()], SHARP)


@task("mse")
def test_squares_are_summed(student, rng):
    """The squared differences of five pairs, summed, and the gradient of each prediction."""
    ys, predictions = signed(rng, 5, 0.5, 1.0), some(rng, 5, 1.5, 3.0)
    check_loss(
        student, "mse", partial(torch.nn.functional.mse_loss, reduction="sum"), ys, predictions
    )


@task("hinge")
def test_margins(student, rng):
    """The mean of relu(1 - y·s) over five scores: far right, just right, wrong; and gradients."""
    scores = [*some(rng, 1, 1.5, 3.0), *some(rng, 1, 0.2, 0.8), *some(rng, 3, -3.0, -1.5)]
    ys = [1.0, 1.0, 1.0, -1.0, 1.0]
    check_loss(student, "hinge", lambda y, s: torch.relu(1 - y * s).mean(), ys, scores)


@task("l2")
def test_price_and_its_gradients(student, rng):
    """alpha times the sum of squares, and its gradient 2·alpha·p."""
    numbers, (alpha,) = signed(rng, 5), some(rng, 1, 0.1, 0.4)
    p = torch.tensor(numbers, **CPU64)
    expected = [float(alpha * (p * p).sum()), (2 * alpha * p).tolist()]
    close(student.run(price_and_gradients, numbers, alpha), expected, SHARP)


@task("sgd_step")
def test_steps_go_downhill(student, rng):
    """A step moves every parameter, in place, by lr times its gradient, against it."""
    numbers, gradients, (lr,) = signed(rng, 5), signed(rng, 5, 1.5, 4.0), some(rng, 1, 0.05, 0.2)
    # (torch.optim.SGD would say the same, after a second of importing what it compiles with)
    p, g = torch.tensor(numbers, **CPU64), torch.tensor(gradients, **CPU64)
    expected = [(p - lr * g).tolist(), (p - lr * g - lr * g).tolist()]
    close(student.run(stepped, numbers, gradients, lr, 2), expected, SHARP)


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
    close(student.run(trained, 2, [3, 1], weights, xs, ys, 4, 0.02), expected, SHARP)


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
    losses, _ = student.run(trained, 3, [4, 4, 1], START, POINTS, WANTED, 12, 0.05)
    close(losses, expected, within(1e-6, 1e-6, "differences grow over twelve steps"))
    assert losses[-1] < 0.05, f"the last loss is {losses[-1]}"


@task("gradcheck")
def test_right_gradients(student, rng):
    """Right gradients agree with measured slopes."""
    close(student.run(checked_with_hidden, signed(rng, 3), 0.0, 1e-6), 0.0, MEASURED)


@task("gradcheck")
def test_a_wide_step_shows(student, rng):
    """The measurement is central and takes its h: a step of 0.25 is off by h² for a cube."""
    close(student.run(checked_with_hidden, signed(rng, 3), 0.0, 0.25), 0.25**2, MEASURED)


@task("gradcheck")
def test_a_planted_error_shows(student, rng):
    """Where an operation loses a part of the gradient, gradcheck says how much."""
    numbers, (hidden,) = signed(rng, 3), some(rng, 1, 0.5, 1.5)
    answer = student.run(checked_with_hidden, numbers, hidden, 1e-4)
    close(answer, abs(2 * hidden * numbers[0]), MEASURED)


@task("gradcheck")
def test_a_planted_error_of_the_other_sign_shows(student, rng):
    """Errors count by their size: one below zero is as large as one above."""
    numbers, (hidden,) = signed(rng, 3), some(rng, 1, -1.5, -0.5)
    answer = student.run(checked_with_hidden, numbers, hidden, 1e-4)
    close(answer, abs(2 * hidden * numbers[0]), MEASURED)
