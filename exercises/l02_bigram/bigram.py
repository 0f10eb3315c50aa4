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
    raise NotImplementedError("build_vocab")


def bigram_counts_dict(words):
    """How often each pair of letters occurs, the "." at both ends counted.

    words: list of str  ->  dict (first, second) -> int, only pairs that occur

    >>> bigram_counts_dict(["aa", "a"])
    {('.', 'a'): 2, ('a', 'a'): 1, ('a', '.'): 2}
    """
    raise NotImplementedError("bigram_counts_dict")


def count_bigrams(words, stoi):
    """The same counts as a table: the row is the first letter, the column the second.

    words: list of str; stoi: dict letter -> number  ->  N, (V, V) int64 (int32 is fine, too)

    V is the number of letters in stoi, whether they occur or not. A letter that stoi doesn't
    have is a KeyError; no words at all give zeros.

    >>> count_bigrams(["aa", "a"], {".": 0, "a": 1})
    tensor([[0, 2],
            [2, 1]])
    """
    raise NotImplementedError("count_bigrams")


def normalize_rows(N, smoothing=0):
    """Turn counts into probabilities. `smoothing` is added to each count before that.

    N: (V, V) int64 or int32 counts, left as they are  ->  P, (V, V) float32

    Every row of P sums to 1. A row without any counts becomes zeros, not NaN.

    >>> normalize_rows(torch.tensor([[1, 3], [2, 2]]))
    tensor([[0.2500, 0.7500],
            [0.5000, 0.5000]])
    """
    raise NotImplementedError("normalize_rows")


def normalize_rows_(P):
    """Divide every row by its sum, in place: no second table is made. Returns P itself.

    P: (V, V) float, no row of which sums to 0  ->  P

    >>> P = torch.tensor([[1.0, 3.0], [2.0, 2.0]])
    >>> normalize_rows_(P).data_ptr() == P.data_ptr()
    True
    """
    raise NotImplementedError("normalize_rows_")


def broadcast_shape(a, b):
    """The shape of x + y when x has shape a and y has shape b, by the rules, not by trying.

    a, b: tuples of int, of equal length or not  ->  tuple of int

    Shapes that don't fit are a ValueError.

    >>> broadcast_shape((27, 27), (27, 1)), broadcast_shape((27, 27), (27,))
    ((27, 27), (27, 27))
    """
    raise NotImplementedError("broadcast_shape")


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
    raise NotImplementedError("sample_word")


def sample_words(P, itos, n, generator):
    """n new words, one after the other from the same generator: list of str."""
    raise NotImplementedError("sample_words")


# ---------------------------------------------------------------------- how good is a model


def likelihood(P, word, stoi):
    """How likely P finds a word: the product of the probabilities of its pairs, both ends too.

    P: (V, V) float; word: str; stoi: dict letter -> number  ->  number

    >>> likelihood(torch.tensor([[0.5, 0.5], [0.75, 0.25]]), "aa", {".": 0, "a": 1})
    0.09375
    """
    raise NotImplementedError("likelihood")


def log_likelihood(P, word, stoi):
    """The natural logarithm of the likelihood, as the sum of the logarithms of the pairs.

    P: (V, V) float; word: str; stoi: dict letter -> number  ->  number

    A product of hundreds of small numbers is 0 on a computer; their sum stays a number.

    >>> P = torch.tensor([[0.5, 0.5], [0.75, 0.25]])
    >>> round(log_likelihood(P, "aa", {".": 0, "a": 1}), 4)
    -2.3671
    """
    raise NotImplementedError("log_likelihood")


def average_nll(P, words, stoi):
    """The loss: the mean of -log P over all pairs of all words. Lower is better.

    P: (V, V) float; words: list of str; stoi: dict letter -> number  ->  float

    A pair that P thinks impossible makes it inf; that is no error.

    >>> P = torch.tensor([[0.5, 0.5], [0.75, 0.25]])
    >>> round(average_nll(P, ["aa", "a"], {".": 0, "a": 1}), 4)
    0.6696
    """
    raise NotImplementedError("average_nll")


def smooth(N, k=1):
    """Probabilities that are never 0: act as if each pair had been seen k more times.

    N: (V, V) int counts, left as they are; k: a positive int or float  ->  P, (V, V) float32

    >>> smooth(torch.tensor([[0, 2], [1, 0]]))
    tensor([[0.2500, 0.7500],
            [0.6667, 0.3333]])
    """
    raise NotImplementedError("smooth")


# ------------------------------------------------------------------- the network: its data


