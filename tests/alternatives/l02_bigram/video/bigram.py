"""Someone who typed along with the video, and wrapped what was there into functions."""
import torch
import torch.nn.functional as F


def build_vocab(words):
    chars = sorted(list(set(''.join(words))))
    stoi = {s:i+1 for i,s in enumerate(chars)}
    stoi['.'] = 0
    itos = {i:s for s,i in stoi.items()}
    return stoi, itos


def bigram_counts_dict(words):
    b = {}
    for w in words:
        chs = ['.'] + list(w) + ['.']
        for ch1, ch2 in zip(chs, chs[1:]):
            bigram = (ch1, ch2)
            b[bigram] = b.get(bigram, 0) + 1
    return b


def count_bigrams(words, stoi):
    V = len(stoi)
    N = torch.zeros((V, V), dtype=torch.int32)
    for w in words:
        chs = ['.'] + list(w) + ['.']
        for ch1, ch2 in zip(chs, chs[1:]):
            ix1 = stoi[ch1]
            ix2 = stoi[ch2]
            N[ix1, ix2] += 1
    return N


def normalize_rows(N, smoothing=0):
    P = (N + smoothing).float()
    s = P.sum(1, keepdims=True)
    s[s == 0] = 1
    P /= s
    return P


def normalize_rows_(P):
    P /= P.sum(1, keepdims=True)
    return P


def broadcast_shape(a, b):
    # each dimension, from the right: equal, or one of them is 1, or one doesn't exist
    out = []
    for i in range(1, max(len(a), len(b)) + 1):
        da = a[-i] if i <= len(a) else 1
        db = b[-i] if i <= len(b) else 1
        if not (da == db or da == 1 or db == 1):
            raise ValueError('not broadcastable')
        out.append(max(da, db))
    return tuple(out[::-1])


def sample_word(P, itos, generator):
    out = []
    ix = 0
    while True:
        p = P[ix]
        ix = torch.multinomial(p, num_samples=1, replacement=True, generator=generator).item()
        out.append(itos[ix])
        if ix == 0:
            break
    return ''.join(out)[:-1]


def sample_words(P, itos, n, generator):
    out = []
    for i in range(n):
        out.append(sample_word(P, itos, generator))
    return out


def likelihood(P, word, stoi):
    prod = 1.0
    chs = ['.'] + list(word) + ['.']
    for ch1, ch2 in zip(chs, chs[1:]):
        prob = P[stoi[ch1], stoi[ch2]]
        prod *= prob
        print(f'{ch1}{ch2}: {prob:.4f}')
    return prod


def log_likelihood(P, word, stoi):
    log_likelihood = 0.0
    chs = ['.'] + list(word) + ['.']
    for ch1, ch2 in zip(chs, chs[1:]):
        prob = P[stoi[ch1], stoi[ch2]]
        logprob = torch.log(prob)
        log_likelihood += logprob
    return log_likelihood


def average_nll(P, words, stoi):
    log_likelihood = 0.0
    n = 0
    for w in words:
        chs = ['.'] + list(w) + ['.']
        for ch1, ch2 in zip(chs, chs[1:]):
            ix1 = stoi[ch1]
            ix2 = stoi[ch2]
            prob = P[ix1, ix2]
            logprob = torch.log(prob)
            log_likelihood += logprob
            n += 1
    nll = -log_likelihood
    return (nll/n).item()


def smooth(N, k=1):
    P = (N+k).float()
    P /= P.sum(1, keepdims=True)
    return P


def training_pairs(words, stoi):
    xs, ys = [], []
    for w in words:
        chs = ['.'] + list(w) + ['.']
        for ch1, ch2 in zip(chs, chs[1:]):
            xs.append(stoi[ch1])
            ys.append(stoi[ch2])
    xs = torch.tensor(xs)
    ys = torch.tensor(ys)
    return xs, ys


def tensor_dtype(data):
    return torch.tensor(data)


def one_hot_float(xs, num_classes):
    return F.one_hot(xs, num_classes=num_classes).float()


def init_weights(V, generator):
    W = torch.randn((V, V), generator=generator, requires_grad=True)
    return W


def softmax(logits):
    logits = logits - logits.max(1, keepdims=True).values
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdims=True)
    return probs


def forward(W, xs):
    xenc = F.one_hot(xs, num_classes=W.shape[0]).float()
    logits = xenc @ W # log-counts
    counts = logits.exp() # equivalent N
    probs = counts / counts.sum(1, keepdims=True)
    return probs


def nll_loss(probs, ys):
    num = ys.nelement()
    return -probs[torch.arange(num), ys].log().mean()


def regularized_loss(probs, ys, W, strength=0.01):
    return -probs[torch.arange(ys.nelement()), ys].log().mean() + strength*(W**2).mean()


def manual_grad(W, xs, ys):
    # the video's own xenc is float32, so float32 is what this takes
    V = W.shape[0]
    xenc = F.one_hot(xs, num_classes=V).float()
    yenc = F.one_hot(ys, num_classes=V).float()
    probs = forward(W, xs)
    return xenc.T @ ((probs - yenc) / xs.nelement())


def train(W, xs, ys, steps, lr):
    losses = []
    for k in range(steps):
        # forward pass
        probs = forward(W, xs)
        loss = nll_loss(probs, ys)
        losses.append(loss)
        # backward pass
        W.grad = None
        loss.backward()
        # update
        W.data += -lr * W.grad
    return losses


def equivalence(W):
    counts = W.exp()
    return counts / counts.sum(1, keepdims=True)
