"""What both suites ask with: the probes that run beside your code, and what is right.

The large probe `models` makes one of your classes, finds its parts by the names that the README
lists, and gives them the weights that PyTorch gets, too."""

import math

import torch

from autograder.suite import close

F = torch.nn.functional


def models(m, cls, fields, weights, like, jobs):
    """Make one of the student's classes, set its weights by name, and do jobs with it.

    Returns what each job gave. Names are nanoGPT's; what else they may be called is in `known`.
    """
    import contextlib
    import inspect
    import os
    import sys
    import tempfile
    from types import ModuleType

    import torch

    known = {
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

    def find(o, what, needed=True):
        for name in known[what].split():
            part = getattr(o, name, None)
            if isinstance(part, (torch.nn.Module, torch.Tensor, list)):
                return part
        if not needed:
            return None
        there = [name for name, _ in o.named_children()] + list(o._parameters)
        raise LookupError(
            f"{type(o).__name__} has no {what}; looked for {', '.join(known[what].split())};"
            f" found {', '.join(there) or 'nothing'}"
        )

    def owners(o, path):
        """The modules that a nanoGPT name's layer is: one, or three for a c_attn in pieces."""
        for name in path:
            if name == "transformer":
                o = getattr(o, name, o)
            elif name.isdigit():
                o = list(o)[int(name)]
            elif name == "c_attn" and find(o, name, needed=False) is None:
                return [find(o, piece) for piece in "qkv"]
            elif name in ("c_fc", "c_proj") and find(o, name, needed=False) is None:
                tables = [getattr(part, "weight", None) for part in o.modules()]
                two = [p for p, t in zip(o.modules(), tables) if t is not None and t.dim() == 2]
                o = two[name == "c_proj"] if len(two) == 2 else find(o, name)
            else:
                o = find(o, name)
        return [o]

    def is_turned(layer):
        """Whether it keeps (in, out), as x @ weight wants it."""
        weight = find(layer, "weight")
        if isinstance(layer, (torch.nn.Linear, torch.nn.Embedding)) or weight.dim() < 2:
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

    def put(o, given):
        with torch.no_grad():
            for name, values in given.items():
                targets = pieces(o, name)
                for (target, turned), part in zip(targets, values.chunk(len(targets))):
                    part = part.T if turned else part
                    if target.shape != part.shape:
                        shapes = tuple(target.shape), tuple(part.shape)
                        raise LookupError(f"{name} is {shapes[0]}; {shapes[1]} is expected")
                    target.copy_(part)

    def read(o, names, gradients=False):
        out = {}
        for name in names:
            parts = []
            for tensor, turned in pieces(o, name):
                t = tensor.grad if gradients else tensor.detach()
                t = torch.zeros_like(tensor.detach()) if t is None else t
                parts.append(t.T if turned else t)
            out[name] = torch.cat(parts).clone()
        return out

    def table(o):
        """The token table and the head as they work, whatever they are made of."""
        parts = getattr(o, "transformer", o)
        wte, head = find(parts, "wte"), find(o, "lm_head")
        with torch.no_grad():
            rows = find(wte, "weight").shape[0]
            wide = find(wte, "weight").shape[1]
            ids = torch.arange(rows, device=like.device)
            return wte(ids), head(torch.eye(wide, dtype=like.dtype, device=like.device)).T

    class Light(ModuleType):
        """torch's compiler, which an optimizer imports for seconds only to leave it alone."""

        def graph_break(self, *_):
            pass

        def disable(self, fn, *_, **__):
            return fn

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            heavy()
            import torch._dynamo

            return getattr(torch._dynamo, name)

    def heavy():
        if isinstance(sys.modules.get("torch._dynamo"), Light):
            del sys.modules["torch._dynamo"]
            vars(torch).pop("_dynamo", None)

    @contextlib.contextmanager
    def light():
        if "torch._dynamo" not in sys.modules:
            sys.modules["torch._dynamo"] = torch._dynamo = Light("torch._dynamo")
        try:
            yield
        finally:
            heavy()

    def config():
        wanted = inspect.signature(m.GPTConfig).parameters
        if any(p.kind == p.VAR_KEYWORD for p in wanted.values()):
            return m.GPTConfig(**fields)
        usual = {"dropout": 0.0, "bias": True}
        left_out = [f for f, value in usual.items() if f not in wanted and fields[f] == value]
        return m.GPTConfig(**{f: value for f, value in fields.items() if f not in left_out})

    def raises(f, *inputs):
        try:
            f(*inputs)
        except NotImplementedError:
            raise
        except Exception:
            return True
        return False

    def all_logits(o, idx, targets):
        logits, loss = o(idx, targets)
        if logits.dim() == 2 and len(logits) == idx.numel():
            logits = logits.reshape(*idx.shape, -1)
        return [logits.detach(), loss.detach()]

    def last_logits(o, idx):
        logits, loss = o(idx)
        logits = logits.detach()
        fits = logits.dim() == 3 and logits.shape[1] in (1, idx.shape[1])
        return [logits[:, -1:] if fits else logits, loss]

    def first_step(o, step):
        """Loss, gradients and a step of the optimizer."""
        for p in o.parameters():
            p.grad = None
        idx, targets = step[1:]
        o(idx, targets)[1].backward()
        step[0].step()

    def certain(o, rows, read_lengths):
        """A forward whose logits are the last token's row, plus what the first token says."""
        shape = o(torch.zeros((1, 2), dtype=torch.int64, device=like.device))[0].shape

        def forward(idx, targets=None):
            read_lengths.append(idx.shape[1])
            logits = rows[idx]
            logits = logits.roll(1, 1) if logits.shape[1] > 1 else logits
            logits[:, -1] = rows[idx[:, -1]] + rows[idx[:, 0]].flip(-1) * 1e-3
            return (logits[:, -1:] if shape[1] == 1 else logits), None

        o.forward = forward

    def do(o, job, *inputs):
        if job == "call":
            return o(*inputs).detach()
        if job == "logits":
            return all_logits(o, *inputs)
        if job == "last":
            return last_logits(o, *inputs)
        if job == "loss":
            return float(o(*inputs)[1].detach())
        if job == "raises":
            return raises(o, *inputs)
        if job == "read":
            return read(o, *inputs)
        if job == "none":  # which of these aren't there
            return [name for name in inputs[0] if getattr(o, name, None) is None]
        if job == "gradients":
            idx, targets, names = inputs
            for p in o.parameters():
                p.grad = None
            o(idx, targets)[1].backward()
            return read(o, names, gradients=True)
        if job == "input_gradient":
            x, direction = inputs
            x = x.clone().requires_grad_()
            (o(x) * direction).sum().backward()
            return x.grad
        if job == "count":
            return sum(p.numel() for p in o.parameters())
        if job == "table":
            return list(table(o))
        if job == "nudge":  # what is tied follows
            with torch.no_grad():
                find(find(getattr(o, "transformer", o), "wte"), "weight").mul_(inputs[0])
            return list(table(o))
        if job == "load":
            out = m.load_gpt2(o, dict(inputs[0]))
            return do(out if isinstance(out, torch.nn.Module) else o, *inputs[1])
        if job == "groups":
            with light():
                optimizer = o.configure_optimizers(*inputs)
            kinds = [c.__name__ for c in type(optimizer).__mro__]
            names = {id(p): name for name, p in o.named_parameters()}
            shapes = {name: p.dim() for name, p in o.named_parameters()}
            groups = [
                [float(g["weight_decay"]), sorted(names.get(id(p), "?") for p in g["params"])]
                for g in optimizer.param_groups
            ]
            rates = [
                [float(g["lr"]), [float(b) for b in g["betas"]]] for g in optimizer.param_groups
            ]
            return [("AdamW" in kinds), shapes, sorted(groups), rates]
        if job == "config":
            kept = getattr(o, "config", None)
            return getattr(kept, inputs[0], inputs[1])
        if job == "crop":
            o.crop_block_size(*inputs)
            return None
        if job == "resize":
            n, seed = inputs
            g = None if seed is None else torch.Generator().manual_seed(seed)
            out = m.resize_vocab(o, n) if g is None else m.resize_vocab(o, n, g)
            return isinstance(out, torch.nn.Module)
        if job == "freeze":
            n_old, lr, decay, idx, targets, steps, names = inputs
            with light():
                if lr is None:
                    optimizer = m.freeze_base(o, n_old)
                else:
                    optimizer = m.freeze_base(o, n_old, lr, decay)
                for _ in range(steps):
                    first_step(o, [optimizer, idx, targets])
            kinds = [c.__name__ for c in type(optimizer).__mro__]
            return ["AdamW" in kinds, *table(o), read(o, names)]
        if job == "prompt":
            X, Y, n, steps, lr, names, frozen = inputs
            for name in frozen:
                for tensor, _ in pieces(o, name):
                    tensor.requires_grad_(False)
            before = [p.requires_grad for p in o.parameters()]
            torch.manual_seed(1337)
            with light():
                prompt, losses = m.learn_prompt(o, X, Y, n, steps, lr)
            after = [p.requires_grad for p in o.parameters()]
            losses = [float(loss) for loss in losses]
            return [prompt.detach().to(like.dtype), losses, before, after, read(o, names)]
        if job == "write":  # a model of which nothing but these rows is left
            idx, new, rows, options, seed = inputs
            lengths = []
            certain(o, rows, lengths)
            torch.manual_seed(seed)
            out = o.generate(idx, new, **options)
            del o.forward
            return [out, max(lengths, default=0)]
        if job == "generate":
            idx, new, options, seed = inputs
            torch.manual_seed(seed)
            return o.generate(idx, new, **options)
        if job == "twice":  # with the same generator, where one can be handed in
            idx, new, seed = inputs
            takes = "generator" in inspect.signature(o.generate).parameters
            texts = []
            for _ in range(2):
                g = torch.Generator().manual_seed(seed)
                texts.append(o.generate(idx, new, generator=g) if takes else idx)
            return texts
        if job == "cached":
            counts = {}

            def count(layer, given, _):
                counts[id(layer)] = counts.get(id(layer), 0) + given[0].shape[:-1].numel()

            watched = []
            for block in find(getattr(o, "transformer", o), "h"):
                attn, mlp = find(block, "attn"), find(block, "mlp")
                whole = find(attn, "c_attn", needed=False)
                watched += [mlp, whole if whole is not None else find(attn, "q")]
            hooks = [layer.register_forward_hook(count) for layer in watched]
            out = m.generate_cached(o, *inputs)
            for hook in hooks:
                hook.remove()
            return [out, max(counts.values(), default=0)]
        if job == "set":
            return put(o, *inputs)
        if job == "seed":
            return torch.manual_seed(*inputs) and None
        if job in ("saved", "resumed", "cut"):
            kinds = {"saved": saved, "resumed": resumed, "cut": cut}
            with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder, light():
                return kinds[job](folder, *inputs)
        return o.train(job == "train") and None

    # Checkpoints are of a small model with dropout, made here: what it draws counts, too.

    def beginner(seed, lr):
        torch.manual_seed(seed)
        layers = torch.nn.Linear(6, 10), torch.nn.Dropout(0.3), torch.nn.Linear(10, 5)
        o = torch.nn.Sequential(*layers)
        return o, torch.optim.AdamW(o.parameters(), lr=lr, betas=(0.8, 0.95))

    def practise(o, optimizer, steps, x, y):
        for _ in range(steps):
            optimizer.zero_grad()
            ((o(x) - y) ** 2).mean().backward()
            optimizer.step()

    def numbers(o):
        return [p.detach().clone() for p in o.parameters()]

    def inside(tree):
        if isinstance(tree, dict):
            return [x for key in tree for x in inside(tree[key])]
        if isinstance(tree, (list, tuple)) and not all(isinstance(x, int) for x in tree):
            return [x for part in tree for x in inside(part)]
        if isinstance(tree, (list, tuple, bytes, bytearray)):
            tree = torch.tensor(list(tree))
        return [tree] if isinstance(tree, (torch.Tensor, int)) else []

    def saved(folder, x, y, step):
        path = f"{folder}/some.pt"
        o, optimizer = beginner(1, 0.03)
        practise(o, optimizer, 3, x, y)
        m.save_checkpoint(path, o, optimizer, step)
        try:
            found = inside(torch.load(path, weights_only=True))
        except Exception as error:
            found = type(error).__name__
        moments = [s[k] for s in optimizer.state.values() for k in ("exp_avg", "exp_avg_sq")]
        return [found, numbers(o), moments, torch.get_rng_state()]

    def resumed(folder, x, y, before, after, step):
        path = f"{folder}/some.pt"
        o, optimizer = beginner(1, 0.03)
        practise(o, optimizer, before + after, x, y)
        ends = [numbers(o)]
        o, optimizer = beginner(1, 0.03)
        practise(o, optimizer, before, x, y)
        m.save_checkpoint(path, o, optimizer, step)
        practise(o, optimizer, after, x, y)
        ends.append(numbers(o))
        o, optimizer = beginner(2, 0.5)
        step = m.load_checkpoint(path, o, optimizer)
        practise(o, optimizer, after, x, y)
        return [int(step), *ends, numbers(o)]

    def cut(folder, x, y, step):
        path, half = f"{folder}/good.pt", f"{folder}/half.pt"
        o, optimizer = beginner(1, 0.03)
        practise(o, optimizer, 2, x, y)
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

    torch.manual_seed(1337)
    dtype = torch.get_default_dtype()
    try:
        torch.set_default_dtype(like.dtype)
        given = [config()] if fields is not None else []
        o = None
        if cls is not None:
            o = getattr(m, cls)(*(given or weights)).to(like.device, like.dtype)
        if given and weights is not None:
            put(o, weights)
            tokens = weights.get("transformer.wte.weight")
            put(o, {} if tokens is None else {"lm_head.weight": tokens})  # tied or not
        return [do(o, *job) for job in jobs]
    finally:
        torch.set_default_dtype(dtype)


# Weights by nanoGPT's names, none at its first value: with fresh ones (0.02) nearly every mistake
# would go unseen. A linear layer's are (out, in).


def some(shape, g, device, size=1.0, dtype=torch.float64):
    """Normal numbers of that size, around 0."""
    return (size * torch.randn(shape, generator=g, dtype=torch.float64)).to(device, dtype)


def some_tokens(shape, g, device, V=11):
    return torch.randint(0, V, shape, generator=g).to(device)


SMALL = {
    "block_size": 7,
    "vocab_size": 11,
    "n_layer": 2,
    "n_head": 3,
    "n_embd": 12,
    "dropout": 0.0,
    "bias": True,
}


def for_linear(name, n_in, n_out, bias, g, device):
    made = {f"{name}.weight": some((n_out, n_in), g, device, n_in**-0.5)}
    return made | ({f"{name}.bias": some((n_out,), g, device, 0.5)} if bias else {})


def for_norm(name, C, bias, g, device):
    made = {f"{name}.weight": 1.0 + some((C,), g, device, 0.5)}
    return made | ({f"{name}.bias": some((C,), g, device, 0.5)} if bias else {})


def for_attention(c, g, device, name=""):
    C, bias = c["n_embd"], c["bias"]
    made = for_linear(name + "c_attn", C, 3 * C, bias, g, device)
    made[name + "c_attn.weight"][:C] *= 2.0  # so that the softmax isn't flat
    return made | for_linear(name + "c_proj", C, C, bias, g, device)


def for_mlp(c, g, device, name=""):
    C, bias = c["n_embd"], c["bias"]
    made = for_linear(name + "c_fc", C, 4 * C, bias, g, device)
    return made | for_linear(name + "c_proj", 4 * C, C, bias, g, device)


def for_block(c, g, device, name=""):
    made = for_norm(name + "ln_1", c["n_embd"], c["bias"], g, device)
    made |= for_attention(c, g, device, name + "attn.")
    made |= for_norm(name + "ln_2", c["n_embd"], c["bias"], g, device)
    return made | for_mlp(c, g, device, name + "mlp.")


def for_gpt(c, g, device):
    made = {"transformer.wte.weight": some((c["vocab_size"], c["n_embd"]), g, device)}
    made["transformer.wpe.weight"] = some((c["block_size"], c["n_embd"]), g, device)
    for i in range(c["n_layer"]):
        made |= for_block(c, g, device, f"transformer.h.{i}.")
    return made | for_norm("transformer.ln_f", c["n_embd"], c["bias"], g, device)


def loud(w):
    """The same with blocks that drown the tokens' own rows: else each token would repeat itself."""
    return {name: 5.0 * t if "c_proj.weight" in name else t for name, t in w.items()}


# What is right, by PyTorch. `form`: of GELU, "tanh" or "none" (exact), where either will do.


def right_linear(x, w, name):
    return F.linear(x, w[f"{name}.weight"], w.get(f"{name}.bias"))


def right_norm(x, w, name):
    return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w.get(f"{name}.bias"))


