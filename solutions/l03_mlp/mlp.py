"""A network that reads three letters and guesses the fourth, and how to train it.

Every letter is a point in a small space, the same one wherever it stands (the table C). The
points of the last few letters, put side by side, go through a hidden layer of tanh neurons;
out come the logits: one number for each letter that may follow.

    X (N, block)  ->  C[X] (N, block, E)  ->  (N, block·E)  ->  h (N, H)  ->  logits (N, V)
"""

import torch

# ------------------------------------------------------------------------------- the data


def build_vocab(words):
    """Number the letters of all words: "." is 0, then the others in sorted order from 1.

    words: list of str  ->  (stoi, itos): letter to number, number to letter

    >>> build_vocab(["abba", "cab"])
    ({'a': 1, 'b': 2, 'c': 3, '.': 0}, {1: 'a', 2: 'b', 3: 'c', 0: '.'})
    """
    ### BEGIN SOLUTION
    letters = sorted(set("".join(words)))
    stoi = {letter: i for i, letter in enumerate(letters, 1)}
    stoi["."] = 0
    itos = {i: letter for letter, i in stoi.items()}
    return stoi, itos
    ### END SOLUTION


def build_dataset(words, stoi, block_size=3):
    """Every letter of every word as a label, and the block_size letters before it as input.

    words: list of str; stoi: letter to number  ->  X (N, block_size) int64, Y (N,) int64

    A word begins after block_size zeros and ends with the label of ".". No word sees another.
    Without words N is 0: the shapes are (0, block_size) and (0,).

    >>> build_dataset(["ab"], {".": 0, "a": 1, "b": 2})
    (tensor([[0, 0, 0],
            [0, 0, 1],
            [0, 1, 2]]), tensor([1, 2, 0]))
    """
    ### BEGIN SOLUTION
    X, Y = [], []
    for word in words:
        context = [0] * block_size
        for letter in word + ".":
            ix = stoi[letter]
            X.append(context)
            Y.append(ix)
            context = [*context[1:], ix]
    X = torch.tensor(X, dtype=torch.int64).view(-1, block_size)
    return X, torch.tensor(Y, dtype=torch.int64)
    ### END SOLUTION


def split_words(words, seed=42):
    """Shuffle a copy of the words, then cut it at int(0.8·n) and at int(0.9·n).

    words: list of n str, left as it is  ->  (train, dev, test): three lists

    The same seed gives the same three lists, another seed others. A word that stands there
    twice is in the parts twice.

    >>> [len(part) for part in split_words(["ann", "bob", "cy", "dan", "eve"] * 4)]
    [16, 2, 2]
    """
    ### BEGIN SOLUTION
    import random

    shuffled = list(words)
    random.Random(seed).shuffle(shuffled)
    n1, n2 = int(0.8 * len(shuffled)), int(0.9 * len(shuffled))
    return shuffled[:n1], shuffled[n1:n2], shuffled[n2:]
    ### END SOLUTION


# ---------------------------------------------------------------------------- the network


def embed(C, X):
    """Look every letter of X up in the table C.

    C: (V, E), X: (N, block) int64  ->  (N, block, E); gradients find their way back to C

    >>> embed(torch.tensor([[0.0, 1.0], [2.0, 3.0]]), torch.tensor([[1, 0, 1]]))
    tensor([[[2., 3.],
             [0., 1.],
             [2., 3.]]])
    """
    ### BEGIN SOLUTION
    return C[X]
    ### END SOLUTION


def concat(emb):
    """Put the points of an example's letters side by side, the oldest letter's first.

    emb: (N, block, E)  ->  (N, block·E)

    Where emb is contiguous no number needs to be copied: the result can share emb's storage
    (a check tells you whether yours does). Where it is not, a copy is needed.

    >>> concat(torch.tensor([[[1, 2], [3, 4], [5, 6]]]))
    tensor([[1, 2, 3, 4, 5, 6]])
    """
    ### BEGIN SOLUTION
    return emb.flatten(1)
    ### END SOLUTION


