"""A language model of letter pairs, made twice: by counting, and by a network of one layer.

Both look at one letter and say how likely each letter is to follow. "." stands before the
first letter of a word and behind its last: `.emma.` has the pairs .e em mm ma a.
V is the number of letters, "." among them; K is the number of pairs in all words.
"""

from itertools import pairwise

import torch

# ------------------------------------------------------------------------------- counting


def build_vocab(words):
    """The letters that occur, numbered in alphabetical order from 1; "." is 0.

    words: list of str  ->  stoi (dict letter -> number), itos (dict number -> letter)

    >>> build_vocab(["bob", "al"])
    ({'a': 1, 'b': 2, 'l': 3, 'o': 4, '.': 0}, {1: 'a', 2: 'b', 3: 'l', 4: 'o', 0: '.'})
    """
    ### BEGIN SOLUTION
    letters = sorted(set("".join(words)))
    stoi = {letter: i for i, letter in enumerate(letters, start=1)}
    stoi["."] = 0
    itos = {i: letter for letter, i in stoi.items()}
    return stoi, itos
    ### END SOLUTION


def bigram_counts_dict(words):
    """How often each pair of letters occurs, the "." at both ends counted.

    words: list of str  ->  dict (first, second) -> int, only pairs that occur

    >>> bigram_counts_dict(["aa", "a"])
    {('.', 'a'): 2, ('a', 'a'): 1, ('a', '.'): 2}
    """
    ### BEGIN SOLUTION
    b = {}
    for word in words:
        chs = [".", *word, "."]
        for pair in pairwise(chs):
            b[pair] = b.get(pair, 0) + 1
    return b
    ### END SOLUTION


def count_bigrams(words, stoi):
    """The same counts as a table: the row is the first letter, the column the second.

    words: list of str; stoi: dict letter -> number  ->  N, (V, V) int64 (int32 is fine, too)

    V is the number of letters in stoi, whether they occur or not. A letter that stoi doesn't
    have is a KeyError; no words at all give zeros.

    >>> count_bigrams(["aa", "a"], {".": 0, "a": 1})
    tensor([[0, 2],
            [2, 1]])
    """
    ### BEGIN SOLUTION
    N = torch.zeros((len(stoi), len(stoi)), dtype=torch.int64)
    for word in words:
        numbers = [stoi[letter] for letter in f".{word}."]
        for ix1, ix2 in pairwise(numbers):
            N[ix1, ix2] += 1
    return N
    ### END SOLUTION


def normalize_rows(N, smoothing=0):
    """Turn counts into probabilities. `smoothing` is added to each count before that.

    N: (V, V) int64 or int32 counts, left as they are  ->  P, (V, V) float32

    Every row of P sums to 1. A row without any counts becomes zeros, not NaN.

    >>> normalize_rows(torch.tensor([[1, 3], [2, 2]]))
    tensor([[0.2500, 0.7500],
            [0.5000, 0.5000]])
    """
    ### BEGIN SOLUTION
    P = N.float() + smoothing
    total = P.sum(1, keepdim=True)
    return P / torch.where(total == 0, 1.0, total)
    ### END SOLUTION


def normalize_rows_(P):
    """Divide every row by its sum, in place: no second table is made. Returns P itself.

    P: (V, V) float, no row of which sums to 0  ->  P

    >>> P = torch.tensor([[1.0, 3.0], [2.0, 2.0]])
    >>> normalize_rows_(P).data_ptr() == P.data_ptr()
    True
    """
    ### BEGIN SOLUTION
    P /= P.sum(1, keepdim=True)
    return P
    ### END SOLUTION


def broadcast_shape(a, b):
    """The shape of x + y when x has shape a and y has shape b, by the rules, not by trying.

    a, b: tuples of int, of equal length or not  ->  tuple of int

    Shapes that don't fit are a ValueError.

    >>> broadcast_shape((27, 27), (27, 1)), broadcast_shape((27, 27), (27,))
    ((27, 27), (27, 27))
    """
    ### BEGIN SOLUTION
    longest = max(len(a), len(b))
    a, b = ((1,) * (longest - len(shape)) + tuple(shape) for shape in (a, b))
    out = []
    for x, y in zip(a, b):
        if x != y and 1 not in (x, y):
            raise ValueError(f"{x} and {y} don't fit together")
        out.append(y if x == 1 else x)
    return tuple(out)
    ### END SOLUTION


# ------------------------------------------------------------------------------- sampling


def sample_word(P, itos, generator):
    """A new word, letter by letter: each is drawn from the row of the one before it.

    P: (V, V) float, rows sum to 1; itos: dict number -> letter; generator: torch.Generator,
    the only source of chance, on P's device  ->  str without "."

    It begins in row 0, the row of ".", and ends when "." is drawn.

    >>> P = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    >>> sample_word(P, {0: ".", 1: "h", 2: "i"}, torch.Generator().manual_seed(2147483647))
    'hi'
    """
    ### BEGIN SOLUTION
    ix, out = 0, []
    while True:
        ix = torch.multinomial(P[ix], 1, replacement=True, generator=generator).item()
        if ix == 0:
            return "".join(out)
        out.append(itos[ix])
    ### END SOLUTION


