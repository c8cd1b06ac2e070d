"""Which layers lie where: published models, invariants over random ones, and llama.cpp's own rule as the oracle."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ockit.errors import DoesNotFit, ModelFileError, UsageError
from ockit.formats.ggml_types import BY_NAME
from ockit.formats.gguf_header import GGUFHeader, read_header
from ockit.formats.gguf_tensors import TensorInfo
from ockit.formats.loadable import check_loadable
from ockit.models.device_map import DeviceMap, budgets_of, place, require_fits
from ockit.models.memory import estimate
from ockit.models.needs import needs
from ockit.models.parts import read_model
from ockit.settings import Settings
from published_models import (
    GPT_NEOX_20B,
    LLAMA_2_7B,
    LLAMA_3_2_1B,
    MISTRAL_7B,
    MIXTRAL_8X7B,
    write_header,
    write_mamba,
    write_parts,
)

GB, GIB, MIB = 10**9, 1 << 30, 1 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the headers lie."""
    return tmp_path_factory.mktemp("headers")


def header_of(path: Path) -> GGUFHeader:
    """A header without weights behind it, checked as a real one is."""
    header = read_header(path, whole=False)
    check_loadable(header, whole=False)
    return header


def near(value: float) -> object:
    """Within one per cent."""
    return pytest.approx(value, rel=0.01)


@pytest.mark.parametrize(
    ("shape", "storage", "n_params", "weights"),
    [
        (LLAMA_2_7B, "F16", 6.738e9, 13.48 * GB),
        (LLAMA_2_7B, "Q4_K_M", 6.738e9, 4.081 * GB),
        (MISTRAL_7B, "F16", 7.242e9, 14.48 * GB),
        (MISTRAL_7B, "Q4_K_M", 7.242e9, 4.368 * GB),
        (GPT_NEOX_20B, "F16", 20.55e9, 41.1 * GB),
        (LLAMA_3_2_1B, "F16", 1.236e9, 2.472 * GB),
        (MIXTRAL_8X7B, "F16", 46.7e9, 93.4 * GB),
    ],
)
def test_weights_are_those_of_the_published_files(folder, shape, storage, n_params, weights):
    header = header_of(write_header(folder / "m.gguf", shape, storage))
    assert header.n_params == near(n_params)
    assert estimate(header, 512).weights == near(weights)
    assert header.file_size < 4 * MIB


@pytest.mark.parametrize(
    ("shape", "n_ctx", "cache"),
    [
        (LLAMA_2_7B, 4096, 2 * GIB),
        (MISTRAL_7B, 8192, 1 * GIB),
        (GPT_NEOX_20B, 2048, 2 * 44 * 2048 * 6144 * 2),
        (MIXTRAL_8X7B, 8192, 1 * GIB),
        (LLAMA_3_2_1B, 8192, 256 * MIB),
    ],
)
def test_the_cache_is_the_published_one(folder, shape, n_ctx, cache):
    header = header_of(write_header(folder / "m.gguf", shape))
    assert estimate(header, n_ctx).kv_cache == cache
    mapped = place(header, n_ctx, {0: 200 * GIB})
    assert sum(row.kv_cache for row in mapped.rows if row.gpu == 0) == cache


def test_a_header_alone_is_no_model_to_load(folder):
    path = write_header(folder / "m.gguf", LLAMA_2_7B)
    with pytest.raises(ModelFileError, match="past the end of the file"):
        read_header(path)


def test_mistral_on_the_cards_of_openchatkits_example(folder):
    """``-g 0:10,1:12 -r 20``: at Q4_K_M all of it lies on card 0."""
    header = header_of(write_header(folder / "m.gguf", MISTRAL_7B, "Q4_K_M"))
    found = place(header, 8192, {0: 10 * GIB, 1: 12 * GIB}, ram=20 * GIB)
    assert (found.n_gpu_layers, found.tensor_split, found.fits) == (33, (33, 0), True)
    assert found.total(None) < 200 * MIB
    assert [(row.part, row.gpu, row.layers) for row in found.rows] == [
        ("embedding", None, None),
        ("work", None, None),
        ("layers", 0, (0, 31)),
        ("output", 0, None),
        ("work", 0, None),
    ]


