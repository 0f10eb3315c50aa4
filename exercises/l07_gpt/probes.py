"""What runs beside your code: `student.run(probe, …)` calls `probe(m, …)`, where m is your gpt.py.

The largest probe, `try_class`, makes one of your classes, finds its layers by the names that the
README lists, sets their weights, and calls it. Only plain data comes back to the tests.
"""

import contextlib
import inspect
from types import SimpleNamespace

import torch
from torch import Tensor
from torch.nn import Module

F = torch.nn.functional

V = 11  # different tokens of the usual model
QKV = ("key", "query", "value")
NAMES = {  # of the parts of a layer
    "key": "key keys k key_proj k_proj to_k W_k w_k Wk wk W_K",
    "query": "query queries q query_proj q_proj to_q W_q w_q Wq wq W_Q",
    "value": "value values v value_proj v_proj to_v W_v w_v Wv wv W_V",
    "qkv": "qkv c_attn to_qkv qkv_proj in_proj Wqkv",
    "heads": "heads head attn_heads attention_heads sa_heads hs",
    "proj": "proj projection out_proj c_proj o_proj output linear W_o Wo wo out fc",
    "sa": "sa attn attention self_attention self_attn mha sa_heads multihead mhsa",
    "ffwd": "ffwd ffn ff mlp feed_forward feedforward feedfwd ffw",
    "ln1": "ln1 ln_1 norm1 norm_1 layer_norm1 layernorm1 n1",
    "ln2": "ln2 ln_2 norm2 norm_2 layer_norm2 layernorm2 n2",
    "gamma": "gamma weight g scale gain w",
    "beta": "beta bias b shift",
    "weight": "weight W w",
    "bias": "bias b",
    "token_embedding_table": "token_embedding_table token_embedding tok_emb token_emb wte"
    " tokens tok embedding",
    "position_embedding_table": "position_embedding_table position_embedding pos_emb"
    " positional_embedding pos_embedding position_emb wpe positions pos",
    "blocks": "blocks layers h transformer_blocks block",
    "ln_f": "ln_f lnf ln_final norm final_norm norm_f ln final_ln layer_norm",
    "lm_head": "lm_head head output out unembed logits fc",
}
ARGUMENTS = {  # of a class, and the globals that stand for them
    "head_size": "head_size hs head_dim d_head",
    "num_heads": "num_heads n_head n_heads nheads heads h",
    "n_head": "n_head num_heads n_heads nheads heads h",
    "n_embd": "n_embd n_embed d_model embed_dim emb_dim embd dim emb_size C",
    "block_size": "block_size context_length context_size max_len max_seq_len seq_len T",
    "dropout": "dropout dropout_p dropout_rate p_drop drop_rate pdrop drop p",
    "vocab_size": "vocab_size n_vocab vocab V",
    "n_layer": "n_layer n_layers num_layers n_blocks num_blocks layers",
}
VIDEO_NAMES = {"FeedForward": "FeedFoward", "GPTLanguageModel": "GPT"}


def generator(seed):
    return None if seed is None else torch.Generator().manual_seed(seed)


@contextlib.contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


# ------------------------------------------------------------------------------- the data


def words_and_back(m, text, words):
    encode, decode, vocab_size = m.char_tokenizer(text)
    numbers = [[int(i) for i in encode(word)] for word in words]
    return [numbers, [decode(ids) for ids in numbers], int(vocab_size)]


def forms_of_text(m, text, words, decoded):
    encode, decode, vocab_size = m.char_tokenizer(text)
    numbers = [list(encode(word)) for word in words]
    kinds = sorted({type(i).__name__ for ids in numbers for i in ids})
    given = [decoded, tuple(decoded), torch.tensor(decoded), (i for i in decoded)]
    return [
        numbers,
        kinds,
        [decode(ids) for ids in given],
        decode([]),
        list(encode("")),
        vocab_size,
    ]


def two_tokenizers(m, one, two, word):
    encode = m.char_tokenizer(one)[0]
    other, _, size = m.char_tokenizer(two)
    return [list(encode(word)), list(other(word)), size, m.char_tokenizer("a")[2]]


def batches(m, data, block_size, batch_size, seed):
    return m.get_batch(data, block_size, batch_size, generator(seed), str(data.device))


