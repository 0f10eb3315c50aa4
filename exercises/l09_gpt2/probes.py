"""The probes: functions that run beside your code; `m` is your gpt2.py.

Only what a probe returns, plain data, goes back to the test. The large probe is `models`. It makes
one of your classes, finds its parts by nanoGPT's names (or by the others in NAMES), gives them
weights, and does some jobs with it; each job is a method of the class `Model`.
"""

import contextlib
import importlib
import inspect
import sys
import tempfile
from types import ModuleType

import torch
from torch import nn

F = nn.functional

PLAIN = {"dropout": 0.0, "bias": True}  # what a GPTConfig without these fields stands for

# nanoGPT's name of a part: the names that a submission may give it
NAMES = {
    "wte": "wte token_embedding token_embedding_table tok_emb token_emb",
    "wpe": "wpe position_embedding position_embedding_table pos_emb",
    "h": "h blocks layers",
    "ln_1": "ln_1 ln1 norm1 norm_1",
    "attn": "attn attention self_attn sa",
    "ln_2": "ln_2 ln2 norm2 norm_2",
    "mlp": "mlp ffwd ffn ff feed_forward",
    "c_attn": "c_attn qkv in_proj qkv_proj",
    "q": "c_q q query q_proj wq W_q W_query",
    "k": "c_k k key k_proj wk W_k W_key",
    "v": "c_v v value v_proj wv W_v W_value",
    "c_fc": "c_fc fc fc1 fc_in up up_proj lin1",
    "c_proj": "c_proj proj out_proj o_proj fc2 fc_out down down_proj lin2 wo W_o",
    "ln_f": "ln_f lnf ln_final norm_f norm",
    "lm_head": "lm_head head unembed",
    "weight": "weight gamma g W w",
    "bias": "bias beta b",
}


# ----------------------------------------------------------------------- functions of one call


def gap(m, xs):
    return float(m.gelu_gap(xs))


def slopes(m, x):
    """The gradient of gelu at x."""
    x = x.clone().requires_grad_()
    m.gelu(x).sum().backward()
    return x.grad


def heads_fit(m, n_head, n_embd):
    """Whether an attention layer of these sizes can be made and used."""
    fields = {"block_size": 7, "vocab_size": 11, "n_layer": 2, "n_head": n_head, "n_embd": n_embd}
    x = torch.zeros(1, 2, n_embd)
    return not raises(lambda: m.CausalSelfAttention(m.GPTConfig(**fields))(x))


def counted(m, fields):
    return int(m.count_params(m.GPTConfig(**fields)))


def rates(m, its, settings):
    return [float(m.get_lr(it, *settings)) for it in its]


def utilised(m, n_params, fields, *rest):
    return float(m.estimate_mfu(n_params, m.GPTConfig(**fields), *rest))


def clipped(m, grads, max_norm):
    """The norm, and what clip_grad leaves of these gradients and of one that is None."""
    params = [torch.zeros_like(grads[0])] + [torch.zeros_like(g) for g in grads]
    for p, g in zip(params[1:], grads):
        p.grad = g.clone()
    norm = float(m.clip_grad(params, max_norm))
    return [norm, [p.grad for p in params]]


class Noting(nn.Module):
    """A model of one table and one shift. It notes how many rows each call gives it."""

    def __init__(self, table, shift):
        super().__init__()
        self.table = nn.Parameter(table.clone())
        self.shift = nn.Parameter(shift.clone())
        self.rows = []

    def forward(self, idx, targets=None):
        self.rows.append(len(idx))
        logits = self.table[idx] + self.shift
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def accumulated(m, table, shift, X, Y, micro):
    """Loss, gradients, and the rows of each piece. Old gradients are there before."""
    model = Noting(table, shift)
    for p in model.parameters():
        p.grad = torch.full_like(p, 7.0)
    loss = float(m.accumulate(model, X, Y, micro))
    return [loss, model.table.grad, model.shift.grad, model.rows]


def raises(f, *inputs):
    """Whether this call raises an exception. An empty stub's is passed on."""
    try:
        f(*inputs)
    except NotImplementedError:
        raise
    except Exception:
        return True
    return False


