"""What the suites ask beside a submission: `m` is its bigram.py, plain data goes back."""

import torch

# ----------------------------------------------------------------------------------- counting


def vocabulary(m, words):
    """stoi, the letters that itos knows in order, and how many it knows."""
    stoi, itos = m.build_vocab(words)
    return [dict(stoi), [itos[i] for i in range(len(stoi))], len(itos)]


def table(m, words, stoi):
    """Whether the dtype is one of the two that are right (else its name), and the counts."""
    N = m.count_bigrams(words, stoi)
    fits = N.dtype in (torch.int64, torch.int32)
    return ["int64 or int32" if fits else str(N.dtype), N.to("cpu", torch.int64)]


def unknown_letter(m, words, stoi):
    try:
        m.count_bigrams(words, stoi)
    except KeyError:
        return "KeyError"
    return "no error"


def in_place(m, P):
    """What P holds afterwards, what came back, and whether both lie where P lay."""
    place = P.data_ptr()
    Q = m.normalize_rows_(P)
    return [P, Q, P.data_ptr() == place, Q.data_ptr() == place]


def in_place_for_others(m, P):
    """What a view of the first two rows shows that was made before."""
    rows = P[:2]
    m.normalize_rows_(P)
    return rows


def shapes(m, pairs):
    """The shape of each pair, or the word ValueError where that was raised."""
    out = []
    for a, b in pairs:
        try:
            out.append(list(m.broadcast_shape(tuple(a), tuple(b))))
        except ValueError:
            out.append("ValueError")
    return out


# ----------------------------------------------------------------------------------- sampling


def seeded(draw, seeds):
    """What is drawn from a generator for each seed, and whether torch's own is untouched."""
    torch.manual_seed(1)  # so that draws from there are recognised
    before = torch.get_rng_state()
    drawn = [draw(torch.Generator().manual_seed(seed)) for seed in seeds]
    return [drawn, torch.equal(before, torch.get_rng_state())]


def sampled(m, P, itos, n, seeds):
    """n words by sample_word for each seed."""
    return seeded(lambda generator: [m.sample_word(P, itos, generator) for _ in range(n)], seeds)


def lists_sampled(m, P, itos, n, seeds, calls):
    """For each seed, what each of some calls of sample_words gives."""

    def draw(generator):
        return [m.sample_words(P, itos, n, generator) for _ in range(calls)]

    return seeded(draw, seeds)


def watched_words(m, P, itos, seeds):
    """A word for each seed, if torch.multinomial drew each letter from its row of P; else which
    words there are. Then whether it did."""
    real, draws, words = torch.multinomial, [], []

    def watched(row, *args, **kwargs):
        drawn = real(row, *args, **kwargs)
        draws.append(drawn.numel() == 1 and any(torch.equal(row, known) for known in P))
        return drawn

    torch.multinomial = watched
    try:
        for seed in seeds:
            torch.manual_seed(seed)  # forgotten generators are another test's business
            words.append(m.sample_word(P, itos, torch.Generator().manual_seed(seed)))
    finally:
        torch.multinomial = real
    exact = all(draws) and len(draws) == sum(len(word) + 1 for word in words)
    return [words if exact else sorted(set(words)), exact]


# -------------------------------------------------------------------------- how good a model is


def number(m, name, *args):
    """What a function answers, as a Python float."""
    return float(getattr(m, name)(*args))


def smoothed(m, N, *k):
    """The table in float32, whatever float it was."""
    return m.smooth(N, *k).float()


def surprise(m, N, words, stoi):
    """The mean of -log P for each word."""
    log_P, out = m.smooth(N, 1).log(), []
    for word in words:
        both = list(zip("." + word, word + "."))
        out.append(-sum(log_P[stoi[a], stoi[b]].item() for a, b in both) / len(both))
    return out


# -------------------------------------------------------------------------------- the network


def picked(m, xs, W):
    return m.one_hot_float(xs, W.shape[0]) @ W


def first_weights(m, V, seeds):
    """Whether W has a gradient, whether it is a leaf, and its numbers, for each seed."""

    def draw(generator):
        W = m.init_weights(V, generator)
        return [W.requires_grad, W.is_leaf, W.detach()]

    return seeded(draw, seeds)


def gradient(m, W, xs, ys):
    """The gradient in W's dtype."""
    return m.manual_grad(W, xs, ys).to(W.dtype)


def sharp_gradient(m, W, xs, ys):
    """The gradient if it comes in W's float64; None where a submission calculates in float32."""
    try:
        dW = m.manual_grad(W, xs, ys)
    except RuntimeError as error:
        if "dtype" in str(error) or "Double" in str(error):
            return None
        raise
    return dW if dW.dtype == torch.float64 else None


def trained(m, W, xs, ys, steps, lr):
    """The losses, what W holds afterwards, and whether it is still a leaf with a gradient."""
    W = W.clone().requires_grad_()
    losses = m.train(W, xs, ys, steps, lr)
    return [[float(loss) for loss in losses], W.detach(), W.is_leaf, W.requires_grad]


def learnt(m, W):
    return m.equivalence(W).float()