def describe_view(shape, stride):
    """Can a tensor of this shape and stride be seen as one dimension, by view(-1)?

    shape, stride: tuples of int of equal length  ->  bool

    >>> describe_view((3, 4), (4, 1)), describe_view((4, 3), (1, 4))
    (True, False)
    """
    ### BEGIN SOLUTION
    from itertools import pairwise

    if 0 in shape:
        return True
    dims = [(size, step) for size, step in zip(shape, stride) if size != 1]
    return all(outer[1] == inner[0] * inner[1] for outer, inner in pairwise(dims))
    ### END SOLUTION


def init_params(vocab, n_embd, block, n_hidden, generator):
    """The network's parameters, drawn by the generator from a normal distribution around 0.

    vocab, n_embd, block, n_hidden: int; generator: torch.Generator  ->  [C, W1, b1, W2, b2],
    leaves with requires_grad: C (vocab, n_embd), W1 (block·n_embd, n_hidden), b1 (n_hidden,),
    W2 (n_hidden, vocab), b2 (vocab,)
    """
    ### BEGIN SOLUTION
    C = torch.randn((vocab, n_embd), generator=generator)
    W1 = torch.randn((block * n_embd, n_hidden), generator=generator)
    b1 = torch.randn(n_hidden, generator=generator)
    W2 = torch.randn((n_hidden, vocab), generator=generator)
    b2 = torch.randn(vocab, generator=generator)
    params = [C, W1, b1, W2, b2]
    for p in params:
        p.requires_grad = True
    return params
    ### END SOLUTION


def forward(params, X):
    """The network: embed, concat, a hidden layer with tanh, an output layer without.

    params: [C, W1, b1, W2, b2] as init_params makes them, X: (N, block) int64
    ->  logits (N, V); gradients find their way back to all five
    """
    ### BEGIN SOLUTION
    C, W1, b1, W2, b2 = params
    h = torch.tanh(concat(embed(C, X)) @ W1 + b1)
    return h @ W2 + b2
    ### END SOLUTION


def cross_entropy(logits, Y):
    """The mean of -log of the probability that softmax gives to each label, by hand.

    logits: (N, V), Y: (N,) int64  ->  0-d tensor; gradients find their way back to logits

    exp of 1e4 is infinite and exp of -1e4 is 0, but what is asked for is neither.

    >>> round(cross_entropy(torch.zeros(4, 27), torch.tensor([0, 5, 13, 26])).item(), 4)
    3.2958
    """
    ### BEGIN SOLUTION
    shifted = logits - logits.max(1, keepdim=True).values
    log_sums = shifted.exp().sum(1).log()
    picked = shifted[torch.arange(len(Y), device=Y.device), Y]
    return (log_sums - picked).mean()
    ### END SOLUTION


# ------------------------------------------------------------------------------- training


def minibatch(N, size, generator):
    """The numbers of the examples of the next minibatch, each of the N equally likely.

    N, size: int, size at most N; generator: torch.Generator  ->  (size,) int64 in [0, N)

    The lecture draws with replacement: an example may come up twice.
    """
    ### BEGIN SOLUTION
    return torch.randint(0, N, (size,), generator=generator)
    ### END SOLUTION


def train_step(params, Xb, Yb, lr):
    """One step of gradient descent on a minibatch.

    params: [C, W1, b1, W2, b2], Xb: (B, block), Yb: (B,), lr: the learning rate
    ->  the loss before the step, a float

    The step uses the gradients of this minibatch alone, whatever was trained on before. It
    changes the given tensors themselves, outside of the graph: they stay leaves.
    """
    ### BEGIN SOLUTION
    loss = cross_entropy(forward(params, Xb), Yb)
    for p in params:
        p.grad = None
    loss.backward()
    with torch.no_grad():
        for p in params:
            p -= lr * p.grad
    return loss.item()
    ### END SOLUTION


def lr_candidates(low=-3, high=0, n=1000):
    """n learning rates from 10**low to 10**high, each the one before times the same number.

    low, high: exponents, n: int  ->  (n,)

    >>> lr_candidates(-2, 0, 5)
    tensor([0.0100, 0.0316, 0.1000, 0.3162, 1.0000])
    """
    ### BEGIN SOLUTION
    return 10 ** torch.linspace(low, high, n)
    ### END SOLUTION