# --------------------------------------------------------------------- parts and their weights


def find(o, what, needed=True):
    """A part by nanoGPT's name, whichever of its names it has."""
    for name in NAMES[what].split():
        part = getattr(o, name, None)
        if isinstance(part, (nn.Module, torch.Tensor, list)):
            return part
    if not needed:
        return None
    there = [name for name, _ in o.named_children()] + list(o._parameters)
    raise LookupError(
        f"{type(o).__name__} has no {what}; looked for {', '.join(NAMES[what].split())};"
        f" found {', '.join(there) or 'nothing'}"
    )


def parts_of(o):
    """What holds a GPT's tables and blocks: its `transformer`, or itself."""
    return getattr(o, "transformer", o)


def owners(o, path):
    """The modules that a nanoGPT name's layer is: one, or three for a c_attn in pieces."""
    for name in path:
        if name == "transformer":
            o = parts_of(o)
        elif name.isdigit():
            o = list(o)[int(name)]
        elif name == "c_attn" and find(o, name, needed=False) is None:
            return [find(o, piece) for piece in "qkv"]
        else:
            o = matrix_of(o, name) or find(o, name)
    return [o]


def matrix_of(o, name):
    """c_fc or c_proj without a known name: the first or second of just two matrices."""
    if name not in ("c_fc", "c_proj") or find(o, name, needed=False) is not None:
        return None
    weights = [(part, getattr(part, "weight", None)) for part in o.modules()]
    two = [part for part, weight in weights if weight is not None and weight.dim() == 2]
    return two[name == "c_proj"] if len(two) == 2 else None


def is_turned(layer):
    """Whether it keeps (in, out), as x @ weight wants it."""
    weight = find(layer, "weight")
    if isinstance(layer, (nn.Linear, nn.Embedding)) or weight.dim() < 2:
        return False
    eye = torch.eye(weight.shape[0], dtype=weight.dtype, device=weight.device)
    try:
        moved = layer(eye) - layer(torch.zeros_like(eye))
    except Exception:
        return False
    return moved.shape == weight.shape and torch.allclose(moved, weight, atol=1e-6)


def pieces(o, name):
    """[(tensor, turned)]: where a nanoGPT name's numbers are."""
    *path, last = name.split(".")
    return [(find(layer, last), is_turned(layer)) for layer in owners(o, path)]


@torch.no_grad()
def put(o, weights):
    """Give a model or layer these weights, by nanoGPT's names, each (out, in)."""
    for name, values in weights.items():
        targets = pieces(o, name)
        for (target, turned), part in zip(targets, values.chunk(len(targets))):
            part = part.T if turned else part
            if target.shape != part.shape:
                shapes = tuple(target.shape), tuple(part.shape)
                raise LookupError(f"{name} is {shapes[0]}; {shapes[1]} is expected")
            target.copy_(part)


def read(o, names, gradients=False):
    """Its weights (or their gradients, 0 where there are none) as `put` takes them."""
    out = {}
    for name in names:
        parts = []
        for tensor, turned in pieces(o, name):
            t = tensor.grad if gradients else tensor.detach()
            t = torch.zeros_like(tensor.detach()) if t is None else t
            parts.append(t.T if turned else t)
        out[name] = torch.cat(parts).clone()
    return out


# ---------------------------------------------------------------------- a start for each probe


class Light(ModuleType):
    """A stand-in for torch's compiler: optimizers import it, for seconds, and don't use it."""

    def graph_break(self, *_):
        pass

    def disable(self, fn, *_, **__):
        return fn

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        forget_light()
        return getattr(importlib.import_module("torch._dynamo"), name)


def forget_light():
    if isinstance(sys.modules.get("torch._dynamo"), Light):
        del sys.modules["torch._dynamo"]
        vars(torch).pop("_dynamo", None)


@contextlib.contextmanager
def light():
    """Optimizers are made and used without torch's compiler."""
    if "torch._dynamo" not in sys.modules:
        sys.modules["torch._dynamo"] = torch._dynamo = Light("torch._dynamo")
    try:
        yield
    finally:
        forget_light()


