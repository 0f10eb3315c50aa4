"""Someone who avoids loops: text as bytes, bincount, fancy indexing, flat views, in-place calls."""
import torch
import torch.nn.functional as F


def build_vocab(words):
    alphabet = ["."] + sorted(set().union(*words))
    return dict(zip(alphabet, range(len(alphabet)))), dict(enumerate(alphabet))


def encode(words, stoi):
    # .emma.olivia. : one dot between words serves both
    text = "." + ".".join(words) + "." if words else "."
    return torch.tensor([stoi[c] for c in text])


def bigram_counts_dict(words):
    text = "." + ".".join(words) + "."
    found = list(zip(text, text[1:]))
    return {pair: found.count(pair) for pair in set(found)}


def count_bigrams(words, stoi):
    V = len(stoi)
    codes = encode(words, stoi)
    return torch.bincount(codes[:-1] * V + codes[1:], minlength=V * V).view(V, V)


def normalize_rows(N, smoothing=0):
    P = (N + smoothing).float()
    return torch.nan_to_num(P / P.sum(dim=1, keepdim=True))


def normalize_rows_(P):
    return P.div_(P.sum(1).unsqueeze(1))


def broadcast_shape(a, b):
    try:
        return torch.broadcast_shapes(a, b)
    except RuntimeError as e:
        raise ValueError(str(e)) from None


def sample_word(P, itos, generator):
    cdf = P.cumsum(1)
    cdf = cdf / cdf[:, -1:]
    ix, out = 0, []
    while True:
        u = torch.rand(1, generator=generator)
        ix = int(torch.searchsorted(cdf[ix].contiguous(), u, right=True))
        if ix == 0:
            return "".join(out)
        out.append(itos[ix])


def sample_words(P, itos, n, generator):
    return tuple(sample_word(P, itos, generator) for _ in range(n))


def probabilities(P, word, stoi):
    codes = encode([word], stoi).to(P.device)
    return P[codes[:-1], codes[1:]]


def likelihood(P, word, stoi):
    return probabilities(P, word, stoi).prod()


def log_likelihood(P, word, stoi):
    return probabilities(P, word, stoi).log().sum()


def average_nll(P, words, stoi):
    codes = encode(words, stoi).to(P.device)
    return -P[codes[:-1], codes[1:]].log().mean()


def smooth(N, k=1):
    P = N + k
    return P / P.sum(1, keepdim=True)


def training_pairs(words, stoi):
    codes = encode(words, stoi)
    return codes[:-1], codes[1:]


def tensor_dtype(data):
    return torch.as_tensor(data, dtype=torch.long)


def one_hot_float(xs, num_classes):
    return torch.eye(num_classes, device=xs.device)[xs]


def init_weights(V, generator):
    return torch.empty(V, V).normal_(generator=generator).requires_grad_()


def softmax(logits):
    # by way of the logarithm
    return (logits - logits.logsumexp(1, keepdim=True)).exp()


def forward(W, xs):
    return softmax(W).index_select(0, xs)


def nll_loss(probs, ys):
    return F.nll_loss(probs.log(), ys)


def regularized_loss(probs, ys, W, strength=0.01):
    return nll_loss(probs, ys) + strength * W.pow(2).mean()


def manual_grad(W, xs, ys):
    V, K = len(W), len(xs)
    N = torch.bincount(xs * V + ys, minlength=V * V).view(V, V).to(W.dtype)
    return (N.sum(1, keepdim=True) * softmax(W) - N) / K


def train(W, xs, ys, steps, lr):
    optimizer = torch.optim.SGD([W], lr=lr)
    losses = torch.empty(steps)
    for step in range(steps):
        loss = F.cross_entropy(W[xs], ys)
        losses[step] = loss.detach()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses.tolist()


def equivalence(W):
    return W.softmax(1)
