"""What a network looks like inside before and while it learns, and how to keep it in shape.

The loss at the first step, neurons that no gradient comes through, the scale of the first
weights, batch normalisation, and the four plots that show whether a network is healthy.

The small network of lecture 3 is written in loose lines here: hpreact (N, H) is what goes into
tanh, h (N, H) what comes out. The deep one is a list of layers, each a small class.
"""

import torch

# --------------------------------------------------------------------------- the first loss


def expected_initial_loss(V):
    """The loss of a network that knows nothing: each of V letters has the same probability.

    V: int  ->  float, -log of that probability (natural logarithm)

    >>> round(expected_initial_loss(27), 4)
    3.2958
    """
    ### BEGIN SOLUTION
    import math

    return -math.log(1 / V)
    ### END SOLUTION


def initial_loss(logits, Y):
    """The loss that a network really has: the mean of -log of each label's softmax probability.

    logits: (N, V), Y: (N,) int64  ->  0-d tensor or float; logits of 1e4 give finite losses

    >>> round(float(initial_loss(torch.zeros(3, 4), torch.tensor([0, 1, 3]))), 4)
    1.3863
    """
    ### BEGIN SOLUTION
    log_probs = logits.log_softmax(1)
    return -log_probs[torch.arange(len(Y), device=Y.device), Y].mean()
    ### END SOLUTION


def fix_output_layer(W2, b2):
    """An output layer that isn't sure of anything: weights a hundredth, the bias zero.

    W2: (H, V), b2: (V,)  ->  (W2, b2), two new tensors; the given ones stay as they are

    >>> fix_output_layer(torch.tensor([[1.0, -2.0]]), torch.tensor([3.0, 4.0]))
    (tensor([[ 0.0100, -0.0200]]), tensor([0., 0.]))
    """
    ### BEGIN SOLUTION
    return W2 * 0.01, torch.zeros_like(b2)
    ### END SOLUTION


# -------------------------------------------------------------------------- saturated neurons


def saturation(h, limit=0.99):
    """The share of tanh's outputs that are so near to -1 or 1 that no gradient comes back.

    h: (N, H)  ->  float between 0 and 1, the part with abs(h) > limit

    >>> saturation(torch.tensor([[1.0, 0.5], [-1.0, 0.0]]))
    0.5
    """
    ### BEGIN SOLUTION
    return (h.abs() > limit).double().mean().item()
    ### END SOLUTION


def dead_neurons(h, limit=0.99):
    """Which neurons have abs(h) > limit for every example, and so never learn?

    h: (N, H)  ->  (H,) bool

    >>> dead_neurons(torch.tensor([[1.0, 0.5], [-1.0, 1.0]]))
    tensor([ True, False])
    """
    ### BEGIN SOLUTION
    return (h.abs() > limit).all(0)
    ### END SOLUTION


# ------------------------------------------------------------------ the scale of the weights


def gain(name, param=None):
    """By what must the weights grow so that a nonlinearity doesn't shrink what passes it?

    name: "linear", "tanh", "relu" or "leaky_relu"; param: the slope a of leaky_relu for numbers
    below 0, 0.01 unless said  ->  float: 1, 5/3, sqrt(2), sqrt(2 / (1 + a*a))

    >>> round(gain("leaky_relu", 0.2), 4)
    1.3868
    """
    ### BEGIN SOLUTION
    import math

    slope = 0.01 if param is None else param
    return {
        "linear": 1.0,
        "tanh": 5 / 3,
        "relu": math.sqrt(2),
        "leaky_relu": math.sqrt(2 / (1 + slope**2)),
    }[name]
    ### END SOLUTION