def right_attention(x, w, n_head, name=""):
    q, k, v = right_linear(x, w, name + "c_attn").chunk(3, -1)
    heads = zip(*(t.chunk(n_head, -1) for t in (q, k, v)))
    y = [F.scaled_dot_product_attention(*head, is_causal=True) for head in heads]
    return right_linear(torch.cat(y, -1), w, name + "c_proj")


def right_mlp(x, w, form, name=""):
    x = F.gelu(right_linear(x, w, name + "c_fc"), approximate=form)
    return right_linear(x, w, name + "c_proj")


def right_block(x, w, n_head, form, name=""):
    x = x + right_attention(right_norm(x, w, name + "ln_1"), w, n_head, name + "attn.")
    return x + right_mlp(right_norm(x, w, name + "ln_2"), w, form, name + "mlp.")


def right_gpt(idx, w, c, form, prompt=None):
    """Logits at every place, those of a prompt's own left out."""
    x = F.embedding(idx, w["transformer.wte.weight"])
    n = 0 if prompt is None else len(prompt)
    if n:
        x = torch.cat([prompt.expand(len(idx), -1, -1), x], 1)
    x = x + w["transformer.wpe.weight"][: x.shape[1]]
    for i in range(c["n_layer"]):
        x = right_block(x, w, c["n_head"], form, f"transformer.h.{i}.")
    x = right_norm(x, w, "transformer.ln_f")[:, n:]
    return x @ w["transformer.wte.weight"].T