def batches_of(m, data, seeds):
    """x for each seed, and a batch without a generator."""
    gs = [generator(seed) for seed in seeds]
    given = [m.get_batch(data, 3, 8, generator=g, device=str(data.device))[0] for g in gs]
    return [*given, m.get_batch(data.cpu(), 3, 8)]


# -------------------------------------------------------------------------------- attention


def masks(m, sizes):
    return [m.causal_mask(T).cpu() for T in sizes]


def variances(m, head_size, seed):
    return [float(v) for v in m.scaled_variance(head_size, generator(seed))]


def arrows(m, mask):
    return sorted([int(j), int(i)] for j, i in m.communication_graph(mask))


# --------------------------------------------------- your classes: their parts and their names


def inside(o):
    """What an object holds, by name."""
    if isinstance(o, (list, tuple)):
        return {str(i): part for i, part in enumerate(o)}
    if isinstance(o, dict):
        return {str(name): part for name, part in o.items()}
    found = dict(getattr(o, "__dict__", {}))
    for group in ("_parameters", "_buffers", "_modules"):
        found.update(found.pop(group, None) or {})
    return {name: part for name, part in found.items() if not name.startswith("_")}


def all_inside(o, seen=None):
    """What an object holds, and what that holds; each part once."""
    seen = set() if seen is None else seen
    for part in inside(o).values():
        if id(part) in seen or isinstance(part, (str, int, float, type)) or part is None:
            continue
        seen.add(id(part))
        yield part
        if not isinstance(part, Tensor):
            yield from all_inside(part, seen)


def find(o, what, needed=True):
    """The part of an object that has one of the names for it."""
    for name in NAMES[what].split():
        part = o.get(name) if isinstance(o, dict) else getattr(o, name, None)
        if part is not None and not inspect.ismethod(part):
            return part
    if not needed:
        return None
    there = [name for name, part in inside(o).items() if not isinstance(part, (int, float))]
    raise LookupError(
        f"{type(o).__name__} has no {what}; looked for {', '.join(NAMES[what].split())};"
        f" found {', '.join(there) or 'nothing'}"
    )


def listed(parts):
    return list(parts.children()) if isinstance(parts, Module) else list(parts)


def paired(what, parts, weights):
    """Each of these parts with its weights."""
    if len(parts) != len(weights):
        raise LookupError(f"{what} has {len(parts)} {what}, not {len(weights)}")
    return zip(parts, weights)


def call(o, *inputs):
    return (o if callable(o) else o.forward)(*inputs)


# -------------------------------------------------------------- your classes: setting weights


def put(target, values, name):
    if target.numel() != values.numel() or target.shape[-1] != values.shape[-1]:
        shapes = tuple(target.shape), tuple(values.shape)
        raise LookupError(f"{name} has the shape {shapes[0]}; {shapes[1]} is expected")
    with torch.no_grad():
        target.copy_(values.reshape(target.shape))


def table_of(part):
    """The weights of a linear layer or an embedding, which may be a bare tensor."""
    return part if isinstance(part, Tensor) else find(part, "weight")


def is_turned(part, W, name):
    """Whether the layer's table is (in, out): by its shape or, if square, by what it computes."""
    if W.shape[0] != W.shape[1]:
        return table_of(part).shape != W.shape
    if isinstance(part, Tensor):
        return True  # x @ W
    if isinstance(part, torch.nn.Linear):
        return False
    put(table_of(part), W, name)
    ones = torch.eye(len(W), dtype=W.dtype, device=W.device)
    return torch.allclose(call(part, ones) - call(part, torch.zeros_like(W)), W)


def linear_parts(o):
    """The linear layers in an object, or else its bare tables; and its bare shifts."""
    found = list(all_inside(o))
    bare = [part for part in found if isinstance(part, Tensor)]
    layers = []
    for part in found:
        table = None if isinstance(part, Tensor) else find(part, "weight", needed=False)
        if isinstance(table, Tensor) and table.dim() == 2:
            layers.append(part)
    tables = [table for table in bare if table.dim() == 2]
    return layers or tables, [shift for shift in bare if shift.dim() != 2]


def joined(heads, what):
    """The weights of all heads' keys, queries or values as those of one linear layer."""
    return [torch.cat(parts) for parts in zip(*(head[what] for head in heads))]