@contextlib.contextmanager
def working_in(dtype):
    """The same random state each time, and new tensors of this dtype."""
    torch.manual_seed(1337)
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(dtype)
        yield
    finally:
        torch.set_default_dtype(before)


def config(m, fields):
    """Their GPTConfig, without the fields that it doesn't have and doesn't need."""
    wanted = inspect.signature(m.GPTConfig).parameters
    if any(p.kind == p.VAR_KEYWORD for p in wanted.values()):
        return m.GPTConfig(**fields)
    needed = {f: value for f, value in fields.items() if f in wanted or PLAIN.get(f) != value}
    return m.GPTConfig(**needed)


# ------------------------------------------------------------------------ models and their jobs


def models(m, cls, inputs, weights, jobs, like=None):
    """Make one of their classes, set its weights by name, and do jobs with it.

    inputs: a config's fields, or a list of what the class is made with; weights: None for the
    first ones; like: a tensor of the model's dtype and device, if there are no weights
    ->  list of what each job, [name, *its inputs], gave
    """
    like = next(iter(weights.values())) if like is None else like
    with working_in(like.dtype):
        given = [config(m, inputs)] if isinstance(inputs, dict) else inputs
        o = getattr(m, cls)(*given).to(like.device, like.dtype)
        if weights is not None:
            put(o, weights)
            tokens = weights.get("transformer.wte.weight")
            put(o, {} if tokens is None else {"lm_head.weight": tokens})  # tied or not
        model = Model(m, o, like)
        return [getattr(model, job)(*rest) for job, *rest in jobs]