def test_neox_is_split_over_two_cards_and_main_memory(folder):
    """The same budgets for the 41 GB of GPT-NeoX-20B: an f16 layer is 0.87 GiB, its cache 48 MiB."""
    header = header_of(write_header(folder / "m.gguf", GPT_NEOX_20B))
    found = place(header, 2048, {0: 10 * GIB, 1: 12 * GIB}, ram=20 * GIB)
    layer = needs(header, 2048).layers[0]
    assert layer.weights == near(453e6 * 2)
    assert layer.kv_cache == 48 * MIB
    assert found.tensor_split == (10, 13)
    assert [row.layers for row in found.rows if row.layers] == [(0, 21), (22, 31), (32, 43)]
    assert not found.fits
    assert place(header, 2048, {0: 10 * GIB, 1: 12 * GIB}, ram=21 * GIB).fits
    assert found.total(None) == estimate(header, 2048, gpu_layers=23).total
    with pytest.raises(DoesNotFit) as caught:
        require_fits(header, found, 8 * GIB, origin="--ram")
    assert "--ram allows 8.0 GiB" in caught.value.what
    assert caught.value.hint is not None
    for way in ("smaller quantization of the model (this file is F16)", "-g", "-r 20.4"):
        assert way in caught.value.hint


def test_the_hints_context_fits(folder):
    header = header_of(write_header(folder / "m.gguf", LLAMA_2_7B, "Q4_K_M"))
    found, ram = place(header, 4096, {0: 2 * GIB}), 4 * GIB
    with pytest.raises(DoesNotFit, match="4096 tokens") as caught:
        require_fits(header, found, ram, origin="--ram")
    assert caught.value.hint is not None
    context = int(caught.value.hint.partition("--ctx-size ")[2].partition(";")[0])
    assert 512 <= context < 4096
    require_fits(header, place(header, context, {0: 2 * GIB}), ram)
    with pytest.raises(DoesNotFit, match="are available") as free:
        require_fits(header, place(header, context + 256, {0: 2 * GIB}), ram)
    assert "memory_check off" in str(free.value.hint)


def test_an_embedding_that_is_the_output_too_is_copied_to_the_card(folder):
    header = header_of(write_header(folder / "m.gguf", LLAMA_3_2_1B))
    need, found = needs(header, 512), place(header, 512, {0: 8 * GIB})
    output = next(row for row in found.rows if row.part == "output")
    assert output.weights == need.embedding + need.output
    assert need.output_copy == need.embedding == 128256 * 2048 * 2
    assert found.total(None) >= need.embedding


def test_recurrent_layers_keep_a_state_of_one_size(folder):
    header = header_of(write_mamba(folder / "m.gguf"))
    small, large = (place(header, n_ctx, {0: GIB}) for n_ctx in (512, 8192))
    caches = {sum(row.kv_cache for row in found.rows) for found in (small, large)}
    assert caches == {64 * 4 * 5120 * (3 + 16)}


def test_experts_count_in_full(folder):
    """Two of eight experts compute, but all must lie somewhere; one matrix of all eight is brought to card 0."""
    header = header_of(write_header(folder / "m.gguf", MIXTRAL_8X7B, "Q4_K_M"))
    need = needs(header, 4096)
    assert need.largest_matrix == 8 * 4096 * 14336 * 210 // 256
    found = place(header, 4096, {0: 10 * GIB})
    assert 0 < found.n_gpu_layers < 33
    assert found.rows[-1].work == need.scratch + need.largest_matrix


