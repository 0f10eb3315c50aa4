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
    N = torch.zeros((len(stoi), len(stoi)), dtype=torch.int32)
    for w in words:
        chs = ['.'] + list(w) + ['.']
        for ch1, ch2 in zip(chs, chs[1:]):
            N[stoi[ch1], stoi[ch2]] += 1
    return N

def normalize_rows(N, smoothing=0):
    P = (N + smoothing).float()
    s = P.sum(1, keepdim=True)
    P /= torch.where(s == 0, torch.ones_like(s), s)
    return P

def normalize_rows_(P):
    P /= P.sum(1, keepdim=True)
    return P

def broadcast_shape(a, b):
    out = []
    a, b = list(a), list(b)
    while len(a) < len(b): a = [1] + a
    while len(b) < len(a): b = [1] + b
    for x, y in zip(a, b):
        if x != y and x != 1 and y != 1:
            raise ValueError('does not broadcast')
        out.append(y if x == 1 else x)
    return tuple(out)

def sample_word(P, itos, generator):
    out = []
    ix = 0
    while True:
        p = P[ix]
        ix = torch.multinomial(p, num_samples=1, replacement=True, generator=generator).item()
        if ix == 0:
            break
        out.append(itos[ix])
    return ''.join(out)

def sample_words(P, itos, n, generator):
    return [sample_word(P, itos, generator) for i in range(n)]

def likelihood(P, word, stoi):
    p = 1.0
    chs = ['.'] + list(word) + ['.']
    for ch1, ch2 in zip(chs, chs[1:]):
        p *= P[stoi[ch1], stoi[ch2]]
    return p

def log_likelihood(P, word, stoi):
    log_likelihood = 0.0
    chs = ['.'] + list(word) + ['.']
    for ch1, ch2 in zip(chs, chs[1:]):
        prob = P[stoi[ch1], stoi[ch2]]
        logprob = torch.log(prob)
        log_likelihood += logprob
    return log_likelihood

def average_nll(P, words, stoi):
    ll = 0.0
    n = 0
    for w in words:
        ll += log_likelihood(P, w, stoi)
        n += len(w) + 1
    return (-ll/n).item()

def smooth(N, k=1):
    return normalize_rows(N, k)

def training_pairs(words, stoi):
    xs, ys = [], []
    for w in words:
        chs = ['.'] + list(w) + ['.']
        for ch1, ch2 in zip(chs, chs[1:]):
            xs.append(stoi[ch1])
            ys.append(stoi[ch2])
    return torch.tensor(xs), torch.tensor(ys)

def tensor_dtype(data):
    return torch.tensor(data)

def one_hot_float(xs, num_classes):
    return F.one_hot(xs, num_classes=num_classes).float()

def init_weights(V, generator):
    return torch.randn((V, V), generator=generator, requires_grad=True)

def softmax(logits):
    logits = logits - logits.max(1, keepdim=True).values
    counts = logits.exp()
    return counts / counts.sum(1, keepdims=True)

def forward(W, xs):
    xenc = F.one_hot(xs, num_classes=W.shape[0]).float()
    logits = xenc @ W
    return softmax(logits)

def nll_loss(probs, ys):
    return -probs[torch.arange(len(ys)), ys].log().mean()

def regularized_loss(probs, ys, W, strength=0.01):
    return -probs[torch.arange(len(ys)), ys].log().mean() + strength*(W**2).mean()

def manual_grad(W, xs, ys):
    probs = forward(W, xs)
    d = probs.clone()
    d[torch.arange(len(ys)), ys] -= 1
    d /= len(ys)
    return F.one_hot(xs, num_classes=W.shape[0]).float().T @ d

def train(W, xs, ys, steps, lr):
    losses = []
    for k in range(steps):
        probs = forward(W, xs)
        loss = nll_loss(probs, ys)
        losses.append(loss.item())
        W.grad = None
        loss.backward()
        W.data += -lr * W.grad
    return losses

def equivalence(W):
    return softmax(W)