class Setter:
    """Sets the weights of your layers; `biases` names the linear layers that have a bias.

    A linear layer's weights are [W (out, in), b (out,)].
    """

    def __init__(self):
        self.biases = set()

    def matrix(self, part, pair, name, shift=None):
        """Set a linear layer, or a bare table and its shift."""
        W, b = pair
        if not isinstance(part, Tensor):
            shift = find(part, "bias", needed=False)
        put(table_of(part), W.T if is_turned(part, W, name) else W, name)
        if isinstance(shift, Tensor):
            put(shift, b, name + "'s bias")
            self.biases.update(QKV if name == "qkv" else [name])

    def linear(self, o, what, pair):
        names = (what + "_bias", "b_" + what, what + "_b")
        shift = next((getattr(o, name) for name in names if hasattr(o, name)), None)
        self.matrix(find(o, what), pair, what, shift)

    def head(self, o, w):
        for what in QKV:
            self.linear(o, what, w[what])

    def heads(self, o, w):
        """Heads in a list, or in one layer, or in one each for keys, queries and values."""
        heads, whole = (find(o, what, needed=False) for what in ("heads", "qkv"))
        if isinstance(heads, (list, tuple, Module)):
            for head, its in paired("heads", listed(heads), w["heads"]):
                self.head(head, its)
        elif whole is not None:
            parts = [joined(w["heads"], what) for what in ("query", "key", "value")]
            self.matrix(whole, [torch.cat(pair) for pair in zip(*parts)], "qkv")
        elif find(o, "key", needed=False) is None:
            find(o, "heads")
        else:
            for what in QKV:
                self.all_heads(o, what, w["heads"])
        self.linear(o, "proj", w["proj"])

    def all_heads(self, o, what, heads):
        """The keys, queries or values of all heads: one layer, or a (heads, …, …) table."""
        table = find(o, what)
        if isinstance(table, Tensor) and table.dim() == 3:
            stack = torch.stack([head[what][0] for head in heads])
            put(table, stack.mT if table.shape == stack.mT.shape else stack, what)
        else:
            self.linear(o, what, joined(heads, what))

    def feed_forward(self, o, w):
        """Two linear layers, whatever their names are."""
        size = sorted(w["up"][0].shape)
        parts, shifts = linear_parts(o)
        found = [sorted(table_of(part).shape) for part in parts]
        if found != [size, size]:
            raise LookupError(
                f"{type(o).__name__} should have two linear layers, {size[0]} to {size[1]} and"
                f" back; found {', '.join(str(tuple(other)) for other in found) or 'none'}"
            )
        if all(isinstance(part, torch.nn.Linear) for part in parts):
            parts.sort(key=lambda part: -part.out_features)
        for part, name in zip(parts, ("up", "down")):
            shift = next((s for s in shifts if s.numel() == len(w[name][1])), None)
            self.matrix(part, w[name], name, shift)

    def norm(self, o, w):
        for what, values in zip(("gamma", "beta"), w):
            put(find(o, what), values, what)

    def block(self, o, w):
        self.heads(find(o, "sa"), w["sa"])
        self.feed_forward(find(o, "ffwd"), w["ffwd"])
        self.norm(find(o, "ln1"), w["ln1"])
        self.norm(find(o, "ln2"), w["ln2"])

    def bigram(self, o, table):
        put(table_of(find(o, "token_embedding_table")), table, "token_embedding_table")

    def gpt(self, o, w):
        self.bigram(o, w["tokens"])
        name = "position_embedding_table"
        put(table_of(find(o, name)), w["positions"], name)
        blocks = listed(find(o, "blocks"))
        last = find(o, "ln_f", needed=False)
        if last is None and blocks and find(blocks[-1], "sa", needed=False) is None:
            last = blocks.pop()
        for block, its in paired("blocks", blocks, w["blocks"]):
            self.block(block, its)
        self.norm(find(o, "ln_f") if last is None else last, w["ln_f"])
        self.linear(o, "lm_head", w["lm_head"])


SETTERS = {
    "Head": Setter.head,
    "EncoderHead": Setter.head,
    "CrossHead": Setter.head,
    "MultiHeadAttention": Setter.heads,
    "FeedForward": Setter.feed_forward,
    "Block": Setter.block,
    "BigramLanguageModel": Setter.bigram,
    "GPTLanguageModel": Setter.gpt,
}


# ------------------------------------------------------- your classes: what is done with them