class Model:
    """One of their models, `o`, and a method for each job."""

    def __init__(self, m, o, like):
        self.m, self.o, self.like = m, o, like

    # -- modes and weights

    def train(self):
        self.o.train()

    def eval(self):
        self.o.eval()

    def seed(self, number):
        torch.manual_seed(number)

    def set(self, weights):
        put(self.o, weights)

    def read(self, names):
        return read(self.o, names)

    def none(self, names):
        """Which of these it doesn't have."""
        return [name for name in names if getattr(self.o, name, None) is None]

    def count(self):
        return sum(p.numel() for p in self.o.parameters())

    def config(self, name, otherwise):
        return getattr(getattr(self.o, "config", None), name, otherwise)

    @torch.no_grad()
    def table(self):
        """The token table and the head as they work, whatever they are made of."""
        wte, head = find(parts_of(self.o), "wte"), find(self.o, "lm_head")
        rows, wide = find(wte, "weight").shape[:2]
        ids = torch.arange(rows, device=self.like.device)
        eye = torch.eye(wide, dtype=self.like.dtype, device=self.like.device)
        return [wte(ids), head(eye).T]

    def nudge(self, factor):
        """Multiply wte's weight; what is tied follows."""
        with torch.no_grad():
            find(find(parts_of(self.o), "wte"), "weight").mul_(factor)
        return self.table()

    # -- forward and backward

    def call(self, x):
        return self.o(x).detach()

    def logits(self, idx, targets):
        """Logits (B, T, V) and loss."""
        logits, loss = self.o(idx, targets)
        if logits.dim() == 2 and len(logits) == idx.numel():
            logits = logits.reshape(*idx.shape, -1)
        return [logits.detach(), loss.detach()]

    def last(self, idx):
        """The last position's logits without targets, and what stands for the loss."""
        logits, loss = self.o(idx)
        logits = logits.detach()
        fits = logits.dim() == 3 and logits.shape[1] in (1, idx.shape[1])
        return [logits[:, -1:] if fits else logits, loss]

    def raises(self, idx):
        return raises(self.o, idx)

    def backward(self, idx, targets):
        """New gradients of the loss."""
        for p in self.o.parameters():
            p.grad = None
        self.o(idx, targets)[1].backward()

    def gradients(self, idx, targets, names):
        self.backward(idx, targets)
        return read(self.o, names, gradients=True)

    def input_gradient(self, x, direction):
        x = x.clone().requires_grad_()
        (self.o(x) * direction).sum().backward()
        return x.grad

    # -- surgery and training

    def load(self, sd):
        out = self.m.load_gpt2(self.o, dict(sd))
        self.o = out if isinstance(out, nn.Module) else self.o

    def crop(self, block_size):
        self.o.crop_block_size(block_size)

    def resize(self, n, seed):
        """seed: of the generator, or None for a call without one."""
        given = [] if seed is None else [torch.Generator().manual_seed(seed)]
        return isinstance(self.m.resize_vocab(self.o, n, *given), nn.Module)

    def groups(self, *settings):
        """Is it AdamW; dimensions by name; decay and names of each group; its rate and betas."""
        with light():
            optimizer = self.o.configure_optimizers(*settings)
        named = dict(self.o.named_parameters())
        names = {id(p): name for name, p in named.items()}
        decays, settings = [], []
        for group in optimizer.param_groups:
            inside = sorted(names.get(id(p), "?") for p in group["params"])
            decays.append([float(group["weight_decay"]), inside])
            settings.append([float(group["lr"]), [float(b) for b in group["betas"]]])
        dims = {name: p.dim() for name, p in named.items()}
        return [is_adamw(optimizer), dims, sorted(decays), settings]

    def freeze(self, n_old, given, pair, steps, names):
        """Steps of a frozen base on one batch. given: [lr, weight_decay], or [] for the usual."""
        with light():
            optimizer = self.m.freeze_base(self.o, n_old, *given)
            for _ in range(steps):
                self.backward(*pair)
                optimizer.step()
        return [is_adamw(optimizer), *self.table(), read(self.o, names)]

    def prompt(self, X, Y, n, steps, lr, names, frozen):
        """Prompt, losses, requires_grad before and after, weights; `frozen` need no gradient."""
        for name in frozen:
            for tensor, _ in pieces(self.o, name):
                tensor.requires_grad_(False)
        before = [p.requires_grad for p in self.o.parameters()]
        torch.manual_seed(1337)
        with light():
            prompt, losses = self.m.learn_prompt(self.o, X, Y, n, steps, lr)
        after = [p.requires_grad for p in self.o.parameters()]
        losses = [float(loss) for loss in losses]
        return [prompt.detach().to(self.like.dtype), losses, before, after, read(self.o, names)]

    # -- writing

    def generate(self, idx, new, options, seed):
        torch.manual_seed(seed)
        return self.o.generate(idx, new, **options)

    def write(self, rows, *inputs):
        """Text of a model whose logits are these rows, and how much it read at most."""
        lengths = []
        self.o.forward = self.certain(rows, lengths)
        text = self.generate(*inputs)
        del self.o.forward
        return [text, max(lengths, default=0)]

    def certain(self, rows, lengths):
        """A forward: the row of the last token, and a little of the first one's."""
        idx = torch.zeros((1, 2), dtype=torch.int64, device=self.like.device)
        last_only = self.o(idx)[0].shape[1] == 1

        def forward(idx, targets=None):
            lengths.append(idx.shape[1])
            logits = rows[idx]
            logits = logits.roll(1, 1) if logits.shape[1] > 1 else logits
            logits[:, -1] = rows[idx[:, -1]] + rows[idx[:, 0]].flip(-1) * 1e-3
            return (logits[:, -1:] if last_only else logits), None

        return forward

    def twice(self, idx, new, seed):
        """Two texts of the same generator, where one can be given."""
        if "generator" not in inspect.signature(self.o.generate).parameters:
            return [idx, idx]
        generators = [torch.Generator().manual_seed(seed) for _ in range(2)]
        return [self.o.generate(idx, new, generator=g) for g in generators]

    def cached(self, idx, new):
        """A text, and how many positions the layer that is used most has read."""
        counts = {}

        def count(layer, given, _):
            counts[id(layer)] = counts.get(id(layer), 0) + given[0].shape[:-1].numel()

        watched = []
        for block in find(parts_of(self.o), "h"):
            attn, mlp = find(block, "attn"), find(block, "mlp")
            whole = find(attn, "c_attn", needed=False)
            watched += [mlp, whole if whole is not None else find(attn, "q")]
        hooks = [layer.register_forward_hook(count) for layer in watched]
        out = self.m.generate_cached(self.o, idx, new)
        for hook in hooks:
            hook.remove()
        return [out, max(counts.values(), default=0)]