def right_loss(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


def right_greedy(idx, new, w, c, form):
    for _ in range(new):
        logits = right_gpt(idx[:, -c["block_size"] :], w, c, form)[:, -1]
        idx = torch.cat([idx, logits.argmax(-1, keepdim=True)], 1)
    return idx


def distance(answer, expected):
    """How far apart two trees are in all; infinite where they aren't alike."""
    if isinstance(expected, dict):
        same = isinstance(answer, dict) and answer.keys() == expected.keys()
        return sum(distance(answer[k], expected[k]) for k in expected) if same else math.inf
    if isinstance(expected, (list, tuple)):
        same = isinstance(answer, (list, tuple)) and len(answer) == len(expected)
        return sum(map(distance, answer, expected)) if same else math.inf
    if isinstance(expected, torch.Tensor):
        same = isinstance(answer, torch.Tensor) and answer.shape == expected.shape
        return (answer.double() - expected.double()).abs().sum().item() if same else math.inf
    if isinstance(expected, float):
        return abs(answer - expected) if isinstance(answer, float) else math.inf
    return 0.0


def judge(answer, right, **tolerance):
    """Is it right, with the form of GELU that it is nearer to?"""
    exact, tanh = right("none"), right("tanh")
    nearer = exact if distance(answer, exact) < distance(answer, tanh) else tanh
    close(answer, nearer, **tolerance)


def published(w):
    """These weights as GPT-2's file has them: four kinds turned, the head, and buffers."""
    sd = {}
    for name, t in w.items():
        kind = name.split(".")[-2:]
        turn = kind[0] in ("c_attn", "c_proj", "c_fc") and kind[1] == "weight"
        sd[name] = t.T.contiguous() if turn else t
        if name.endswith("ln_1.weight"):
            at = name.replace("ln_1.weight", "attn.")
            T = w["transformer.wpe.weight"].shape[0]
            sd[at + "bias"] = torch.ones(1, 1, T, T, device=t.device).tril()
            sd[at + "masked_bias"] = torch.tensor(-1e4, device=t.device)
    return sd | {"lm_head.weight": w["transformer.wte.weight"]}


WTE = "transformer.wte.weight"
LARGER = {
    "block_size": 16,
    "vocab_size": 65,
    "n_layer": 2,
    "n_head": 2,
    "n_embd": 32,
    "dropout": 0.0,
    "bias": True,
}
ROUNDED = {"rtol": 1e-5, "atol": 1e-6, "reason": "float32 rounds in the seventh digit"}
EXACT = {"rtol": 0.0, "atol": 0.0, "reason": "nothing may change, not by a bit"}


def gap(m, xs):
    return float(m.gelu_gap(xs))


def counted(m, fields):
    return int(m.count_params(m.GPTConfig(**fields)))


def right_groups(answer, decay, lr, betas):
    """By the model's own names and dimensions: who decays and who doesn't."""
    try:
        dims = {str(name): int(dim) for name, dim in answer[0][1].items()}
    except (TypeError, IndexError, KeyError, ValueError, AttributeError):
        dims = {}
    many = sorted(name for name, dim in dims.items() if dim >= 2)
    few = sorted(name for name, dim in dims.items() if dim < 2)
    groups = sorted([[decay, many], [0.0, few]])
    return [[True, dims, groups, [[lr, betas], [lr, betas]]]]


def rates(m, its, settings):
    return [float(m.get_lr(it, *settings)) for it in its]


def accumulated(m, table, shift, X, Y, micro):
    """What accumulate makes of a model that writes down how many rows it is given."""
    import torch

    rows = []

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Parameter(table.clone())
            self.shift = torch.nn.Parameter(shift.clone())

        def forward(self, idx, targets=None):
            rows.append(len(idx))
            logits = self.table[idx] + self.shift
            flat = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
            return logits, flat

    model = Model()
    for p in model.parameters():
        p.grad = torch.full_like(p, 7.0)
    loss = float(m.accumulate(model, X, Y, micro))
    return [loss, model.table.grad, model.shift.grad, rows]


def right_sum(table, shift, X, Y, rows):
    table, shift = table.clone().requires_grad_(), shift.clone().requires_grad_()
    loss = F.cross_entropy((table[X] + shift).flatten(0, 1), Y.flatten())
    gradients = torch.autograd.grad(loss, (table, shift))
    return [loss.item(), *gradients, rows]


def clipped(m, grads, max_norm):
    import torch

    params = [torch.zeros_like(grads[0])] + [torch.zeros_like(g) for g in grads]
    for p, g in zip(params[1:], grads):
        p.grad = g.clone()
    norm = float(m.clip_grad(params, max_norm))
    return [norm, [p.grad for p in params]]


def right_clip(grads, max_norm):
    norm = math.sqrt(sum(g.square().sum().item() for g in grads))
    factor = min(1.0, max_norm / norm) if norm else 1.0
    return [norm, [None] + [factor * g for g in grads]]


def for_practice(g):
    """A batch for the checkpoint tests: on the CPU, where the next step is the same to the bit."""
    return some((4, 6), g, "cpu"), some((4, 5), g, "cpu")


def there(answer, step):
    """Which of the things that the next step depends on are in the file."""
    found, model, moments, rng = answer
    if not isinstance(found, list):
        return found
    tensors = [t for t in found if isinstance(t, torch.Tensor)]
    tensors += [torch.tensor(n, device="cpu") for n in found if type(n) is int]

    def holds(wanted):
        return any(t.shape == wanted.shape and bool((t == wanted).all()) for t in tensors)

    things = {"model": model, "moments": moments, "random state": [rng]}
    things["step"] = [torch.tensor(step, device="cpu")]
    return {name: all(holds(t) for t in wanted) for name, wanted in things.items()}


ALL_THERE = {"model": True, "moments": True, "random state": True, "step": True}


def utilised(m, n_params, fields, *rest):
    return float(m.estimate_mfu(n_params, m.GPTConfig(**fields), *rest))