def sample_words(P, itos, n, generator):
    """n new words, one after the other from the same generator: list of str."""
    ### BEGIN SOLUTION
    return [sample_word(P, itos, generator) for _ in range(n)]
    ### END SOLUTION


# ---------------------------------------------------------------------- how good is a model


def likelihood(P, word, stoi):
    """How likely P finds a word: the product of the probabilities of its pairs, both ends too.

    P: (V, V) float; word: str; stoi: dict letter -> number  ->  number

    >>> likelihood(torch.tensor([[0.5, 0.5], [0.75, 0.25]]), "aa", {".": 0, "a": 1})
    0.09375
    """
    ### BEGIN SOLUTION
    product = 1.0
    chs = "." + word + "."
    for ch1, ch2 in pairwise(chs):
        product *= P[stoi[ch1], stoi[ch2]].item()
    return product
    ### END SOLUTION


def log_likelihood(P, word, stoi):
    """The natural logarithm of the likelihood, as the sum of the logarithms of the pairs.

    P: (V, V) float; word: str; stoi: dict letter -> number  ->  number

    A product of hundreds of small numbers is 0 on a computer; their sum stays a number.

    >>> P = torch.tensor([[0.5, 0.5], [0.75, 0.25]])
    >>> round(log_likelihood(P, "aa", {".": 0, "a": 1}), 4)
    -2.3671
    """
    ### BEGIN SOLUTION
    log_P, total = P.log(), 0.0
    letters = "." + word + "."
    for ch1, ch2 in pairwise(letters):
        total += log_P[stoi[ch1], stoi[ch2]].item()
    return total
    ### END SOLUTION


def average_nll(P, words, stoi):
    """The loss: the mean of -log P over all pairs of all words. Lower is better.

    P: (V, V) float; words: list of str; stoi: dict letter -> number  ->  float

    A pair that P thinks impossible makes it inf; that is no error.

    >>> P = torch.tensor([[0.5, 0.5], [0.75, 0.25]])
    >>> round(average_nll(P, ["aa", "a"], {".": 0, "a": 1}), 4)
    0.6696
    """
    ### BEGIN SOLUTION
    nll, n = 0.0, 0
    for word in words:
        ixs = [stoi[letter] for letter in "." + word + "."]
        for ix1, ix2 in pairwise(ixs):
            logprob = torch.log(P[ix1, ix2])
            nll += -logprob.item()
            n += 1
    return nll / n
    ### END SOLUTION


def smooth(N, k=1):
    """Probabilities that are never 0: act as if each pair had been seen k more times.

    N: (V, V) int counts, left as they are; k: a positive int or float  ->  P, (V, V) float32

    >>> smooth(torch.tensor([[0, 2], [1, 0]]))
    tensor([[0.2500, 0.7500],
            [0.6667, 0.3333]])
    """
    ### BEGIN SOLUTION
    return normalize_rows(N, smoothing=k)
    ### END SOLUTION


# ------------------------------------------------------------------- the network: its data


def training_pairs(words, stoi):
    """The pairs of all words, in order: what the network sees, and what it should say.

    words: list of str; stoi: dict letter -> number  ->  xs, ys, both (K,) int64

    >>> training_pairs(["aa"], {".": 0, "a": 1})
    (tensor([0, 1, 1]), tensor([1, 1, 0]))
    """
    ### BEGIN SOLUTION
    xs, ys = [], []
    for word in words:
        codes = [stoi[letter] for letter in [".", *word, "."]]
        xs += codes[:-1]
        ys += codes[1:]
    return torch.tensor(xs, dtype=torch.int64), torch.tensor(ys, dtype=torch.int64)
    ### END SOLUTION


def tensor_dtype(data):
    """A tensor of whole numbers, exactly as given, of dtype int64.

    data: list of int, or list of such lists  ->  int64 tensor

    >>> tensor_dtype([3, 16777217])
    tensor([       3, 16777217])
    """
    ### BEGIN SOLUTION
    return torch.tensor(data)
    ### END SOLUTION


def one_hot_float(xs, num_classes):
    """A row for each number: 1.0 in that place, 0.0 elsewhere; float32, as a layer wants it.

    xs: (K,) int64; num_classes: int  ->  (K, num_classes) float32

    >>> one_hot_float(torch.tensor([2, 0]), 4)
    tensor([[0., 0., 1., 0.],
            [1., 0., 0., 0.]])
    """
    ### BEGIN SOLUTION
    return torch.nn.functional.one_hot(xs, num_classes).float()
    ### END SOLUTION


# ------------------------------------------------------------------------ the network itself


def init_weights(V, generator):
    """First weights: (V, V), drawn from a normal distribution (mean 0, deviation 1).

    V: int; generator: torch.Generator, the only source of chance  ->  (V, V) float32, a leaf
    that requires its gradient

    >>> W = init_weights(3, torch.Generator().manual_seed(2147483647))
    >>> W.shape, W.requires_grad, W.is_leaf
    (torch.Size([3, 3]), True, True)
    """
    ### BEGIN SOLUTION
    return torch.randn((V, V), generator=generator, requires_grad=True)
    ### END SOLUTION


