"""Import what is slow before the first fork, so that every forked process has it already."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterable


def load(imports: Iterable[str]) -> None:
    """Import modules; leave out those that aren't installed. torch gets one thread."""
    for name in imports:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if name == "torch":
            module.set_num_threads(1)
            module.ones(2).add(1)  # torch examines the processor once, which isolation would stop


def freeze() -> None:
    """Keep the collector off shared memory; its first full run would copy every page."""
    gc.collect()
    gc.freeze()


def warm_up() -> None:
    """Use the parts of torch that import more at first use: seconds, spent before the forks."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    functional = torch.nn.functional
    layer = torch.nn.Sequential(torch.nn.Embedding(5, 4), torch.nn.LayerNorm(4))
    layer.append(torch.nn.Linear(4, 5))
    optimizer = torch.optim.AdamW(layer.parameters())
    tokens = torch.tensor([[0, 1, 2]])
    loss = torch.nn.CrossEntropyLoss()(layer(tokens).view(3, 5), tokens.view(3))
    loss.backward()
    optimizer.step()
    q = torch.ones(2, 3, 4)
    functional.scaled_dot_product_attention(q, q, q, is_causal=True)
    functional.batch_norm(q, None, None, training=True)
    torch.einsum("bij,bkj->bik", q, q)
    torch.testing.assert_close(q, q.clone())
