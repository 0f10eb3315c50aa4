"""Someone who trusts loops: every number is visited by hand, tensors are filled entry by entry."""
import math
import torch


def build_vocab(words):
    letters = []
    for w in words:
        for c in w:
            if c not in letters:
                letters.append(c)
    letters.sort()
    stoi, itos = {".": 0}, {0: "."}
    number = 1
    for c in letters:
        stoi[c] = number
        itos[number] = c
        number += 1
    return stoi, itos


def pairs_of(w):
    previous = "."
    out = []
    for c in w:
        out.append((previous, c))
        previous = c
    out.append((previous, "."))
    return out


def bigram_counts_dict(words):
    counts = {}
    for w in words:
        for pair in pairs_of(w):
            if pair in counts:
                counts[pair] += 1
            else:
                counts[pair] = 1
    return counts


def count_bigrams(words, stoi):
    V = len(stoi)
    rows = []
    for i in range(V):
        rows.append([0] * V)
    for w in words:
        for a, b in pairs_of(w):
            rows[stoi[a]][stoi[b]] += 1
    return torch.tensor(rows)


def normalize_rows(N, smoothing=0):
    V = N.shape[0]
    P = torch.zeros(V, V, device=N.device)
    for i in range(V):
        total = 0.0
        for j in range(V):
            total += N[i, j].item() + smoothing
        for j in range(V):
            if total > 0:
                P[i, j] = (N[i, j].item() + smoothing) / total
    return P


def normalize_rows_(P):
    for i in range(len(P)):
        total = sum(p.item() for p in P[i])
        for j in range(len(P)):
            P[i, j] = P[i, j] / total
    return P


def broadcast_shape(a, b):
    a, b = list(a), list(b)
    out = []
    while a or b:
        x = a.pop() if a else 1
        y = b.pop() if b else 1
        if x == y:
            out.insert(0, x)
        elif x == 1:
            out.insert(0, y)
        elif y == 1:
            out.insert(0, x)
        else:
            raise ValueError(f"can't broadcast {x} with {y}")
    return tuple(out)


def sample_word(P, itos, generator):
    # walk along the row until the random number is used up
    word = ""
    row = 0
    while True:
        u = torch.rand(1, generator=generator).item()
        chosen, upto = len(P) - 1, 0.0
        while P[row][chosen].item() == 0:
            chosen -= 1
        for j in range(len(P)):
            upto += P[row][j].item()
            if u < upto:
                chosen = j
                break
        if chosen == 0:
            return word
        word += itos[chosen]
        row = chosen


def sample_words(P, itos, n, generator):
    words = []
    while len(words) < n:
        words.append(sample_word(P, itos, generator))
    return words


def likelihood(P, word, stoi):
    result = 1.0
    for a, b in pairs_of(word):
        result = result * float(P[stoi[a]][stoi[b]])
    return result


def log_likelihood(P, word, stoi):
    result = 0.0
    for a, b in pairs_of(word):
        result = result + math.log(float(P[stoi[a]][stoi[b]]))
    return result


def average_nll(P, words, stoi):
    total, n = 0.0, 0
    for w in words:
        for a, b in pairs_of(w):
            p = float(P[stoi[a]][stoi[b]])
            total -= math.log(p) if p > 0 else -math.inf
            n += 1
    return total / n


def smooth(N, k=1):
    return normalize_rows(N, k)


def training_pairs(words, stoi):
    xs, ys = [], []
    for w in words:
        for a, b in pairs_of(w):
            xs.append(stoi[a])
            ys.append(stoi[b])
    return torch.tensor(xs), torch.tensor(ys)


def tensor_dtype(data):
    return torch.tensor(data)


def one_hot_float(xs, num_classes):
    out = torch.zeros(len(xs), num_classes, device=xs.device)
    for i in range(len(xs)):
        out[i, xs[i]] = 1.0
    return out


def init_weights(V, generator):
    W = torch.zeros(V, V)
    for i in range(V):
        for j in range(V):
            W[i, j] = torch.randn(1, generator=generator)[0]
    W.requires_grad = True
    return W


def softmax(logits):
    rows = []
    for row in logits:
        e = torch.exp(row - max(row))
        rows.append(e / sum(e))
    return torch.stack(rows)


def forward(W, xs):
    rows = []
    for x in xs:
        rows.append(W[x.item()])
    return softmax(torch.stack(rows))


def nll_loss(probs, ys):
    loss = 0.0
    for i in range(len(ys)):
        loss = loss - torch.log(probs[i, ys[i]])
    return loss / len(ys)


def regularized_loss(probs, ys, W, strength=0.01):
    squares = 0.0
    for row in W:
        for w in row:
            squares = squares + w * w
    return nll_loss(probs, ys) + strength * squares / W.numel()


def manual_grad(W, xs, ys):
    V, K = W.shape[0], len(xs)
    dW = torch.zeros(V, V, dtype=W.dtype, device=W.device)
    for i in range(K):
        x, y = xs[i].item(), ys[i].item()
        p = [math.exp(w.item()) for w in W[x]]
        total = sum(p)
        for j in range(V):
            dW[x, j] += (p[j] / total - (1 if j == y else 0)) / K
    return dW


def train(W, xs, ys, steps, lr):
    losses = []
    for step in range(steps):
        probs = torch.exp(W[xs] - W[xs].max(1, keepdim=True)[0])
        probs = probs / probs.sum(1, keepdim=True)
        loss = -torch.log(probs[range(len(ys)), ys]).mean()
        losses.append(loss.item())
        W.grad = None
        loss.backward()
        W.data = W.data - lr * W.grad
    return losses


def equivalence(W):
    return softmax(W)