def softmax(logits):
    """Each row as probabilities: e to the power of each number, divided by the row's sum.

    logits: (K, V) float  ->  (K, V) of the same dtype, rows sum to 1

    Large numbers of either sign (10,000, in any row) give probabilities, not NaN.

    >>> softmax(torch.tensor([[0.0, 0.0], [1000.0, 0.0]]))
    tensor([[0.5000, 0.5000],
            [1.0000, 0.0000]])
    """
    ### BEGIN SOLUTION
    counts = (logits - logits.max(1, keepdim=True).values).exp()
    return counts / counts.sum(1, keepdim=True)
    ### END SOLUTION


def forward(W, xs):
    """What the network says: for each letter in xs, how likely each letter is to follow.

    W: (V, V) float; xs: (K,) int64  ->  probs, (K, V), softmax of one_hot(xs) @ W

    >>> forward(torch.tensor([[0.0, 0.0], [9.0, 0.0]]), torch.tensor([1, 0, 0]))
    tensor([[9.9988e-01, 1.2339e-04],
            [5.0000e-01, 5.0000e-01],
            [5.0000e-01, 5.0000e-01]])
    """
    ### BEGIN SOLUTION
    logits = W[xs]  # (K, V): what one_hot(xs) @ W picks
    return softmax(logits)
    ### END SOLUTION


def nll_loss(probs, ys):
    """The mean of -log of the probability that each right answer got.

    probs: (K, V) float; ys: (K,) int64  ->  number, a 0-d tensor that can go backward

    >>> nll_loss(torch.tensor([[0.5, 0.5], [0.25, 0.75]]), torch.tensor([1, 0]))
    tensor(1.0397)
    """
    ### BEGIN SOLUTION
    K = ys.shape[0]
    picked = probs[torch.arange(K, device=ys.device), ys]
    return -picked.log().mean()
    ### END SOLUTION


def regularized_loss(probs, ys, W, strength=0.01):
    """nll_loss plus a price for large weights: strength times the mean of their squares.

    probs: (K, V) float; ys: (K,) int64; W: (V, V) float; strength: number  ->  number

    >>> probs, ys = torch.tensor([[0.5, 0.5], [0.25, 0.75]]), torch.tensor([1, 0])
    >>> regularized_loss(probs, ys, torch.tensor([[2.0, 0.0], [0.0, 0.0]]), strength=0.5)
    tensor(1.5397)
    """
    ### BEGIN SOLUTION
    price = strength * (W**2).mean()
    return nll_loss(probs, ys) + price
    ### END SOLUTION


def manual_grad(W, xs, ys):
    """The gradient of nll_loss(forward(W, xs), ys) by W, without autograd.

    W: (V, V) float, left as it is; xs, ys: (K,) int64  ->  (V, V) of W's dtype

    For one pair it is (p - y) / K in the row of x, where p are the probabilities and y is 1
    at the right answer, else 0. Pairs with the same x add up.

    >>> manual_grad(torch.zeros(2, 2), torch.tensor([1, 1]), torch.tensor([0, 0]))
    tensor([[ 0.0000,  0.0000],
            [-0.5000,  0.5000]])
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        K = xs.shape[0]
        dlogits = forward(W, xs)
        dlogits[torch.arange(K, device=W.device), ys] -= 1.0
        dlogits /= K
        dW = torch.zeros_like(W)
        dW.index_add_(0, xs, dlogits)
        return dW
    ### END SOLUTION


def train(W, xs, ys, steps, lr):
    """Gradient descent on nll_loss(forward(W, xs), ys); W itself is changed and stays a leaf.

    W: (V, V) float leaf that requires its gradient; xs, ys: (K,) int64; steps: int;
    lr: number  ->  losses, list of `steps` numbers

    One step: forward, the loss (which goes into the list), gradients cleared, backward,
    W moved against its gradient by lr.

    >>> W = torch.zeros(2, 2, requires_grad=True)
    >>> losses = train(W, torch.tensor([0, 1]), torch.tensor([1, 0]), 2, 1.0)
    >>> [round(float(loss), 4) for loss in losses], W.is_leaf
    ([0.6931, 0.4741], True)
    """
    ### BEGIN SOLUTION
    losses = []
    for _ in range(steps):
        loss = nll_loss(forward(W, xs), ys)
        losses.append(loss.item())
        W.grad = None
        loss.backward()
        with torch.no_grad():
            W -= lr * W.grad
    return losses
    ### END SOLUTION


def equivalence(W):
    """The table that the network has learnt: row i says what follows letter i.

    W: (V, V) float  ->  (V, V), rows sum to 1; after training it is near the counted P

    >>> equivalence(torch.tensor([[0.0, 0.0], [0.0, 1.0]]))
    tensor([[0.5000, 0.5000],
            [0.2689, 0.7311]])
    """
    ### BEGIN SOLUTION
    return softmax(W.detach())
    ### END SOLUTION
