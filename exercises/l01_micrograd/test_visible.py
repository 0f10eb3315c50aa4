"""What you may read: the basic case of every task. PyTorch in float64 is the oracle.

Its questions are in probes.py, functions that run beside your code.
"""

import math

from oracles import MEASURED, SHARP, torch_gradients
from probes import (
    apply,
    checked,
    cleared,
    counts_of_parameters,
    drawn,
    gradients,
    layer_answer,
    loss_of,
    negatives,
    neuron_answer,
    numbers_first,
    one_backward,
    order,
    price,
    results,
    slope,
    slopes,
    stepped,
    traced,
    trained,
    two_operands,
)

from autograder.suite import close, close_to_one, each, task, within

PRINTED = within(0.0, 6e-5, "four digits are printed")

# ---------------------------------------------------------------------- slopes by measurement


@task("numerical_derivative")
def test_slope_of_a_cubic(student):
    """The measured slope of x³ - 4x + 5 is 3x² - 4."""
    xs = [-1.5, 0.5, 2.0]
    answer = student.run(slopes, "x³ - 4x + 5", xs)
    close(answer, [3 * x**2 - 4 for x in xs], MEASURED)


# ---------------------------------------------------------------------------- the operations


@task("Value.__{method}__")
@each(
    what=("sum", "product", "difference", "quotient"),
    method=("add", "mul", "sub", "truediv"),
    sign=("+", "*", "-", "/"),
)
def test_two_operands(student, what, method, sign):
    """A {what} of two Values, and of a Value and a number, holds the {what}."""
    pairs = [[2.0, -3.0], [-0.5, 4.0], [7.0, 2.5]]
    expected = [apply(sign, x, y) for x, y in pairs]
    close(student.run(two_operands, sign, pairs), [expected, expected], SHARP)


@task("Value.__neg__")
def test_negation(student):
    """-a holds the number with the other sign."""
    negated, _ = student.run(negatives, [2.0, -3.5])
    close(negated, [-2.0, 3.5], SHARP)


@task("reflected")
def test_the_number_stands_first(student):
    """2 * a, 1 + a, 1 - a and 1 / a work like a * 2 and its kin."""
    close(student.run(numbers_first, 4.0), [8.0, 5.0, -3.0, 0.25], SHARP)


@task("Value.__pow__")
def test_powers(student):
    """A Value to the power of 3, 0.5, -1 and -2."""
    answer = student.run(results, "**", [4.0] * 4, [3, 0.5, -1, -2])
    close(answer, [64.0, 2.0, 0.25, 0.0625], SHARP)


@task("Value.exp")
def test_exp(student):
    """exp of -1, 0 and 2."""
    xs = [-1.0, 0.0, 2.0]
    close(student.run(results, "exp", xs), [math.exp(x) for x in xs], SHARP)


@task("Value.tanh")
def test_tanh(student):
    """tanh of -1, 0 and 0.5."""
    xs = [-1.0, 0.0, 0.5]
    close(student.run(results, "tanh", xs), [math.tanh(x) for x in xs], SHARP)


@task("Value.relu")
def test_relu(student):
    """relu leaves 2 as it is and turns -3 into 0."""
    close(student.run(results, "relu", [2.0, -3.0]), [2.0, 0.0], SHARP)


@task("Value.__pow__")
def test_slope_of_a_power(student):
    """The gradient of a³ at 2 is 12: `_backward` knows 3·a²."""
    close(student.run(slope, "**", 2.0, 3), 12.0, SHARP)


@task("Value.exp")
def test_slope_of_exp(student):
    """The gradient of exp at 2 is e²."""
    close(student.run(slope, "exp", 2.0), math.exp(2), SHARP)


@task("Value.tanh")
def test_slope_of_tanh(student):
    """The gradient of tanh at 0.5 is 1 - tanh²(0.5)."""
    close(student.run(slope, "tanh", 0.5), 1 - math.tanh(0.5) ** 2, SHARP)


@task("Value.relu")
def test_slope_of_relu(student):
    """The gradient of relu is 1 at 2 and 0 at -3."""
    close([student.run(slope, "relu", 2.0), student.run(slope, "relu", -3.0)], [1.0, 0.0], SHARP)


# -------------------------------------------------------------------------- walking the graph


@task("topological_order")
def test_order_of_a_ladder(student):
    """Each of six Values is made of the two before it: they come in that order, each once."""
    made_of = [[], [0], [0, 1], [1, 2], [2, 3], [3, 4]]
    close(student.run(order, made_of, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), [0, 1, 2, 3, 4, 5])


@task("local_gradients")
def test_local_gradients_of_plus_and_times(student):
    """The `_backward` of a + b gives 1 and 1; that of a * b gives b and a."""
    close(student.run(one_backward, "+", 2.0, -3.0, 0.0, 1.0), [1.0, 1.0], SHARP)
    close(student.run(one_backward, "*", 2.0, -3.0, 0.0, 1.0), [-3.0, 2.0], SHARP)


@task("local_gradients")
def test_gradients_pass_through_and_add_up(student):
    """`_backward` multiplies by out.grad, here 10, and adds to what is there, here 0.5."""
    close(student.run(one_backward, "+", 2.0, -3.0, 0.5, 10.0), [10.5, 10.5], SHARP)
    close(student.run(one_backward, "*", 2.0, -3.0, 0.5, 10.0), [-29.5, 20.5], SHARP)


@task("Value.backward")
def test_a_plus_a(student):
    """In a + a the same Value is used twice: its gradient is 2."""
    _, gradient = student.run(gradients, "a + a", [3.0])
    close(gradient, 2.0, SHARP)


