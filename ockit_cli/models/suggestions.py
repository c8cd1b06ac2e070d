"""A short table of openly licensed chat models for `ockit models suggest`, and which of them this machine can hold.

Data of a day, in the source: nothing is asked of a network. Repositories, file names, sizes and digests are those that
public projects have pinned, each found in two or more of them, or in one that read them from the hub's own records;
licences are those of the model cards. The attention's shape is that of each model's ``config.json``. What changes on
the hub later is noticed by `ockit models pull`, which asks the hub itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ockit.models.hub_files import RemoteFile, RemoteModel
from ockit.models.rough_memory import rough_need

AS_OF = "2026-11-21"
"""The day the table was put together."""


@dataclass(frozen=True)
class Suggestion:
    """One model as one file.

    Attributes:
        title: what people call it.
        parameters: as its makers count them.
        repo, file: where it is on the hub.
        size: bytes of the file.
        license: its SPDX name.
        attention: layers, key-value heads and the length of a head: what the cache takes follows from them.
        sha256: of the file; None where it is not known.
        note: what is worth knowing, in a few words.
    """

    title: str
    parameters: str
    repo: str
    file: str
    size: int
    license: str
    attention: tuple[int, int, int]
    sha256: str | None = None
    note: str = ""

    @property
    def needs(self) -> int:
        """Bytes of memory with 4,096 tokens of context: the file, a cache in f16, and 256 MiB for the work."""
        layers, heads, length = self.attention
        return rough_need(self.size, 2 * 2 * layers * heads * length)

    @property
    def command(self) -> str:
        """What to type to fetch it."""
        remote = RemoteModel((RemoteFile(self.file, self.size, self.sha256),))
        return f"ockit models pull {self.repo}:{remote.quantization or self.file}"


SUGGESTIONS: tuple[Suggestion, ...] = (
    Suggestion(
        "Qwen2.5 0.5B Instruct",
        "0.5B",
        "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
        "qwen2.5-0.5b-instruct-q4_k_m.gguf",
        491_400_032,
        "Apache-2.0",
        (24, 2, 64),
        "74a4da8c9fdbcd15bd1f6d01d621410d31c6fc00986f5eb687824e7b93d7a9db",
    ),
    Suggestion(
        "SmolLM2 1.7B Instruct",
        "1.7B",
        "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF",
        "smollm2-1.7b-instruct-q4_k_m.gguf",
        1_055_609_536,
        "Apache-2.0",
        (24, 32, 64),
        "decd2598bc2c8ed08c19adc3c8fdd461ee19ed5708679d1c54ef54a5a30d4f33",
        "English",
    ),
    Suggestion(
        "Qwen2.5 1.5B Instruct",
        "1.5B",
        "Qwen/Qwen2.5-1.5B-Instruct-GGUF",
        "qwen2.5-1.5b-instruct-q4_k_m.gguf",
        1_117_320_736,
        "Apache-2.0",
        (28, 2, 128),
        "6a1a2eb6d15622bf3c96857206351ba97e1af16c30d7a74ee38970e434e9407e",
    ),
    Suggestion(
        "Granite 3.3 2B Instruct",
        "2.5B",
        "ibm-granite/granite-3.3-2b-instruct-GGUF",
        "granite-3.3-2b-instruct-Q4_K_M.gguf",
        1_545_303_328,
        "Apache-2.0",
        (40, 8, 64),
        "ac71e9e32c0bea919b409c5918f69ca74339854b0319c5065e4e9fb6d95c4852",
    ),
    Suggestion(
        "Phi-3 mini 4k Instruct",
        "3.8B",
        "microsoft/Phi-3-mini-4k-instruct-gguf",
        "Phi-3-mini-4k-instruct-q4.gguf",
        2_393_231_072,
        "MIT",
        (32, 32, 96),
        "8a83c7fb9049a9b2e92266fa7ad04933bb53aa1e85136b7b30f1b8000ff2edef",
        "4,096 tokens of context",
    ),
    Suggestion(
        "Qwen3 4B",
        "4.0B",
        "Qwen/Qwen3-4B-GGUF",
        "Qwen3-4B-Q4_K_M.gguf",
        2_497_280_256,
        "Apache-2.0",
        (36, 8, 128),
        "7485fe6f11af29433bc51cab58009521f205840f5b4ae3a32fa7f92e8534fdf5",
        "thinks before it answers",
    ),
    Suggestion(
        "Mistral 7B Instruct v0.3",
        "7.2B",
        "bartowski/Mistral-7B-Instruct-v0.3-GGUF",
        "Mistral-7B-Instruct-v0.3-Q4_K_M.gguf",
        4_372_812_000,
        "Apache-2.0",
        (32, 8, 128),
        "1270d22c0fbb3d092fb725d4d96c457b7b687a5f5a715abe1e818da303e562b6",
    ),
    Suggestion(
        "Qwen2.5 7B Instruct",
        "7.6B",
        "bartowski/Qwen2.5-7B-Instruct-GGUF",
        "Qwen2.5-7B-Instruct-Q4_K_M.gguf",
        4_683_074_240,
        "Apache-2.0",
        (28, 4, 128),
        "65b8fcd92af6b4fefa935c625d1ac27ea29dcb6ee14589c55a8f115ceaaa1423",
    ),
    Suggestion(
        "Qwen3 8B",
        "8.2B",
        "Qwen/Qwen3-8B-GGUF",
        "Qwen3-8B-Q4_K_M.gguf",
        5_027_783_488,
        "Apache-2.0",
        (36, 8, 128),
        "d98cdcbd03e17ce47681435b5150e34c1417f50b5c0019dd560e4882c5745785",
        "thinks before it answers",
    ),
    Suggestion(
        "Qwen3 14B",
        "14.8B",
        "Qwen/Qwen3-14B-GGUF",
        "Qwen3-14B-Q4_K_M.gguf",
        9_001_752_960,
        "Apache-2.0",
        (40, 8, 128),
        "500a8806e85ee9c83f3ae08420295592451379b4f8cf2d0f41c15dffeb6b81f0",
        "thinks before it answers",
    ),
    Suggestion(
        "Qwen3 30B-A3B Instruct 2507",
        "30.5B",
        "unsloth/Qwen3-30B-A3B-Instruct-2507-GGUF",
        "Qwen3-30B-A3B-Instruct-2507-Q4_K_M.gguf",
        18_556_686_752,
        "Apache-2.0",
        (48, 4, 128),
        "6c997b8af17debdfb01d890214400ccbab00db6acc0ba8da5de1cc906c4774d0",
        "uses 3B a token: as fast as a small one",
    ),
)


def for_memory(
    free: int, table: Sequence[Suggestion] = SUGGESTIONS
) -> tuple[tuple[Suggestion, ...], tuple[Suggestion, ...]]:
    """Those that fit into so many bytes, the largest first, and those that do not, the smallest first."""
    by_size = sorted(table, key=lambda row: row.size)
    fitting = tuple(row for row in reversed(by_size) if row.needs <= free)
    return fitting, tuple(row for row in by_size if row.needs > free)