def training_pairs(words, stoi):
    """The pairs of all words, in order: what the network sees, and what it should say.

    words: list of str; stoi: dict letter -> number  ->  xs, ys, both (K,) int64

    >>> training_pairs(["aa"], {".": 0, "a": 1})
    (tensor([0, 1, 1]), tensor([1, 1, 0]))
    """
    raise NotImplementedError("training_pairs")


def tensor_dtype(data):
    """A tensor of whole numbers, exactly as given, of dtype int64.

    data: list of int, or list of such lists  ->  int64 tensor

    >>> tensor_dtype([3, 16777217])
    tensor([       3, 16777217])
    """
    raise NotImplementedError("tensor_dtype")


def one_hot_float(xs, num_classes):
    """A row for each number: 1.0 in that place, 0.0 elsewhere; float32, as a layer wants it.

    xs: (K,) int64; num_classes: int  ->  (K, num_classes) float32

    >>> one_hot_float(torch.tensor([2, 0]), 4)
    tensor([[0., 0., 1., 0.],
            [1., 0., 0., 0.]])
    """
    raise NotImplementedError("one_hot_float")


# ------------------------------------------------------------------------ the network itself


def init_weights(V, generator):
    """First weights: (V, V), drawn from a normal distribution (mean 0, deviation 1).

    V: int; generator: torch.Generator, the only source of chance  ->  (V, V) float32, a leaf
    that requires its gradient

    >>> W = init_weights(3, torch.Generator().manual_seed(2147483647))
    >>> W.shape, W.requires_grad, W.is_leaf
    (torch.Size([3, 3]), True, True)
    """
    raise NotImplementedError("init_weights")


def softmax(logits):
    """Each row as probabilities: e to the power of each number, divided by the row's sum.

    logits: (K, V) float  ->  (K, V) of the same dtype, rows sum to 1

    Large numbers of either sign (10,000, in any row) give probabilities, not NaN.

    >>> softmax(torch.tensor([[0.0, 0.0], [1000.0, 0.0]]))
    tensor([[0.5000, 0.5000],
            [1.0000, 0.0000]])
    """
    raise NotImplementedError("softmax")


def forward(W, xs):
    """What the network says: for each letter in xs, how likely each letter is to follow.

    W: (V, V) float; xs: (K,) int64  ->  probs, (K, V), softmax of one_hot(xs) @ W

    >>> forward(torch.tensor([[0.0, 0.0], [9.0, 0.0]]), torch.tensor([1, 0, 0]))
    tensor([[9.9988e-01, 1.2339e-04],
            [5.0000e-01, 5.0000e-01],
            [5.0000e-01, 5.0000e-01]])
    """
    raise NotImplementedError("forward")


def nll_loss(probs, ys):
    """The mean of -log of the probability that each right answer got.

    probs: (K, V) float; ys: (K,) int64  ->  number, a 0-d tensor that can go backward

    >>> nll_loss(torch.tensor([[0.5, 0.5], [0.25, 0.75]]), torch.tensor([1, 0]))
    tensor(1.0397)
    """
    raise NotImplementedError("nll_loss")


def regularized_loss(probs, ys, W, strength=0.01):
    """nll_loss plus a price for large weights: strength times the mean of their squares.

    probs: (K, V) float; ys: (K,) int64; W: (V, V) float; strength: number  ->  number

    >>> probs, ys = torch.tensor([[0.5, 0.5], [0.25, 0.75]]), torch.tensor([1, 0])
    >>> regularized_loss(probs, ys, torch.tensor([[2.0, 0.0], [0.0, 0.0]]), strength=0.5)
    tensor(1.5397)
    """
    raise NotImplementedError("regularized_loss")


def manual_grad(W, xs, ys):
    """The gradient of nll_loss(forward(W, xs), ys) by W, without autograd.

    W: (V, V) float, left as it is; xs, ys: (K,) int64  ->  (V, V) of W's dtype

    For one pair it is (p - y) / K in the row of x, where p are the probabilities and y is 1
    at the right answer, else 0. Pairs with the same x add up.

    >>> manual_grad(torch.zeros(2, 2), torch.tensor([1, 1]), torch.tensor([0, 0]))
    tensor([[ 0.0000,  0.0000],
            [-0.5000,  0.5000]])
    """
    raise NotImplementedError("manual_grad")


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
    raise NotImplementedError("train")


def equivalence(W):
    """The table that the network has learnt: row i says what follows letter i.

    W: (V, V) float  ->  (V, V), rows sum to 1; after training it is near the counted P

    >>> equivalence(torch.tensor([[0.0, 0.0], [0.0, 1.0]]))
    tensor([[0.5000, 0.5000],
            [0.2689, 0.7311]])
    """
    raise NotImplementedError("equivalence")