def kaiming(fan_in, fan_out, nonlinearity, mode="fan_in", generator=None):
    """Random weights around 0 whose standard deviation is gain / sqrt(fan).

    fan_in, fan_out: int; nonlinearity: a name that gain knows; mode: "fan_in" keeps the scale
    of what goes forward, "fan_out" that of the gradients: it says which of the two is the fan;
    generator: torch.Generator or None, draws the numbers  ->  W (fan_in, fan_out)

    What torch.nn.init fills tensors with is locked here.
    """
    ### BEGIN SOLUTION
    fan = fan_in if mode == "fan_in" else fan_out
    return torch.randn((fan_in, fan_out), generator=generator) * gain(nonlinearity) / fan**0.5
    ### END SOLUTION


# --------------------------------------------------------- batch normalisation in loose lines


def batchnorm_train(hpreact, bngain, bnbias):
    """Make every column of the batch have mean 0 and standard deviation 1, then scale and shift.

    hpreact: (N, H); bngain, bnbias: (1, H)  ->  (out (N, H), mean (1, H), std (1, H))

    mean and std are those of this batch's columns; std is torch's, with N - 1, and nothing is
    added to it. Gradients find their way through mean and std, too. F.batch_norm is locked.

    >>> batchnorm_train(torch.tensor([[1.0], [3.0]]), torch.tensor([[2.0]]), torch.tensor([[5.0]]))
    (tensor([[3.5858],
            [6.4142]]), tensor([[2.]]), tensor([[1.4142]]))
    """
    ### BEGIN SOLUTION
    mean = hpreact.mean(0, keepdim=True)
    std = hpreact.std(0, keepdim=True)
    return bngain * (hpreact - mean) / std + bnbias, mean, std
    ### END SOLUTION


def batchnorm_eval(hpreact, bngain, bnbias, mean, std):
    """The same with statistics that are handed in: a single example will do.

    hpreact: (N, H); bngain, bnbias, mean, std: (1, H)  ->  (N, H)
    """
    ### BEGIN SOLUTION
    return bngain * (hpreact - mean) / std + bnbias
    ### END SOLUTION


def update_running(running, batch, momentum=0.001):
    """Move running statistics a little towards those of a batch: momentum is the batch's share.

    running, batch: (1, H)  ->  (1, H), without a graph; running may be changed in place or not

    >>> update_running(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 4.0]]), 0.25)
    tensor([[1.2500, 1.0000]])
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        return (1 - momentum) * running + momentum * batch
    ### END SOLUTION


def calibrate(hpreact_all):
    """Mean and standard deviation of every column over all examples, measured after training.

    hpreact_all: (N, H)  ->  (mean (1, H), std (1, H)), without a graph; std with N - 1
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        return hpreact_all.mean(0, keepdim=True), hpreact_all.std(0, keepdim=True)
    ### END SOLUTION


def fold_batchnorm(W, b, gain, bias, mean, var, eps=1e-5):
    """One linear layer that does at inference what a linear layer and its batch norm do.

    W: (fan_in, H), b: (H,) or None; gain, bias, mean, var: (H,), as BatchNorm1d has them:
    ((x @ W + b) - mean) / sqrt(var + eps) * gain + bias  ->  (W2 (fan_in, H), b2 (H,)) so that
    x @ W2 + b2 is the same; what is given stays as it is
    """
    ### BEGIN SOLUTION
    scale = gain / (var + eps).sqrt()
    b = torch.zeros_like(mean) if b is None else b
    return W * scale, (b - mean) * scale + bias
    ### END SOLUTION


# ---------------------------------------------------------------------------------- the layers


class Linear:
    """x (N, fan_in)  ->  x @ weight + bias (N, fan_out)."""

    def __init__(self, fan_in, fan_out, bias=True):
        """Make weight (fan_in, fan_out), with standard deviation 1 / sqrt(fan_in), and a zero bias.

        self.weight; self.bias: (fan_out,), or None if bias is False
        """
        ### BEGIN SOLUTION
        self.weight = torch.randn((fan_in, fan_out)) / fan_in**0.5
        self.bias = torch.zeros(fan_out) if bias else None
        ### END SOLUTION

    def __call__(self, x):
        """Apply the layer; self.out keeps the result."""
        ### BEGIN SOLUTION
        self.out = x @ self.weight
        if self.bias is not None:
            self.out = self.out + self.bias
        return self.out
        ### END SOLUTION

    def parameters(self):
        """The weight, and the bias if there is one."""
        ### BEGIN SOLUTION
        return [self.weight] if self.bias is None else [self.weight, self.bias]
        ### END SOLUTION