def test_a_model_in_parts_is_planned_as_one(folder):
    whole = header_of(write_header(folder / "m.gguf", GPT_NEOX_20B, "F16"))
    first = read_model(write_parts(folder, GPT_NEOX_20B, "F16", 3), whole=False)
    check_loadable(first, whole=False)
    assert place(first, 2048, {0: 10 * GIB}) == place(whole, 2048, {0: 10 * GIB})


def oracle(
    n_layers: int, n_gpu_layers: int, tensor_split: Sequence[float], n_devices: int
) -> list[int | None]:
    """The device of every layer and of the output by llama.cpp's rule, ``llama_model_base::load_tensors``."""
    splits = np.zeros(n_devices, dtype=np.float32)
    total = np.float32(0)
    for device in range(n_devices):
        total = np.float32(total + np.float32(tensor_split[device] if device < len(tensor_split) else 0))
        splits[device] = total
    splits = splits / total
    start, offloaded = max(n_layers + 1 - n_gpu_layers, 0), min(n_gpu_layers, n_layers + 1)
    places: list[int | None] = []
    for part in range(n_layers + 1):
        if part < start or part - start >= offloaded:
            places.append(None)
        else:
            share = np.float32(np.float32(part - start) / np.float32(offloaded))
            places.append(int(np.searchsorted(splits, share, side="right")))  # std::upper_bound
    return places


def places_of(found: DeviceMap) -> list[int | None]:
    """The device of every layer and of the output, as the rows say it."""
    places: dict[int, int | None] = {}
    for row in found.rows:
        if row.layers is not None:
            for layer in range(row.layers[0], row.layers[1] + 1):
                assert layer not in places
                places[layer] = row.gpu
        elif row.part == "output":
            assert found.n_layers not in places
            places[found.n_layers] = row.gpu
    assert sorted(places) == list(range(found.n_layers + 1))
    return [places[part] for part in sorted(places)]


def model(sizes: Sequence[int], *, tied: bool, width: int = 64) -> GGUFHeader:
    """A model whose layers have matrices of so many rows; nothing of it is on a disk."""
    f16 = BY_NAME["F16"]
    shapes = {"token_embd.weight": (width, 999), "output_norm.weight": (width,)}
    shapes |= {} if tied else {"output.weight": (width, 999)}
    shapes |= {f"blk.{layer}.ffn_up.weight": (width, rows) for layer, rows in enumerate(sizes)}
    metadata = {
        "general.architecture": "llama",
        "llama.block_count": len(sizes),
        "llama.embedding_length": width,
        "llama.attention.head_count": 4,
        "llama.context_length": 4096,
    }
    return GGUFHeader(
        path=Path("random.gguf"),
        file_size=0,
        version=3,
        metadata=dict(metadata),
        types={},
        tensors=tuple(TensorInfo(name, shape, f16, 0) for name, shape in shapes.items()),
        alignment=32,
        data_offset=0,
    )


models = st.builds(model, st.lists(st.integers(1, 1 << 17), min_size=1, max_size=40), tied=st.booleans())
cards = st.dictionaries(st.integers(0, 5), st.integers(0, 400 * MIB), max_size=4)
contexts = st.sampled_from([256, 300, 1024, 4096])


@given(models, cards, contexts, st.none() | st.integers(0, 50))
@settings(deadline=None, max_examples=300)
def test_every_part_lies_in_one_place_and_no_card_gets_too_much(header, gpus, n_ctx, most):
    found = place(header, n_ctx, gpus, most=most)
    places = places_of(found)
    for gpu in gpus:
        assert found.total(gpu) <= gpus[gpu]
    assert found.n_gpu_layers == sum(place is not None for place in places)
    assert most is None or found.n_gpu_layers <= most
    main = estimate(header, n_ctx, gpu_layers=found.n_gpu_layers)
    assert found.total(None) == main.total
    everything, need = estimate(header, n_ctx), needs(header, n_ctx)
    copied = need.output_copy if found.n_gpu_layers else 0
    assert sum(row.weights for row in found.rows) == everything.weights + copied
    assert sum(row.kv_cache for row in found.rows) == everything.kv_cache
    assert found.copies_matrices == (0 in places)


