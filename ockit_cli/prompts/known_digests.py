"""Digests of the chat templates whose rendering was compared with ours, and the format each of them is.

The digest is SHA-256 of the canonical form (`ockit.prompts.recognise.fingerprint`). Beside it stands the name of
the format and what this model does otherwise. The texts compared stand in ``tests/prompts/chat_templates``, but
for the four at the end, which were compared and not kept.
"""

from __future__ import annotations

from typing import Any

_EVERYONE = frozenset({"system", "user", "assistant"})

KNOWN: dict[str, tuple[str, dict[str, Any]]] = {
    # openhermes-2.5-mistral-7b
    "d1771afe4d5f9caa857d671128c1fb29bb0ee0514a40a84aa0ead60bb7660ecb": ("chatml", {}),
    # mistral-7b-instruct-v0.2
    "9c631cc7a8ba2f3050c8a16f99ddbd97b4c37c9808e8e65626093d5d285a4d99": ("mistral", {}),
    # mistral-7b-instruct-v0.1
    "cf20f35dff1337b71a65bdf8cb58023a9d97fdf4aa34e36f73d000f9b3ddde32": (
        "mistral",
        {"assistant": "{text}{eos} "},
    ),
    # gemma-7b-it
    "4437753d3347cce6bdc6a2aef4cd3d05ce12c21f338dc256dcf63fffac4b16ba": ("gemma", {}),
    # gemma-2-2b-it
    "1ccb977698e6b91ff88cbe6538858e76380742e9b6ec3e3b0cd626be5beade84": ("gemma", {}),
    # gemma-3
    "a7bea2732beca6b7476da05961a10cb3c786b689f7ff94bb8d9b370b631a5f9b": ("gemma", {}),
    # gemma-3n
    "4d022e75fd654f85ebeb7bd266e0a630f70bb7ac3e3faa676f97af1e4f0bb638": ("gemma", {}),
    # unsloth-gemma
    "9b780cd342dd81091bac82cde84dba11472b46b6253a98a41c998e771c17f0ef": (
        "gemma",
        {"trim": _EVERYONE, "fold": "{system} {text}"},
    ),
    # openchat-3.5-0106
    "a00c02905c9bb428b178e673bd6c94d8f6df7ac92fc8fff9c015ff34baafe536": ("openchat", {}),
    # command-r-plus
    "589b56a913badb0dbfd949bc032404189f1d9dadd4bb7c99d05b067ea1e3c6f9": ("command-r", {}),
    # llama-3-no-switch
    "15a95580cd2005e0038f4e9a4d2b8135867c65d4ad49e304e63e63b45df93b97": ("llama-3", {}),
    # llama-3-8b-instruct
    "50e546b8be66053dd993bc8ed4054694e1551058e95be75739eab1554c282160": ("llama-3", {}),
    # unsloth-llama-3
    "64db8c17b82344a8312fa583e73957b824201fb6f2c88a463791f58c0277e149": ("llama-3", {}),
    # llama-3.1-8b-instruct
    "c3743bacefd624d0df872781d439ba5985c4571e84f306c6222b452312a3c814": ("llama-3.1", {}),
    # llama-3.2-3b-instruct
    "047a7bd80ea4ba88cdc6ab05409455b2530df5ad5a416efae2028acd442511cd": ("llama-3.1", {}),
    # phi-3-mini
    "0be19035f5b1a7a8fa326ced078778d16c87fd69470c53269a31ecfc097b95d0": ("phi-3", {}),
    # phi-3-small
    "5b8d005dc8807f6d56ea51aac8799f091b3a91b03513694259043ba209dde47f": ("phi-3", {}),
    # phi-3-medium
    "8757e0fe2383047bfd0729aa89065234e2e604141ffdf1572ec1ef30ce1d09aa": ("phi-3", {}),
    # phi-3-vision
    "a0e1a4c1ee0c2f7a9b5267ee31c9be5f3e6a24a2469ba22cfecadc4d41d7d3db": ("phi-3", {}),
    # phi-3.5-mini-instruct
    "63c6e369727d5d61832d3560e3ba5b66ee691737659f0fd01e25eee4e188243e": (
        "phi-3",
        {"skip_empty_system": True},
    ),
    # unsloth-phi-3
    "e314a7b082746e658e0e836e39b5ea2775e47b2ca490c404581757be788b3d67": ("phi-3", {}),
    # phi-4
    "6d67aa0ece6d184565b885095cf7e102b1279cf964a691d33c0cb58d53b6a3b4": ("phi-4", {}),
    # unsloth-phi-4
    "a7e5bb8cb641284fbddfed1e68d2a159956cb4966592457223b23081fe8f635c": ("phi-4", {}),
    # granite-3.0-8b-instruct
    "d2e2b6498c249d6675c6175a5263817a61ef184b8b27b182f80e57d982e8dfcb": ("granite", {}),
    # granite-4.1
    "bbdc7cbc5148506684851ed54574c18f80413db58ec0523cf738da7ccc11eba6": (
        "granite",
        {"skip_empty_system": True},
    ),
    # mistral-v1-with-system
    "a6010aa128de666f209be9138118befbdc644a3e63833249e4d2327c71ab7302": ("mistral-v1", {}),
    # mistral-large-instruct-2407
    "18fa5e758b64d5c06cd4e66f17fab9e12770dd58473ab6611f21b7c5473fe214": ("mistral-v3", {}),
    # mistral-nemo-instruct-2407
    "c180c9d85e6ec067acace7a8f50ffb0b48badb4ad17bbe51caade8117adc6a14": ("mistral-v3-tekken", {}),
    # mistral-large-instruct-2411
    "1496f30ef798d9d5e4342e29952f708f8d8fa95b9005043fbc95fe12a3ec1eb6": ("mistral-v7", {}),
    # unsloth-mistral
    "697832672952ee36e0f9fdecf162c9a3a11b7e6fcaf1f532b5df12a7fe2e7756": (
        "mistral",
        {"fold": "{system} {text}"},
    ),
    # lfm2-8b-a1b
    "65d6a50f3d265c1b2b8b3cd4cabea3f2d3f4adeb9f138b0ddaf3a852d34d9b47": (
        "chatml",
        {"skip_empty_system": True},
    ),
    # unsloth-lfm2
    "45e81354e057a3ec83c2dd263a4131a8f29ffff5bcfca5be9a310ea3292b30d4": ("chatml", {}),
    # mimo-vl, qwen2.5-7b-instruct
    "9303cd3bfd6379afed80c0a68caf90301915fcfdab5edb56acd1c21652aed856": ("chatml", {}),
    # qwen3-0.6b
    "dfcaba73918a2891fcad218f3887f983d92de4ec3b7d8d54e79209bc0b651618": ("qwen3", {}),
    # unsloth-qwen3
    "ecd93c6ad93d988102c7396acd38d6a6b5d00d23c886c490a521bab130694ef2": ("qwen3", {}),
    # unsloth-qwen3-instruct
    "f0daa8c1eb2ed95f30b7ac314b58af527e6a6c38e276c39666c6a9e1952152b9": ("qwen3", {}),
    # qwen3-coder
    "6c6202718e2eac3830989b322033c823a05609b4c00f7fc1587b94351dc543d8": ("chatml", {}),
    # minicpm5-1b
    "217886567504d169715a77e4e58b500eaae422dd83714c64db0ce9663d9489f4": ("qwen3", {}),
    # deepseek-r1-distill-llama-8b
    "83f2fe358e0e4d7e397d813e3761cfd42d6e6733d3446e8e34966512e44fbf9c": ("deepseek-r1", {}),
    # unsloth-zephyr
    "7b25a6ae3cf5113af7560870e86ceeb7cc8b3e085378fe02af265eaa3874d22b": ("zephyr", {}),
    # unsloth-chatml
    "1a69425a363eacbba81d3c7df598fee40f5c3d9a65dedafb42d61b7f38a2ab02": ("chatml", {}),
    # unsloth-gemma-chatml
    "d0e27c6d27cdfb8d59f8cd564c9522b8a9d7b81ddbdb0877f1c0f9389248fd9e": ("chatml", {}),
    # yi-chat
    "34e445763b0803aaf8be8df9bb845b557e64aabbf4996c15cc0a3b2c053baea8": ("chatml", {}),
    # unsloth-vicuna
    "0486f94bc8fc2ea7ca24fab2f600cda21b9743211a3e2a6e5fe10cad7c9d8c53": ("vicuna", {}),
    # unsloth-alpaca
    "1e8704d06ee906f7f8d27309d13ebca1b8f05257fce9b0a9ec98439ca0c9885c": (
        "alpaca",
        {
            "default_system": "Below are some instructions that describe some tasks. "
            "Write responses that appropriately complete each request."
        },
    ),
    # SmolLM2-135M-Instruct.Q4_1.gguf
    "ffb15bba8e8935847ff176dfa7e2aee35846230bdd08c0f1a6537c4ff4f8aac7": ("chatml", {}),
    # meta-llama/Llama-2-7b-chat-hf
    "128a41b763bad9ae037f1327ac5575efd0780e7979eb7b955b3f46ab1a4c3dac": ("llama-2", {}),
    # internlm2/zephyr-gemma
    "ed9cb215f15dc20fa535e9f463ef37e28532ae160da870682c052ef3fb8711e9": ("chatml", {}),
    # Qwen1.5
    "80ebb8f4979939a1f3c39878d053e440ab47fbfa1f07207ccd9867626654957d": ("chatml", {}),
    # zephyr
    "87276d4af19f2b6ef77ed46a26334d57e552941813a6bf9a1a86774abf823405": ("zephyr", {}),
}
