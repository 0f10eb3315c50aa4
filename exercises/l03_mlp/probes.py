"""What runs beside a submission: `m` is its mlp.py. Only what a probe returns goes back to a test.

`params` is a list of five tensors. A submission whose init_params makes a dict gets them in a
dict, under its own names.
"""

import random

import torch


def packed(m, params):
    """The parameters in a list, or in a dict if init_params makes one."""
    try:
        made = m.init_params(11, 2, 3, 5, torch.Generator().manual_seed(1))
    except Exception:
        return list(params)
    is_dict = isinstance(made, dict) and len(made) == 5
    return dict(zip(made, params)) if is_dict else list(params)


def listed(params):
    return list(params.values()) if isinstance(params, dict) else list(params)


def generators(seeds):
    """A generator for each seed; torch's own random numbers are others each time."""
    for i, seed in enumerate(seeds):
        torch.manual_seed(i)
        yield torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------------------- the data


def vocabulary(m, words):
    stoi, itos = m.build_vocab(words)
    return [dict(stoi), [itos[i] for i in range(len(itos))]]


def second_dataset(m, words, stoi, block_size):
    """The examples of the second of two calls."""
    m.build_dataset(words, stoi, block_size)
    return m.build_dataset(words, stoi, block_size)


def splits(m, words, seeds):
    """A split for each seed (None: without one), while Python's and torch's chance differ."""
    found = []
    for i, seed in enumerate(seeds):
        random.seed(i)
        torch.manual_seed(i)
        parts = m.split_words(words) if seed is None else m.split_words(words, seed)
        found.append([[str(word) for word in part] for part in parts])
    return found


# ---------------------------------------------------------------------------- the network


def embedded(m, C, X, weights):
    """What comes out, and the gradient of its weighted sum at the table."""
    out = m.embed(C, X)
    (out * weights).sum().backward()
    return [out.detach(), C.grad]


def concat_twice(m, emb):
    """The result after emb has changed, and whether the first result has changed with it."""
    emb = emb.clone()
    out = m.concat(emb)
    emb += 1.0
    return [m.concat(emb), bool(out.flatten()[0] == emb.flatten()[0])]


def concat_permuted(m, emb, order):
    """concat of the same memory, seen with its dimensions in another order."""
    return m.concat(emb.permute(order))


def concat_gradient(m, emb, weights):
    (m.concat(emb) * weights).sum().backward()
    return emb.grad


def views(m, cases):
    return [m.describe_view(tuple(shape), tuple(stride)) for shape, stride in cases]


def networks(m, sizes, seeds):
    """Parameters from a generator of each seed."""
    made = [listed(m.init_params(*sizes, generator)) for generator in generators(seeds)]
    return [[p.detach() for p in params] for params in made]


def leaves(m, sizes):
    """Of each parameter: is it a leaf that gradients arrive at?"""
    params = listed(m.init_params(*sizes, torch.Generator().manual_seed(1)))
    return [p.requires_grad and p.is_leaf for p in params]


def logits(m, params, X):
    return m.forward(packed(m, params), X)


def logit_gradients(m, params, X, weights):
    (m.forward(packed(m, params), X) * weights).sum().backward()
    return [p.grad for p in params]


def loss_and_gradient(m, rows, Y):
    loss = m.cross_entropy(rows, Y)
    loss.backward()
    return [loss.detach(), rows.grad]


def loss_as_a_number(m, rows, Y):
    """The loss, whatever the dtype of the tensor that it is in."""
    loss = m.cross_entropy(rows, Y)
    return float(loss) if loss.dim() == 0 else loss


# ------------------------------------------------------------------------------- training


def minibatches(m, N, size, n, seeds):
    """n minibatches from a generator of each seed."""
    return [[m.minibatch(N, size, g) for _ in range(n)] for g in generators(seeds)]


def trained(m, params, batches, rates):
    """Losses; then the caller's own tensors, and what the caller's list or dict holds."""
    given = packed(m, params)
    losses = [m.train_step(given, X, Y, lr) for (X, Y), lr in zip(batches, rates)]
    return {
        "losses": losses,
        "graphs": [bool(getattr(loss, "requires_grad", False)) for loss in losses],
        "now": [p.detach() for p in params],
        "held": [p.detach() for p in listed(given)],
        "leaves": [p.is_leaf and p.requires_grad for p in params],
        "same": [a is b for a, b in zip(listed(given), params)],
    }


def rates(m, *arguments):
    """The rates as floats; a rate that is a row itself stays one."""
    found = m.lr_candidates(*arguments)
    found = found.tolist() if hasattr(found, "tolist") else list(found)
    return [rate if isinstance(rate, list) else float(rate) for rate in found]


def tried(m, params, X, Y, lrs, batch_size, seeds):
    """Losses with a generator of each seed, and what the caller's list or dict holds then."""
    given = packed(m, params)
    losses = [m.find_lr(given, X, Y, lrs, batch_size, g) for g in generators(seeds)]
    return {
        "losses": [[float(loss) for loss in run] for run in losses],
        "held": [p.detach() for p in listed(given)],
        "leaves": [p.is_leaf and p.requires_grad for p in listed(given)],
    }


# --------------------------------------------------------------------------- how good is it?


def evaluated(m, params, X, Y, recording=True):
    """The loss; whether it has a graph; whether gradients are still recorded; gradients."""
    given = packed(m, params)
    torch.set_grad_enabled(recording)
    loss = m.evaluate(given, X, Y)
    after = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    graph = bool(getattr(loss, "requires_grad", False))
    return [loss, graph, after, [p.grad for p in params]]


def dead(m, *arguments):
    share, dead = m.dead_neurons(*arguments)
    return [[float(x) for x in share], dead.tolist() if hasattr(dead, "tolist") else dead]


def written(m, params, itos, block, max_len, seeds, n):
    """n words from a generator of each seed."""
    given = packed(m, params)
    return [[m.sample(given, itos, block, g, max_len) for _ in range(n)] for g in generators(seeds)]