@given(models, cards, contexts, st.integers(0, 3))
@settings(deadline=None, max_examples=300)
def test_llama_cpp_puts_every_part_where_the_map_says(header, gpus, n_ctx, more_devices):
    """With the counts as shares; also where llama.cpp sees more cards than were named."""
    found = place(header, n_ctx, gpus)
    if found.n_gpu_layers:
        n_devices = len(found.tensor_split) + more_devices
        assert oracle(found.n_layers, found.n_gpu_layers, found.tensor_split, n_devices) == places_of(found)
    else:
        assert set(places_of(found)) == {None}


def test_shares_that_are_counts_split_exactly_at_every_size():
    """Single precision does not blur the borders, up to llama.cpp's largest number of layers."""
    for n_layers in (*range(1, 40), 79, 80, 126, 511, 512):
        for first in {1, n_layers // 3, n_layers // 2, n_layers}:
            counts = [count for count in (first, n_layers + 1 - first) if count]
            expected = [device for device, count in enumerate(counts) for _ in range(count)]
            assert oracle(n_layers, n_layers + 1, counts, len(counts)) == expected


@given(models, cards, contexts, st.integers(0, 5), st.integers(0, 200 * MIB))
@settings(deadline=None, max_examples=300)
def test_a_larger_budget_never_means_fewer_layers_on_cards(header, gpus, n_ctx, gpu, more):
    before = place(header, n_ctx, gpus)
    after = place(header, n_ctx, gpus | {gpu: gpus.get(gpu, 0) + more})
    assert after.n_gpu_layers >= before.n_gpu_layers
    assert after.total(None) <= before.total(None)


@given(
    st.builds(model, st.lists(st.integers(1, 1 << 18), min_size=1, max_size=6), tied=st.booleans()),
    st.dictionaries(st.integers(0, 2), st.integers(64 * MIB, 250 * MIB), max_size=3),
)
@settings(deadline=None, max_examples=150)
def test_no_other_split_offloads_more(header, gpus):
    need, n_parts = needs(header, 256), header.n_layers + 1
    sizes = [layer.total for layer in need.layers] + [need.output + need.output_copy]

    def possible(counts: Sequence[int]) -> bool:
        at = n_parts - sum(counts)
        partial = at > 0
        for gpu, count in enumerate(counts):
            taken = sum(sizes[at : at + count]) + need.scratch
            taken += need.largest_matrix if partial and gpu == 0 else 0
            if count and taken > gpus.get(gpu, 0):
                return False
            at += count
        return True

    ways = itertools.product(range(n_parts + 1), repeat=3)
    best = max(sum(way) for way in ways if sum(way) <= n_parts and possible(way))
    assert place(header, 256, gpus).n_gpu_layers == best


def chosen(**values: str) -> Settings:
    """Settings, as (value, origin) by key."""
    return Settings(
        **{key: value for key, (value, _) in values.items()},
        origins={key: origin for key, (_, origin) in values.items()},
    )


def test_memory_and_layers_exclude_each_other_unless_one_is_a_flag():
    memory = ("1:12,0:.5", "--gpu-memory")
    assert budgets_of(Settings()) is None
    assert budgets_of(chosen(gpu_memory=memory)) == {0: GIB // 2, 1: 12 * GIB}
    assert budgets_of(chosen(gpu_memory=memory, gpu_layers=(3, "config.toml:2"))) is not None
    assert budgets_of(chosen(gpu_memory=("0:1", "config.toml:1"), gpu_layers=(3, "--gpu-layers"))) is None
    for told, other in (("--gpu-memory", "--tensor-split"), ("config.toml:1", "OCKIT_TENSOR_SPLIT")):
        with pytest.raises(UsageError, match="exclude each other"):
            budgets_of(chosen(gpu_memory=("0:1", told), tensor_split=((1.0, 2.0), other)))