class BatchNorm1d:
    """x (N, dim)  ->  the same shape; each column normalised, scaled by gamma, shifted by beta."""

    def __init__(self, dim, eps=1e-5, momentum=0.1):
        """Parameters gamma (ones), beta (zeros); statistics running_mean (0), running_var (1).

        self.training: True at first; all four hold dim numbers
        """
        ### BEGIN SOLUTION
        self.eps = eps
        self.momentum = momentum
        self.training = True
        self.gamma = torch.ones(dim)
        self.beta = torch.zeros(dim)
        self.running_mean = torch.zeros(dim)
        self.running_var = torch.ones(dim)
        ### END SOLUTION

    def __call__(self, x):
        """Normalise by (x - mean) / sqrt(var + eps); self.out keeps the result.

        While self.training is true: by the mean and variance of the batch, and the running
        statistics move towards them, momentum of the way and outside of the graph. running_var
        follows the variance with N - 1; for x itself N - 1 (the video) and N (PyTorch) are both
        right. Else: by the running statistics, which stay as they are. F.batch_norm is locked.
        """
        ### BEGIN SOLUTION
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean(0), x.var(0)
            with torch.no_grad():
                self.running_mean += self.momentum * (mean - self.running_mean)
                self.running_var += self.momentum * (var - self.running_var)
        self.out = self.gamma * (x - mean) / (var + self.eps).sqrt() + self.beta
        return self.out
        ### END SOLUTION

    def parameters(self):
        """What is learnt by gradients."""
        ### BEGIN SOLUTION
        return [self.gamma, self.beta]
        ### END SOLUTION


class Tanh:
    """tanh of every number."""

    def __call__(self, x):
        """Apply it; self.out keeps the result."""
        ### BEGIN SOLUTION
        self.out = x.tanh()
        return self.out
        ### END SOLUTION

    def parameters(self):
        """There is nothing to learn here."""
        ### BEGIN SOLUTION
        return []
        ### END SOLUTION


def build_mlp(vocab, n_embd, block, n_hidden, n_layers, gain=5 / 3, batchnorm=False):
    """A table of letters and a deep network, in good shape for the first step.

    ->  (C, layers): C (vocab, n_embd), standard normal; layers: n_layers times Linear,
    (BatchNorm1d,) Tanh, and in the end Linear (, BatchNorm1d): from block·n_embd numbers to
    n_hidden, …, to vocab logits. BatchNorm1d only if batchnorm is true.

    A Linear before a norm has no bias. Weights before a Tanh are multiplied by gain. The logits
    are made less sure: the last weight times 0.1, or, with a norm, the last gamma times 0.1.
    """
    ### BEGIN SOLUTION
    C = torch.randn((vocab, n_embd))
    sizes = [block * n_embd] + [n_hidden] * n_layers
    layers = []
    for fan_in, fan_out in zip(sizes, [*sizes[1:], vocab]):
        layers.append(Linear(fan_in, fan_out, bias=not batchnorm))
        layers[-1].weight *= gain
        if batchnorm:
            layers.append(BatchNorm1d(fan_out))
        layers.append(Tanh())
    layers.pop()
    if batchnorm:
        layers[-1].gamma *= 0.1
    else:
        layers[-1].weight *= 0.1 / gain
    return C, layers
    ### END SOLUTION


# --------------------------------------------------------------------------------- four plots


