"""Lecture 8's GPT-4 tokenizer is tiktoken's: the same ids for 20,000 strings, and back."""

from __future__ import annotations

import os
import random
import sys
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest
from conftest import ROOT

NAME = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"  # cl100k_base, as tiktoken calls it
ALPHABET = (
    *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    *"     \n\n\r\t''''\"\"`.,;:!?-_/#()[]{}<>|=+*&%$@\\",
    *"äöüßéèñçøåÄÖÉ",
    *"привет мир",
    *"γειάσου",
    *"안녕하세요",
    *"こんにちは日本語",
    *"你好世界",
    *"مرحبا",
    *"नमस्ते",
    *"👋🎉😀🏽\u200d❤️",
    "\u0301\u00a0\u2003²½",
    "'s",
    "'LL",
    "  ",
    "\r\n",
    "the ",
    "return",
)


def here() -> Path | None:
    """The folder with the vocabulary, if there is one."""
    folders = [os.environ.get("TIKTOKEN_CACHE_DIR", ""), str(ROOT / "data" / "tiktoken")]
    return next((Path(f) for f in folders if f and (Path(f) / NAME).is_file()), None)


def reference() -> ModuleType:
    file = ROOT / "solutions" / "l08_tokenizer" / "tokenizer.py"
    spec = util.spec_from_file_location("reference_tokenizer", file)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_twenty_thousand_strings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters of several scripts, digits, spaces, newlines, quotes and emoji: the same tokens."""
    tiktoken = pytest.importorskip("tiktoken", reason="pip install 'autograder[text]'")
    folder = here()
    if folder is None:
        pytest.skip(f"there is no data/tiktoken/{NAME}: `autograder data` fetches it")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
    encoding = tiktoken.get_encoding("cl100k_base")
    ours = reference().GPT4Tokenizer()
    rng = random.Random(8)
    for _ in range(20_000):
        text = "".join(rng.choices(ALPHABET, k=rng.randint(0, 40)))
        ids = encoding.encode(text)
        assert ours.encode(text) == ids, text
        assert ours.decode(ids) == text