def plain(value):
    if isinstance(value, Tensor):
        return value.detach()
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def logits_and_loss(o, *inputs):
    """With targets, (B·T, V) stands for (B, T, V)."""
    logits, loss = call(o, *inputs)
    if len(inputs) > 1 and logits.dim() == 2 and len(logits) == inputs[0].numel():
        logits = logits.reshape(*inputs[0].shape, -1)
    return [logits.detach(), plain(loss)]


def raises(o, *inputs):
    try:
        call(o, *inputs)
    except NotImplementedError:
        raise
    except Exception:
        return True
    return False


def unreached(o, *inputs):
    """[whether there are parameters, how many of them no gradient reaches]"""
    call(o, *inputs)[1].backward()
    parameters = list(o.parameters())
    dead = [p for p in parameters if p.grad is None or not p.grad.abs().sum() > 0]
    return [len(parameters) > 0, len(dead)]


def switch(o, on):
    """Put an object, or all that it holds, into training or evaluation mode."""
    if callable(getattr(o, "train", None)):
        o.train(on)
        return
    for part in (o, *all_inside(o)):
        if isinstance(getattr(part, "training", None), bool):
            part.training = on


JOBS = {
    "call": lambda o, *inputs: plain(call(o, *inputs)),
    "model": logits_and_loss,
    "loss": lambda o, *inputs: float(call(o, *inputs)[1].detach()),
    "generate": lambda o, *inputs: o.generate(*inputs),
    "raises": raises,
    "unreached": unreached,
    "count": lambda o: sum(p.numel() for p in o.parameters()),
    "train": lambda o: switch(o, True),
    "eval": lambda o: switch(o, False),
}


@contextlib.contextmanager
def module_globals(m, sizes, device):
    """Give the module's globals that stand for sizes and the device these values for a while."""
    known = vars(m)
    new = {
        name: value
        for size, value in sizes.items()
        for name in ARGUMENTS[size].split()
        if len(name) > 1 and type(known.get(name)) in (int, float)
    }
    if type(known.get("device")) in (str, torch.device):
        new["device"] = str(device)
    old = {name: known[name] for name in new}
    known.update(new)
    try:
        yield
    finally:
        known.update(old)


def make(m, name, sizes):
    """An object of a class; its arguments are known by their names, or else by their order."""
    video_name = VIDEO_NAMES.get(name, name)
    cls = getattr(m, video_name if hasattr(m, video_name) else name)
    parameters = inspect.signature(cls).parameters.values()
    left, given = dict(sizes), {}
    for p in parameters:
        size = next((size for size in left if p.name in ARGUMENTS[size].split()), None)
        if size is not None:
            given[p.name] = left.pop(size)
        elif p.name in ("config", "cfg"):
            given[p.name] = SimpleNamespace(**sizes)
        elif p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            return cls(*list(sizes.values())[: len(parameters)])
    if any(p.kind == p.VAR_KEYWORD for p in parameters):
        given |= left
    return cls(**given)


def tensors(tree):
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, (list, tuple, dict)):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from tensors(part)


def try_class(m, name, sizes, weights, jobs):
    """Make one of your classes, set its weights by name, and do jobs with it.

    Without weights (None) it keeps its own. Returns {"biases": the linear layers that have one,
    "out": what each job gave}.
    """
    like = next(tensors([weights, jobs]))
    dtype = like.dtype if like.is_floating_point() else torch.float32
    place = torch.device(like.device) if like.is_cuda else contextlib.nullcontext()
    setter = Setter()
    with module_globals(m, sizes, like.device), default_dtype(dtype):
        with place:
            o = make(m, name, sizes)
        if isinstance(o, Module):
            o = o.to(like.device, dtype)
        if weights is not None:
            SETTERS[name](setter, o, weights)
        out = [JOBS[job](o, *inputs) for job, *inputs in jobs]
    return {"biases": sorted(setter.biases), "out": out}


# ------------------------------------------------------------------------------- the block


def new_norm(m, x, eps=None):
    """Your norm for x, of its dtype and on its device."""
    with default_dtype(x.dtype):
        norm = m.LayerNorm1d(x.shape[-1]) if eps is None else m.LayerNorm1d(x.shape[-1], eps)
    if isinstance(norm, Module):
        return norm.to(x.device)
    for part in vars(norm).values():
        if isinstance(part, Tensor):
            part.data = part.data.to(x.device)
    return norm


