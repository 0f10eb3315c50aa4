"""What both suites ask with: the probes that run beside your code, and what is right.

The large probe `modules` makes one of your classes, finds its layers by the names that the README
lists, and gives them the weights that PyTorch gets, too."""

import torch

from autograder.suite import close

F = torch.nn.functional

ROUNDED = {"rtol": 1e-5, "atol": 1e-5, "reason": "float32 rounds in the seventh digit"}


def modules(m, names, args, weights, like, jobs):
    """Make one of the student's classes, set its weights by name, and do jobs with it.

    Returns {"biases": the linear layers that have one, "out": what each job gave}.
    """
    import inspect
    from types import SimpleNamespace

    import torch

    known = {
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
    arguments = {
        "head_size": "head_size hs head_dim d_head",
        "num_heads": "num_heads n_head n_heads nheads heads h",
        "n_head": "n_head num_heads n_heads nheads heads h",
        "n_embd": "n_embd n_embed d_model embed_dim emb_dim embd dim emb_size C",
        "block_size": "block_size context_length context_size max_len max_seq_len seq_len T",
        "dropout": "dropout dropout_p dropout_rate p_drop drop_rate pdrop drop p",
        "vocab_size": "vocab_size n_vocab vocab V",
        "n_layer": "n_layer n_layers num_layers n_blocks num_blocks layers",
        "dim": "dim n_embd C features normalized_shape",
        "eps": "eps epsilon",
    }
    biases = set()

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

    def find(o, what, needed=True):
        for name in known[what].split():
            part = o.get(name) if isinstance(o, dict) else getattr(o, name, None)
            if part is not None and not inspect.ismethod(part):
                return part
        if not needed:
            return None
        there = [name for name, part in inside(o).items() if not isinstance(part, (int, float))]
        raise LookupError(
            f"{type(o).__name__} has no {what}; looked for {', '.join(known[what].split())};"
            f" found {', '.join(there) or 'nothing'}"
        )

    def put(target, values, where):
        if target.numel() != values.numel() or target.shape[-1] != values.shape[-1]:
            shapes = tuple(target.shape), tuple(values.shape)
            raise LookupError(f"{where} has the shape {shapes[0]}; {shapes[1]} is expected")
        with torch.no_grad():
            target.copy_(values.reshape(target.shape))

    def call(o, *inputs):
        return (o if callable(o) else o.forward)(*inputs)

    def matrix(part, W, b, name, shift=None):
        """Set a linear layer, or a bare table, to (out, in) W and b."""
        table = part
        if not isinstance(part, torch.Tensor):
            table, shift = find(part, "weight"), find(part, "bias", needed=False)
        turned = table.shape != W.shape
        if W.shape[0] == W.shape[1]:
            turned = isinstance(part, torch.Tensor)  # x @ W
            if not turned and not isinstance(part, torch.nn.Linear):
                put(table, W, name)
                zero = torch.zeros_like(W)
                moved = call(part, torch.eye(len(W), dtype=W.dtype, device=W.device))
                turned = torch.allclose(moved - call(part, zero), W)
        put(table, W.T if turned else W, name)
        if isinstance(shift, torch.Tensor):
            put(shift, b, name + "'s bias")
            biases.update(["key", "query", "value"] if name == "qkv" else [name])

    def linear(o, what, pair):
        part, shift = find(o, what), None
        if isinstance(part, torch.Tensor):
            wanted = (what + "_bias", "b_" + what, what + "_b")
            shift = next((getattr(o, n) for n in wanted if hasattr(o, n)), None)
        matrix(part, *pair, what, shift)

    def set_head(o, w):
        for what in ("key", "query", "value"):
            linear(o, what, w[what])

    def joined(w, what):
        return [torch.cat([head[what][i] for head in w["heads"]]) for i in (0, 1)]

    def set_heads(o, w):
        heads = find(o, "heads", needed=False)
        whole = find(o, "qkv", needed=False)
        if isinstance(heads, (list, tuple, torch.nn.Module)) and not isinstance(heads, dict):
            heads = list(heads.children()) if isinstance(heads, torch.nn.Module) else heads
            if len(heads) != len(w["heads"]):
                raise LookupError(f"heads has {len(heads)} heads, not {len(w['heads'])}")
            for head, its in zip(heads, w["heads"]):
                set_head(head, its)
        elif whole is not None:
            parts = [joined(w, what) for what in ("query", "key", "value")]
            matrix(whole, *(torch.cat([p[i] for p in parts]) for i in (0, 1)), "qkv")
        elif find(o, "key", needed=False) is None:
            find(o, "heads")
        else:
            for what in ("key", "query", "value"):
                table = find(o, what)
                if isinstance(table, torch.Tensor) and table.dim() == 3:
                    stack = torch.stack([head[what][0] for head in w["heads"]])
                    turned = stack.mT  # x @ W
                    put(table, turned if table.shape == turned.shape else stack, what)
                else:
                    linear(o, what, joined(w, what))
        linear(o, "proj", w["proj"])

    def walk(o, seen):
        for name, part in inside(o).items():
            if id(part) in seen or isinstance(part, (str, int, float, type)) or part is None:
                continue
            seen.add(id(part))
            yield name, part
            if not isinstance(part, torch.Tensor):
                yield from walk(part, seen)

    def set_ffwd(o, w):
        up, down = w["up"], w["down"]
        sizes = sorted(up[0].shape)
        layers, tables, shifts = [], [], []
        for _, part in walk(o, set()):
            if isinstance(part, torch.Tensor):
                (tables if part.dim() == 2 else shifts).append(part)
            else:
                table = next((getattr(part, n, None) for n in ("weight", "W", "w")), None)
                if isinstance(table, torch.Tensor) and table.dim() == 2:
                    layers.append((part, sorted(table.shape)))
        if not layers:
            layers = [(table, sorted(table.shape)) for table in tables]
        if len(layers) != 2 or any(size != sizes for _, size in layers):
            raise LookupError(
                f"{type(o).__name__} should have two linear layers, {sizes[0]} to {sizes[1]} and"
                f" back; found {', '.join(str(tuple(size)) for _, size in layers) or 'none'}"
            )
        parts = [part for part, _ in layers]
        if all(isinstance(part, torch.nn.Linear) for part in parts):
            parts.sort(key=lambda part: -part.out_features)
        for part, pair, name in zip(parts, (up, down), ("up", "down")):
            bare = [s for s in shifts if s.numel() == len(pair[1])]
            shift = bare[0] if bare and isinstance(part, torch.Tensor) else None
            matrix(part, *pair, name, shift)

    def set_norm(part, w):
        put(find(part, "gamma"), w[0], "gamma")
        put(find(part, "beta"), w[1], "beta")

    def set_block(o, w):
        set_heads(find(o, "sa"), w["sa"])
        set_ffwd(find(o, "ffwd"), w["ffwd"])
        set_norm(find(o, "ln1"), w["ln1"])
        set_norm(find(o, "ln2"), w["ln2"])

    def set_table(o, what, values):
        part = find(o, what)
        table = part if isinstance(part, torch.Tensor) else find(part, "weight")
        put(table, values, what)

    def set_gpt(o, w):
        set_table(o, "token_embedding_table", w["tokens"])
        set_table(o, "position_embedding_table", w["positions"])
        blocks = find(o, "blocks")
        blocks = list(blocks.children()) if isinstance(blocks, torch.nn.Module) else list(blocks)
        last = find(o, "ln_f", needed=False)
        if last is None and blocks and find(blocks[-1], "sa", needed=False) is None:
            last = blocks.pop()
        if len(blocks) != len(w["blocks"]):
            raise LookupError(f"blocks has {len(blocks)} blocks, not {len(w['blocks'])}")
        for block, its in zip(blocks, w["blocks"]):
            set_block(block, its)
        set_norm(last if last is not None else find(o, "ln_f"), w["ln_f"])
        linear(o, "lm_head", w["lm_head"])

    def made():
        cls = next((getattr(m, n) for n in names[:-1] if hasattr(m, n)), None)
        cls = getattr(m, names[-1]) if cls is None else cls
        given, unknown, wanted = {}, 0, inspect.signature(cls).parameters.values()
        for p in wanted:
            own = [a for a in args if p.name in arguments[a].split() and a not in given.values()]
            if own:
                given[p.name] = own[0]
            elif p.name in ("config", "cfg"):
                given[p.name] = None
            elif p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
                unknown += 1
        if unknown:
            return cls(*list(args.values())[: len(wanted)])
        if any(p.kind == p.VAR_KEYWORD for p in wanted):
            given.update({a: a for a in args if a not in given.values()})
        whole = SimpleNamespace(**args)
        return cls(**{p: whole if a is None else args[a] for p, a in given.items()})

    def change(holder, names, value, kinds):
        """Set those globals of the module that hold such a value; what they were."""
        old = {n: holder[n] for n in names if len(n) > 1 and type(holder.get(n)) in kinds}
        holder.update(dict.fromkeys(old, value))
        return old

    def switch(o, on):
        if callable(getattr(o, "train", None)):
            o.train(on)
            return
        for part in (o, *(part for _, part in walk(o, set()))):
            if isinstance(getattr(part, "training", None), bool):
                part.training = on

    def plain(value):
        if isinstance(value, torch.Tensor):
            return value.detach()
        return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value

    def do(o, job, *inputs):
        if job == "call":
            return plain(call(o, *inputs))
        if job == "model":  # with targets, (B·T, V) stands for (B, T, V)
            logits, loss = call(o, *inputs)
            if len(inputs) > 1 and logits.dim() == 2 and len(logits) == inputs[0].numel():
                logits = logits.reshape(*inputs[0].shape, -1)
            return [logits.detach(), plain(loss)]
        if job == "raises":
            try:
                call(o, *inputs)
            except NotImplementedError:
                raise
            except Exception:
                return True
            return False
        if job == "loss":
            return float(call(o, *inputs)[1].detach())
        if job == "generate":
            return o.generate(*inputs)
        if job == "lonely":  # parameters that no gradient reaches
            call(o, *inputs)[1].backward()
            parameters = list(o.parameters())
            dead = [p for p in parameters if p.grad is None or not p.grad.abs().sum() > 0]
            return [len(parameters) > 0, len(dead)]
        if job == "count":
            return sum(p.numel() for p in o.parameters())
        return switch(o, job == "train")

    setters = {"Head": set_head, "EncoderHead": set_head, "CrossHead": set_head}
    setters |= {"MultiHeadAttention": set_heads, "FeedForward": set_ffwd, "Block": set_block}
    setters["BigramLanguageModel"] = lambda o, w: set_table(o, "token_embedding_table", w)
    setters["GPTLanguageModel"] = set_gpt

    torch.manual_seed(1337)  # what a layer draws is the same for everybody
    old, dtype = {}, torch.get_default_dtype()
    try:
        for name, value in args.items():
            old |= change(vars(m), arguments[name].split(), value, (int, float))
        old |= change(vars(m), ["device"], str(like.device), (str, torch.device))
        torch.set_default_dtype(like.dtype)
        if like.device.type == "cpu":
            o = made()
        else:
            with torch.device(like.device):
                o = made()
        if isinstance(o, torch.nn.Module):
            o = o.to(like.device, like.dtype)
        if weights is not None:
            setters[names[-1]](o, weights)
        out = [do(o, *job) for job in jobs]
    finally:
        torch.set_default_dtype(dtype)
        vars(m).update(old)
    return {"biases": sorted(biases), "out": out}


# Weights for every layer, none at its first value; a linear layer is [W (out, in), b (out,)].


def some(shape, g, device, size=1.0, dtype=torch.float64):
    """Normal numbers of that size, around 0."""
    return (size * torch.randn(shape, generator=g, dtype=torch.float64)).to(device, dtype)


def some_tokens(shape, g, device, V=11):
    return torch.randint(0, V, shape, generator=g).to(device)


def for_linear(n_in, n_out, g, device):
    return [some((n_out, n_in), g, device, n_in**-0.5), some((n_out,), g, device, 0.5)]


def for_head(C, hs, g, device):
    made = {what: for_linear(C, hs, g, device) for what in ("key", "query", "value")}
    made["key"][0] *= 2.0  # so that the softmax isn't flat
    return made


def for_heads(C, H, g, device):
    heads = [for_head(C, C // H, g, device) for _ in range(H)]
    return {"heads": heads, "proj": for_linear(C, C, g, device)}


def for_ffwd(C, g, device):
    return {"up": for_linear(C, 4 * C, g, device), "down": for_linear(4 * C, C, g, device)}


def for_norm(C, g, device):
    return [1.0 + some((C,), g, device, 0.5), some((C,), g, device, 0.5)]


def for_block(C, H, g, device):
    made = {"sa": for_heads(C, H, g, device), "ffwd": for_ffwd(C, g, device)}
    return made | {"ln1": for_norm(C, g, device), "ln2": for_norm(C, g, device)}


def for_gpt(V, C, H, n_layer, T, g, device):
    return {
        "tokens": some((V, C), g, device),
        "positions": some((T, C), g, device),
        "blocks": [for_block(C, H, g, device) for _ in range(n_layer)],
        "ln_f": for_norm(C, g, device),
        "lm_head": for_linear(C, V, g, device),
    }


# What is right, by PyTorch. `has`: the names of the linear layers that have a bias.


def right_linear(x, pair, name, has):
    return F.linear(x, pair[0], pair[1] if name in has else None)


def right_head(x, w, has, causal=True, context=None):
    context = x if context is None else context
    q = right_linear(x, w["query"], "query", has)
    k, v = (right_linear(context, w[what], what, has) for what in ("key", "value"))
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal)


def right_heads(x, w, has):
    out = torch.cat([right_head(x, head, has) for head in w["heads"]], -1)
    return right_linear(out, w["proj"], "proj", has)


def right_ffwd(x, w, has):
    return right_linear(F.relu(right_linear(x, w["up"], "up", has)), w["down"], "down", has)


def right_norm(x, w):
    return F.layer_norm(x, x.shape[-1:], *w)


def right_block(x, w, has):
    x = x + right_heads(right_norm(x, w["ln1"]), w["sa"], has)
    return x + right_ffwd(right_norm(x, w["ln2"]), w["ffwd"], has)


def right_gpt(idx, w, has):
    x = F.embedding(idx, w["tokens"]) + w["positions"][: idx.shape[1]]
    for block in w["blocks"]:
        x = right_block(x, block, has)
    return right_linear(right_norm(x, w["ln_f"]), w["lm_head"], "lm_head", has)


def right_loss(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def judge(answer, right, **tolerance):
    """Is what the jobs gave right? `right` gets the names of the layers that have a bias."""
    has = answer.get("biases") if isinstance(answer, dict) else None
    has = has if isinstance(has, list) and all(isinstance(n, str) for n in has) else []
    close(answer, {"biases": has, "out": right(has)}, **tolerance)


def batches(m, data, block_size, batch_size, seed):
    import torch

    torch.manual_seed(1337)
    g = torch.Generator().manual_seed(seed)
    return m.get_batch(data, block_size, batch_size, g, str(data.device))


def arrows(m, mask):
    return sorted([int(j), int(i)] for j, i in m.communication_graph(mask))


def normed(m, x, gamma, beta, eps):
    """The student's norm of x, with gains and shifts where they aren't None."""
    import torch

    dtype = torch.get_default_dtype()
    torch.set_default_dtype(x.dtype)
    try:
        norm = m.LayerNorm1d(x.shape[-1]) if eps is None else m.LayerNorm1d(x.shape[-1], eps)
    finally:
        torch.set_default_dtype(dtype)
    if isinstance(norm, torch.nn.Module):
        norm.to(x.device)
    for names, values in (("gamma weight g scale", gamma), ("beta bias b shift", beta)):
        name = next((n for n in names.split() if hasattr(norm, n)), None)
        if name is None:
            raise LookupError(f"LayerNorm1d has no {names.split()[0]}; found {list(vars(norm))}")
        own = getattr(norm, name).data
        getattr(norm, name).data = own.to(x.device) if values is None else values.clone()
    out = norm(x) if callable(norm) else norm.forward(x)
    return [out.detach(), sorted((p.detach() for p in norm.parameters()), key=lambda p: -p.sum())]


GPT = {"vocab_size": 11, "n_embd": 12, "n_head": 3, "n_layer": 2, "block_size": 7, "dropout": 0.0}


def right_text(idx, new, block_size, V=11):
    rows = idx.tolist()
    for row in rows:
        for _ in range(new):
            row.append((sum(row[-block_size:]) + 3 * row[-1] + 1) % V)
    return torch.tensor(rows, device=idx.device)


def estimated(m, w, eval_iters, training):
    """What estimate_loss makes of a model that writes down how it is asked."""
    import torch

    asked, counts = [], {"train": 0, "val": 0}

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(w.clone())

        def forward(self, idx, targets=None):
            asked.append([self.training, torch.is_grad_enabled()])
            logits = (self.w * idx.double()).unsqueeze(-1)
            return logits, self.w * (idx + 2 * targets).double().mean()

    def get_batch(split):
        counts[split] += 1
        x = torch.tensor([[1, counts[split] ** 2], [2, 3]], device=w.device)
        return x, x + (10 if split == "val" else 5)

    model = Model()
    model.train(training)
    losses = m.estimate_loss(model, get_batch, eval_iters)
    graph = any(getattr(loss, "requires_grad", False) for loss in losses.values())
    losses = {str(split): float(loss) for split, loss in losses.items()}
    modes = sorted({str(mode) for mode in asked})
    after = [model.training, torch.is_grad_enabled(), model.w.grad is None]
    return [losses, counts, modes, graph, after]


def trained(m, table, data, steps, batch_size, block_size, lr, seed):
    """Train a table of logits that writes down what it is given."""
    import torch

    torch.manual_seed(1337)
    seen = []

    class Table(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Parameter(table.clone())

        def forward(self, idx, targets=None):
            seen.append([idx, targets])
            logits = self.table[idx]
            flat = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
            return logits, flat

    model, g = Table(), torch.Generator().manual_seed(seed)
    losses = m.train(model, data, steps, batch_size, block_size, lr, g)
    return [[float(loss) for loss in losses], model.table.detach(), seen]


def shown(answer, steps, shape):
    """The batches that a training has shown, or stand-ins of zeros."""
    try:
        seen = [[x.reshape(shape), y.reshape(shape)] for x, y in answer[2]]
    except (TypeError, IndexError, KeyError, ValueError, AttributeError, RuntimeError):
        seen = []
    known = len(seen) == steps and all(t.dtype == torch.int64 for pair in seen for t in pair)
    return seen if known else [[torch.zeros(shape, dtype=torch.int64)] * 2] * steps