def is_adamw(optimizer):
    return "AdamW" in [c.__name__ for c in type(optimizer).__mro__]


# --------------------------- checkpoints, of a small model with dropout: its draws count, too


@contextlib.contextmanager
def folder_for(x):
    """A folder to save in, for models of x's dtype."""
    with working_in(x.dtype), light(), tempfile.TemporaryDirectory() as folder:
        yield folder


def beginner(seed, lr):
    """A new model and its optimizer."""
    torch.manual_seed(seed)
    o = nn.Sequential(nn.Linear(6, 10), nn.Dropout(0.3), nn.Linear(10, 5))
    return o, torch.optim.AdamW(o.parameters(), lr=lr, betas=(0.8, 0.95))


def practise(o, optimizer, steps, x, y):
    for _ in range(steps):
        optimizer.zero_grad()
        ((o(x) - y) ** 2).mean().backward()
        optimizer.step()


def practised(steps, x, y):
    o, optimizer = beginner(1, 0.03)
    practise(o, optimizer, steps, x, y)
    return o, optimizer


def numbers(o):
    return [p.detach().clone() for p in o.parameters()]


def inside(tree):
    """All tensors and integers in a tree; a list of integers counts as a tensor."""
    if isinstance(tree, dict):
        return [x for key in tree for x in inside(tree[key])]
    if isinstance(tree, (list, tuple)) and not all(isinstance(x, int) for x in tree):
        return [x for part in tree for x in inside(part)]
    if isinstance(tree, (list, tuple, bytes, bytearray)):
        tree = torch.tensor(list(tree))
    return [tree] if isinstance(tree, (torch.Tensor, int)) else []


def saved(m, x, y, step):
    """What the file holds, and what it should: weights, moments, random state."""
    with folder_for(x) as folder:
        path = f"{folder}/some.pt"
        o, optimizer = practised(3, x, y)
        m.save_checkpoint(path, o, optimizer, step)
        try:
            found = inside(torch.load(path, weights_only=True))
        except Exception as error:
            found = type(error).__name__
        moments = [s[k] for s in optimizer.state.values() for k in ("exp_avg", "exp_avg_sq")]
        return [found, numbers(o), moments, torch.get_rng_state()]


def resumed(m, x, y, before, after, step):
    """The step read, and three times the weights: without a pause, saving in between, resumed."""
    with folder_for(x) as folder:
        path = f"{folder}/some.pt"
        ends = [numbers(practised(before + after, x, y)[0])]
        o, optimizer = practised(before, x, y)
        m.save_checkpoint(path, o, optimizer, step)
        practise(o, optimizer, after, x, y)
        ends.append(numbers(o))
        o, optimizer = beginner(2, 0.5)
        step = m.load_checkpoint(path, o, optimizer)
        practise(o, optimizer, after, x, y)
        return [int(step), *ends, numbers(o)]


def cut(m, x, y, step):
    """Half a file: did it raise; weights before and after. Then the whole: step, right, loaded."""
    with folder_for(x) as folder:
        path, half = f"{folder}/good.pt", f"{folder}/half.pt"
        o, optimizer = practised(2, x, y)
        m.save_checkpoint(path, o, optimizer, step)
        good = numbers(o)
        with open(path, "rb") as file:
            whole = file.read()
        with open(half, "wb") as file:
            file.write(whole[: len(whole) // 2])
        o, optimizer = beginner(2, 0.03)
        before = numbers(o)
        stopped = raises(m.load_checkpoint, half, o, optimizer)
        after = numbers(o)
        step = int(m.load_checkpoint(path, o, optimizer))
        return [stopped, before, after, step, good, numbers(o)]