def find_lr(params, X, Y, lrs, batch_size, generator):
    """Try rates: one train_step for each, on a fresh minibatch, on top of the steps before.

    X: (N, block), Y: (N,), lrs: (n,), in this order; generator: for the minibatches
    ->  losses (n,), each the loss before its step

    It is an experiment: in the end the caller's parameters hold what they held before.
    """
    ### BEGIN SOLUTION
    copies = [p.detach().clone().requires_grad_() for p in params]
    losses = []
    for lr in lrs:
        ix = minibatch(len(X), batch_size, generator)
        losses.append(train_step(copies, X[ix], Y[ix], lr))
    return torch.tensor(losses)
    ### END SOLUTION


def suggest_lr(lrs, losses, window):
    """The rate around which the loss, averaged over `window` neighbours, is smallest.

    lrs, losses: (n,) tensors, lrs rising; window: int, less than n  ->  float

    Means over the neighbours on both sides do, and so do means over those before. A mean that
    is NaN or infinite never wins, and near the ends only what is there counts.
    """
    ### BEGIN SOLUTION
    means = losses.unfold(0, window, 1).mean(1)
    means = torch.where(means.isfinite(), means, torch.inf)
    best = means.argmin() + window // 2
    return lrs[best].item()
    ### END SOLUTION


def lr_at(step, steps):
    """The lecture's schedule: 0.1, and 0.01 from the moment on when half of the steps are done.

    step: 0, 1 … steps - 1  ->  float

    >>> lr_at(0, 10), lr_at(4, 10), lr_at(5, 10)
    (0.1, 0.1, 0.01)
    """
    ### BEGIN SOLUTION
    return 0.1 if step < steps / 2 else 0.01
    ### END SOLUTION


# --------------------------------------------------------------------------- how good is it?


def evaluate(params, X, Y):
    """The loss over all examples, without a graph and without a step.

    X: (N, block), Y: (N,)  ->  float

    Whether gradients are recorded afterwards is as it was before.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        return cross_entropy(forward(params, X), Y).item()
    ### END SOLUTION


def perplexity(loss):
    """Among how many equally likely letters would one have to guess to have this loss?

    loss: float, a mean of -log (natural logarithm)  ->  float

    >>> round(perplexity(3.295836866), 4)
    27.0
    """
    ### BEGIN SOLUTION
    import math

    return math.exp(loss)
    ### END SOLUTION


def dead_neurons(h, limit=0.99):
    """Which tanh neurons are so far out that hardly any gradient comes through?

    h: (N, H), a hidden layer's outputs for N examples  ->  (share, dead): share (H,), the part
    of the examples for which abs(h) > limit; dead (H,) bool, where that is so for all of them

    >>> share, dead = dead_neurons(torch.tensor([[1.0, 0.2], [-1.0, 1.0]]))
    >>> share.tolist(), dead.tolist()
    ([1.0, 0.5], [True, False])
    """
    ### BEGIN SOLUTION
    far = h.abs() > limit
    return far.float().mean(0), far.all(0)
    ### END SOLUTION


def sample(params, itos, block, generator, max_len):
    """Let the network write a word, letter by letter, each drawn from its probabilities.

    itos: number to letter; block: the number of letters that the network reads; generator:
    torch.Generator on the CPU; max_len: the most letters  ->  str

    The context begins with zeros; each new letter enters on the right and the oldest leaves.
    The word ends before "." (which isn't part of it) or when it has max_len letters.
    """
    ### BEGIN SOLUTION
    word, context = "", [0] * block
    with torch.no_grad():
        while len(word) < max_len:
            logits = forward(params, torch.tensor([context], device=params[0].device))
            probs = torch.softmax(logits, 1).cpu()
            ix = torch.multinomial(probs, 1, generator=generator).item()
            if ix == 0:
                break
            word += itos[ix]
            context = [*context[1:], ix]
    return word
    ### END SOLUTION


def capacity(vocab, n_embd, block, n_hidden):
    """The number of parameters that init_params would make, by arithmetic.

    vocab, n_embd, block, n_hidden: int  ->  int
    """
    ### BEGIN SOLUTION
    hidden = block * n_embd * n_hidden + n_hidden
    output = n_hidden * vocab + vocab
    return vocab * n_embd + hidden + output
    ### END SOLUTION