@task("Value.backward")
def test_the_lectures_neuron(student):
    """The neuron of the lecture: 0.7071, and the gradients -1.5, 0.5, 1 and 0 that it writes."""
    numbers = [2.0, 0.0, -3.0, 1.0, 6.8813735870195432]
    answer = student.run(gradients, "neuron", numbers)
    close(answer, [0.7071, -1.5, 0.5, 1.0, 0.0, 0.5], PRINTED)
    close(answer, torch_gradients("neuron", numbers), SHARP)


@task("Value.backward")
def test_the_readmes_expression(student):
    """The long expression in micrograd's readme: 24.7041, and gradients 138.8338 and 645.5773."""
    answer = student.run(gradients, "readme", [-4.0, 2.0])
    close(answer, [24.7041, 138.8338, 645.5773], PRINTED)
    close(answer, torch_gradients("readme", [-4.0, 2.0]), SHARP)


# ------------------------------------------------------------------------------------ drawing


@task("trace")
def test_trace_of_two_operations(student):
    """a·b + c has five nodes, and four edges from operand to result."""
    # a, b and c are nodes 0, 1 and 2; a·b is node 3, and the sum node 4
    made_of = [[], [], [], [0, 1], [3, 2]]
    answer = student.run(traced, made_of, [2.0, -3.0, 10.0, -6.0, 4.0], ["", "", "", "*", "+"])
    close(answer, [[0, 1, 2, 3, 4], [[0, 3], [1, 3], [2, 4], [3, 4]]])


@task("draw_dot")
def test_picture_of_a_product(student):
    """The picture of a * b: three records with data and grad, one `*`, three arrows."""
    numbers = [2.0, -3.0, -6.0], [-3.0, 2.0, 1.0]
    a, b, e = "data 2.0000 grad -3.0000", "data -3.0000 grad 2.0000", "data -6.0000 grad 1.0000"
    expected = [sorted([a, b, e, "*"]), sorted([f"{a} -> *", f"{b} -> *", f"* -> {e}"])]
    close(student.run(drawn, [[], [], [0, 1]], *numbers, ["", "", "*"]), expected)


# ------------------------------------------------------------------------------- the network


@task("zero_grad")
def test_gradients_are_cleared(student):
    """After zero_grad every gradient is 0, and the parameters are what they were."""
    numbers = [4.0, -1.0, 2.0]
    close(student.run(cleared, numbers, numbers), [[x, 0.0] for x in numbers])


@task("Neuron")
def test_a_neuron_is_a_bent_weighted_sum(student):
    """A neuron of three inputs: three weights and a bias; the sum goes through ReLU (or tanh)."""
    total = 0.5 - 0.6 - 0.4 + 0.25  # below zero: ReLU gives 0
    answer = student.run(neuron_answer, [0.5, -0.3, 0.1, 0.25], [1.0, 2.0, -4.0])
    close_to_one(answer, [4, 0.0], [4, math.tanh(total)], tolerance=SHARP)


@task("Layer")
def test_a_layer_is_neurons_side_by_side(student):
    """Three neurons give three outputs, one neuron gives its output itself and no list."""
    weights, x = [0.5, 0.25, 0.125, -1.0, 2.0, 1.0, 1.5, 0.5, -2.0], [1.0, 2.0]
    sums = [1.125, 4.0, 0.5]  # above zero: ReLU changes nothing
    bent = [math.tanh(s) for s in sums]
    three = student.run(layer_answer, 3, weights, x)
    one = student.run(layer_answer, 1, weights[:3], x)
    right = [[[9, outs], [3, outs[0]]] for outs in (sums, bent)]
    close_to_one([three, one], *right, tolerance=SHARP)


@task("MLP")
def test_forty_one_parameters(student):
    """MLP(3, [4, 4, 1]) has 41 parameters."""
    close(student.run(counts_of_parameters, 3, [4, 4, 1], [5, 2]), [41, 32])


# ---------------------------------------------------------------------------- loss and training


@task("mse")
def test_squared_error(student):
    """Predictions 0.5 and 1 where 1 and -1 are wanted: 0.25 + 4."""
    close(student.run(loss_of, "mse", [1.0, -1.0], [0.5, 1.0]), 4.25, SHARP)


@task("hinge")
def test_hinge(student):
    """A score beyond the margin costs nothing, any other what it lacks; the mean counts."""
    close(student.run(loss_of, "hinge", [1, -1, -1], [0.5, -3.0, 2.0]), (0.5 + 0 + 3) / 3, SHARP)


@task("l2")
def test_price_of_large_parameters(student):
    """alpha times the sum of the squares of 3, -4 and 1."""
    close(student.run(price, [3.0, -4.0, 1.0], 0.1), 2.6, SHARP)


@task("sgd_step")
def test_a_step_downhill(student):
    """A parameter with a positive gradient becomes smaller, one with a negative gradient larger."""
    close(student.run(stepped, [1.0, 2.0], [4.0, -3.0], 0.1, 1), [[0.6, 2.3]], SHARP)


@task("train")
def test_three_steps(student):
    """Three steps on two points: one loss for each, and each is below the one before."""
    weights = [0.5, 0.25, -0.5, 1.25, -0.25, 0.75, 0.25]
    losses, _ = student.run(trained, 1, [2, 1], weights, [[1.0], [2.0]], [1.0, -1.0], 3, 0.05)
    close([type(loss).__name__ for loss in losses], ["float"] * 3)
    assert losses[0] > losses[1] > losses[2], f"the losses should fall: {losses}"


@task("gradcheck")
def test_right_gradients_pass(student):
    """For a·b + b³ gradients and measured slopes agree: the largest error is almost 0."""
    close(student.run(checked, [2.0, -3.0], 1e-6), 0.0, MEASURED)