def activation_stats(outs):
    """How each tanh layer's outputs are spread.

    outs: list of tensors  ->  list of (mean, std, percent of the numbers with abs > 0.97)

    >>> activation_stats([torch.tensor([[-1.0, 0.0], [0.5, 0.5]])])[0][2]
    25.0
    """
    ### BEGIN SOLUTION
    return [
        (t.mean().item(), t.std().item(), (t.abs() > 0.97).double().mean().item() * 100)
        for t in outs
    ]
    ### END SOLUTION


def grad_stats(params):
    """How the gradients of the weights are spread, and how large they are beside the weights.

    params: list of tensors with .grad  ->  list of (mean of grad, std of grad, std of grad / std
    of data), for those with two dimensions, in their order
    """
    ### BEGIN SOLUTION
    return [
        (p.grad.mean().item(), p.grad.std().item(), (p.grad.std() / p.data.std()).item())
        for p in params
        if p.dim() == 2
    ]
    ### END SOLUTION


def update_to_data(params, lr):
    """By what part of itself would a step change each weight? As a power of ten.

    params: list of tensors with .grad; lr: the learning rate  ->  list of floats,
    log10(std of lr·grad / std of data), for those with two dimensions, in their order;
    -inf where the gradient is zero
    """
    ### BEGIN SOLUTION
    return [((lr * p.grad).std() / p.data.std()).log10().item() for p in params if p.dim() == 2]
    ### END SOLUTION


# -------------------------------------------------------------------------------- other norms


def layer_norm(x, gamma, beta, eps=1e-5):
    """Normalise each example by itself: over the last dimension.

    x: (…, C); gamma, beta: (C,)  ->  (…, C): (x - mean) / sqrt(var + eps) * gamma + beta

    The variance is the biased one (divided by C). Torch's norms are locked in these three.
    """
    ### BEGIN SOLUTION
    mean = x.mean(-1, keepdim=True)
    var = x.var(-1, keepdim=True, unbiased=False)
    return (x - mean) / (var + eps).sqrt() * gamma + beta
    ### END SOLUTION


def instance_norm(x, eps=1e-5):
    """Normalise each channel of each example by itself: over T. The variance is the biased one.

    x: (B, C, T)  ->  (B, C, T)
    """
    ### BEGIN SOLUTION
    mean = x.mean(2, keepdim=True)
    var = x.var(2, keepdim=True, unbiased=False)
    return (x - mean) / (var + eps).sqrt()
    ### END SOLUTION


def group_norm(x, groups, eps=1e-5):
    """Normalise each group of neighbouring channels of each example: over the group and T.

    x: (B, C, T), C a multiple of groups  ->  (B, C, T); the variance is the biased one

    Group 0 has the channels 0 to C/groups - 1, and so on.
    """
    ### BEGIN SOLUTION
    B, C, T = x.shape
    g = x.reshape(B, groups, C // groups * T)
    mean = g.mean(2, keepdim=True)
    var = g.var(2, keepdim=True, unbiased=False)
    return ((g - mean) / (var + eps).sqrt()).reshape(B, C, T)
    ### END SOLUTION


def norm_coupling(norm, x):
    """Does what norm makes of example 0 depend on example 1?

    norm: a function of a batch that gives a batch of the same shape; x: (B, …), B at least 3,
    stays as it is  ->  bool
    """
    ### BEGIN SOLUTION
    changed = x.clone()
    changed[1] = torch.randn_like(changed[1])
    return not torch.equal(norm(x.clone())[0], norm(changed)[0])
    ### END SOLUTION


def lr_advice(ud):
    """Is the learning rate right, by the update-to-data ratios of a network's weights?

    ud: list of floats, as update_to_data makes them  ->  "higher" if their median is below
    -3.5, "lower" if it is above -2.5, else "good"

    >>> lr_advice([-3.1, -2.9, -3.0])
    'good'
    """
    ### BEGIN SOLUTION
    import statistics

    middle = statistics.median(ud)
    return "higher" if middle < -3.5 else "lower" if middle > -2.5 else "good"
    ### END SOLUTION
