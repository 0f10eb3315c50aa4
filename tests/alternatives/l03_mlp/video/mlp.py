"""The video's lines, in functions; list parameters, .data updates, F.cross_entropy where allowed."""
import random

import torch
import torch.nn.functional as F

block = 3


def build_vocab(words):
    chars = sorted(list(set(''.join(words))))
    stoi = {s:i+1 for i,s in enumerate(chars)}
    stoi['.'] = 0
    itos = {i:s for s,i in stoi.items()}
    return stoi, itos


def build_dataset(words, stoi, block_size=3):
    X, Y = [], []
    for w in words:
        context = [0] * block_size
        for ch in w + '.':
            ix = stoi[ch]
            X.append(context)
            Y.append(ix)
            context = context[1:] + [ix]
    X = torch.tensor(X, dtype=torch.long).reshape(len(X), block_size)
    Y = torch.tensor(Y, dtype=torch.long)
    print(X.shape, Y.shape)
    return X, Y


def split_words(words, seed=42):
    words = words[:]
    random.seed(seed)
    random.shuffle(words)
    n1 = int(0.8*len(words))
    n2 = int(0.9*len(words))
    return words[:n1], words[n1:n2], words[n2:]


def embed(C, X):
    emb = C[X]
    return emb


def concat(emb):
    if not emb.is_contiguous():
        emb = emb.contiguous()
    return emb.view(emb.shape[0], emb.shape[1] * emb.shape[2])


def describe_view(shape, stride):
    t = torch.empty_strided(shape, stride)
    try:
        t.view(-1)
        return True
    except RuntimeError:
        return False


def init_params(vocab, n_embd, block, n_hidden, generator):
    g = generator
    C  = torch.randn((vocab, n_embd),            generator=g)
    W1 = torch.randn((n_embd * block, n_hidden), generator=g)
    b1 = torch.randn(n_hidden,                   generator=g)
    W2 = torch.randn((n_hidden, vocab),          generator=g)
    b2 = torch.randn(vocab,                      generator=g)
    parameters = [C, W1, b1, W2, b2]
    for p in parameters:
        p.requires_grad = True
    return parameters


def forward(params, X):
    C, W1, b1, W2, b2 = params
    emb = C[X] # (N, block, E)
    h = torch.tanh(emb.view(emb.shape[0], -1) @ W1 + b1)
    logits = h @ W2 + b2
    return logits


def cross_entropy(logits, Y):
    logits = logits - logits.max(1, keepdim=True)[0]
    counts = logits.exp()
    logsum = counts.sum(1, keepdim=True).log()
    logprobs = logits - logsum
    return -logprobs[torch.arange(Y.shape[0]), Y].mean()


def minibatch(N, size, generator):
    return torch.randint(0, N, (size,), generator=generator)


def train_step(params, Xb, Yb, lr):
    logits = forward(params, Xb)
    loss = F.cross_entropy(logits, Yb)
    for p in params:
        p.grad = None
    loss.backward()
    for p in params:
        p.data += -lr * p.grad
    return loss.item()


def lr_candidates(low=-3, high=0, n=1000):
    lre = torch.linspace(low, high, n)
    lrs = 10**lre
    return lrs


def find_lr(params, X, Y, lrs, batch_size, generator):
    saved = [p.data.clone() for p in params]
    lossi = []
    for i in range(len(lrs)):
        ix = minibatch(X.shape[0], batch_size, generator)
        lr = lrs[i]
        lossi.append(train_step(params, X[ix], Y[ix], lr))
    for p, s in zip(params, saved):
        p.data = s
    return lossi


def suggest_lr(lrs, losses, window):
    best, where = float('inf'), None
    for i in range(len(losses)):
        lo = max(0, i - window + 1)
        m = losses[lo:i+1].mean().item()
        if i - lo + 1 == window and m < best:
            best, where = m, i
    return lrs[where].item()


def lr_at(step, steps):
    return 0.1 if step < steps // 2 else 0.01


@torch.no_grad()
def evaluate(params, X, Y):
    emb = params[0][X]
    h = torch.tanh(emb.view(emb.shape[0], -1) @ params[1] + params[2])
    logits = h @ params[3] + params[4]
    return F.cross_entropy(logits, Y).item()


def perplexity(loss):
    return torch.tensor(loss).exp().item()


def dead_neurons(h, limit=0.99):
    m = h.abs() > limit
    return m.float().mean(0), m.all(dim=0)


def sample(params, itos, block, generator, max_len):
    out = []
    context = [0] * block
    while True:
        logits = forward(params, torch.tensor([context]))
        probs = F.softmax(logits, dim=1)
        ix = torch.multinomial(probs, num_samples=1, generator=generator).item()
        context = context[1:] + [ix]
        if ix == 0 or len(out) == max_len:
            break
        out.append(ix)
    return ''.join(itos[i] for i in out)


def capacity(vocab, n_embd, block, n_hidden):
    return sum([vocab*n_embd, block*n_embd*n_hidden, n_hidden, n_hidden*vocab, vocab])