def normed(m, x, gains, eps):
    """Your norm of x, with these [gamma, beta] unless they are None, and its parameters."""
    norm = new_norm(m, x, eps)
    for what, values in zip(("gamma", "beta"), gains or (None, None)):
        own = find(norm, what)
        if values is not None:
            own.data = values.clone()
    out = call(norm, x)
    return [out.detach(), sorted((p.detach() for p in norm.parameters()), key=lambda p: -p.sum())]


def norm_gradients(m, x, direction):
    norm, x = new_norm(m, x), x.clone().requires_grad_()
    parameters = list(norm.parameters())
    for p in parameters:
        p.requires_grad_()
    (call(norm, x) * direction).sum().backward()
    return [x.grad, sorted((p.grad for p in parameters), key=lambda g: -g.sum())]


def dropped(m, x, p, training, seed):
    return m.dropout(x, p, training, generator(seed))


def patterns(m, x, seeds):
    """What is kept for each seed, and without a generator."""
    drawn = [m.dropout(x, 0.5, True, generator=generator(seed)) != 0 for seed in seeds]
    return [*drawn, m.dropout(x, 0.5, True) != 0]


# ----------------------------------------------------------------- models to write and to learn


class Certain(Module):
    """A model that is sure of the next token; all tokens that it sees decide."""

    def forward(self, idx, targets=None):
        seen = torch.cumsum(idx, 1) + 3 * idx + 1  # (B, T)
        return 1000.0 * F.one_hot(seen.remainder(V), V).double(), None


class Table(Module):
    """A bigram model that writes down what it is given."""

    def __init__(self, table):
        super().__init__()
        self.table = torch.nn.Parameter(table.clone())
        self.seen = []

    def forward(self, idx, targets=None):
        self.seen.append([idx, targets])
        logits = self.table[idx]
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


class Pairs(Table):
    """A model that reads two tokens: its table has a row for each pair."""

    def forward(self, idx, targets=None):
        n = self.table.shape[1]
        before = F.pad(idx[:, :-1], (1, 0), value=n)
        return super().forward(before * n + idx, targets)


class Watched(Module):
    """A model that writes down in which modes it is asked, with batches that are all different."""

    def __init__(self, w):
        super().__init__()
        self.w = torch.nn.Parameter(w.clone())
        self.modes = set()
        self.counts = {"train": 0, "val": 0}

    def forward(self, idx, targets=None):
        self.modes.add(str([self.training, torch.is_grad_enabled()]))
        logits = (self.w * idx.double()).unsqueeze(-1)
        return logits, self.w * (idx + 2 * targets).double().mean()

    def get_batch(self, split):
        self.counts[split] += 1
        x = torch.tensor([[1, self.counts[split] ** 2], [2, 3]], device=self.w.device)
        return x, x + (10 if split == "val" else 5)


def written(m, idx, new, block_size, seed):
    return m.generate(Certain(), idx, new, block_size, generator(seed))


def drawn(m, idx, rows, new, seeds):
    """For each seed a continuation by a table of logits."""
    model = Table(rows).requires_grad_(False)
    return [m.generate(model, idx, new, 8, generator=generator(seed)) for seed in seeds]


def estimated(m, w, eval_iters, training):
    model = Watched(w)
    model.train(training)
    losses = m.estimate_loss(model, model.get_batch, eval_iters)
    graph = any(getattr(loss, "requires_grad", False) for loss in losses.values())
    losses = {str(split): float(loss) for split, loss in losses.items()}
    after = [model.training, torch.is_grad_enabled(), model.w.grad is None]
    return [losses, model.counts, sorted(model.modes), graph, after]


def trained(m, table, data, steps, batch_size, block_size, lr, seed):
    """[losses, the table afterwards, the batches that it was shown]"""
    model = Table(table)
    losses = m.train(model, data, steps, batch_size, block_size, lr, generator(seed))
    return [[float(loss) for loss in losses], model.table.detach(), model.seen]


def losses_of(m, table, data, seeds):
    runs = [m.train(Table(table), data, 4, 2, 3, generator=generator(seed)) for seed in seeds]
    return [[float(loss) for loss in losses] for losses in runs]


def learnt(m, data, n, steps):
    """[number of losses, the first, the mean of the last five] of a model of pairs of tokens."""
    model = Pairs(torch.zeros((n + 1) * n, n, device=data.device))
    losses = m.train(model, data, steps, 4, 12, 0.1, generator(1337))
    return [len(losses), float(losses[0]), sum(float(loss) for loss in losses[-5:]) / 5]
