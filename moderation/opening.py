"""Opens a guard: the policy, its back ends, the record. Knows which kind of back end is made where, and starts none."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ockit.errors import NotFound, OckitError
from ockit.moderation.asking import Asked
from ockit.moderation.audit import AuditLog
from ockit.moderation.guarding import Guard
from ockit.moderation.policy.policy import SECTIONS, BackendSpec, Policy
from ockit.moderation.policy.reading import find_policy
from ockit.moderation.shared_encoder import EncoderShare, SharedEncoder

if TYPE_CHECKING:
    from ockit.environment import Environment
    from ockit.messages import Judged
    from ockit.moderation.classifier.embedded import EmbeddedModerator
    from ockit.moderation.training.trained import TrainedModerator
    from ockit.protocols import Moderator
    from ockit.settings import Settings

TOPICS = "topics"
"""What verdicts of topic guards are called."""

_OPENING_S = {"fewshot": 600.0, "guard": 600.0, "hf": 600.0}
"""Seconds in which a model is loaded and, for a judge, tested."""

_SMALL_OPENING_S = 20.0
"""The same for what loads in a second or two: a process that hangs meanwhile is not waited for any longer."""

_ALWAYS = ("embedded", "guard", "hf")
"""Kinds that read what a text means and count wherever the policy lets them."""


def open_guard(
    environment: Environment,
    settings: Settings,
    *,
    policy: Policy | None = None,
    policy_file: Path | None = None,
    audit: bool = True,
) -> Guard:
    """The guard by a policy; back ends are made when they are first asked, each in its own thread.

    Args:
        policy: the policy; else that of `policy_file`, of the person's ``moderation.toml``, or the built-in one.
        audit: whether a record is kept.

    Raises:
        UsageError: the policy says something that cannot be, with the line; it names a topic that is not there.
        NotFound: there is no such file.
    """
    from ockit.moderation.topics.store import topic_named

    directories = environment.directories
    policy = policy or find_policy(directories, policy_file)
    shared = _shared(environment, settings)
    asked = [
        (
            spec,
            Asked(
                partial(_open, spec, environment, policy, shared, strict=False),
                spec.name,
                spec.timeout,
                _OPENING_S.get(spec.kind, max(_SMALL_OPENING_S, spec.timeout)),
            ),
        )
        for spec in policy.backends
    ]
    named: dict[tuple[str, ...], list[str]] = {}
    for section, role in SECTIONS.items():
        if topics := policy.section(role).topics:
            named.setdefault(topics, []).append(section)
    texts: dict[str, str] = {}
    for names, sections in named.items():
        found = [topic_named(directories, name) for name in names]
        texts.update({topic.name: topic.message for topic in found})
        roles = tuple(SECTIONS[section] for section in sections)
        spec = BackendSpec(TOPICS, "topic", roles=roles)
        asked.append((spec, Asked(_topics(environment, names), TOPICS, spec.timeout, 60.0)))
    record = AuditLog.of(directories) if audit else None
    return Guard(policy, asked, topic_texts=texts, audit=record)


def _shared(environment: Environment, settings: Settings) -> SharedEncoder:
    def opened() -> EmbeddedModerator:
        from ockit.moderation.classifier.embedded import open_embedded

        # the guard ends it where a check takes too long; this is for a process that hangs while it loads
        return open_embedded(environment, stall_seconds=settings.stall_seconds)

    return SharedEncoder(opened)


def _alone(spec: BackendSpec, policy: Policy) -> Collection[Judged]:
    """Whose texts no other back end judges that is sure to count."""
    others = [other for other in policy.backends if other.enforce and other.kind in _ALWAYS]
    return [role for role in spec.roles if not any(role in other.roles for other in others)]


def _open(
    spec: BackendSpec,
    environment: Environment,
    policy: Policy | None,
    shared: SharedEncoder,
    *,
    strict: bool,
) -> Moderator:
    """The back end; unless `strict`, a classifier of another encoder only advises where something else counts."""
    folder = Path(policy.path).absolute().parent if policy is not None and policy.path else environment.cwd
    alone = spec.roles if policy is None else _alone(spec, policy)
    try:
        return _opened(spec, folder, environment, shared, None if strict else alone)
    except OckitError as error:
        if isinstance(error, NotFound) and spec.where:  # the policy's line has the name that is wrong
            error.what, error.where = error.what + (f" ({error.where})" if error.where else ""), spec.where
        error.where = error.where or spec.where or None
        raise


def _opened(
    spec: BackendSpec,
    folder: Path,
    environment: Environment,
    shared: SharedEncoder,
    alone: Collection[Judged] | None,
) -> Moderator:
    options = _beside(spec, folder)
    if spec.kind == "embedded":
        return EncoderShare(shared, spec.name)
    if spec.kind == "rules":
        from ockit.moderation.rules.moderator import RulesModerator

        return RulesModerator.read(Path(options["file"]), spec.name)
    if spec.kind == "trained":
        from ockit.moderation.training.opening import open_trained
        from ockit.moderation.training.outdated import OtherEncoder, OutdatedClassifier

        encoder = EncoderShare(shared, spec.name)
        try:
            trained = open_trained(options["classifier"], environment.directories, encoder, called=spec.name)
        except OckitError as error:
            if isinstance(error, OtherEncoder) and alone is not None:
                return OutdatedClassifier(spec.name, error, alone, encoder.close)
            encoder.close()
            raise
        return _WithEncoder(trained, encoder)
    from ockit.moderation.judges.opening import open_judge

    return open_judge(spec.kind, {**options, "name": spec.name, "seconds": spec.timeout}, environment)


def _beside(spec: BackendSpec, folder: Path) -> dict[str, Any]:
    """The options with paths made whole: ``./x``, ``x.gguf`` and the file of rules lie beside the policy."""
    options = dict(spec.options)
    if "file" in options:
        options["file"] = str(folder / Path(options["file"]).expanduser())
    model = options.get("model")
    if isinstance(model, str) and (model.startswith(("./", "../")) or model.lower().endswith(".gguf")):
        options["model"] = str(folder / Path(model).expanduser())
    return options


def _topics(environment: Environment, names: tuple[str, ...]) -> Callable[[], Moderator]:
    def opened() -> Moderator:
        from ockit.engines.embedders import open_embedder
        from ockit.moderation.topics.moderator import TopicModerator
        from ockit.moderation.topics.store import topic_named

        topics = [topic_named(environment.directories, name) for name in names]
        return TopicModerator(TOPICS, topics, open_embedder(topics[0].embedder, environment))

    return opened


class _WithEncoder:
    """A classifier that a person trained, together with its share of the encoder."""

    def __init__(self, trained: TrainedModerator, encoder: EncoderShare) -> None:
        self.name = trained.name
        self.cuts = trained.cuts
        self.check = trained.check
        self.check_many = trained.check_many
        self.close = encoder.close
        self.warm_up = encoder.warm_up


def named_things(policy: Policy, environment: Environment, settings: Settings) -> list[str]:
    """A line for each back end and topic of a policy, once it is known to be there. No model is loaded but the encoder,
    by which a trained classifier is known.

    Raises:
        UsageError, NotFound, ModelFileError, StoreError: the first thing that is wrong, and where.
    """
    lines, faults = looked_for(policy, environment, settings)
    if faults:
        raise faults[0]
    return lines


def looked_for(
    policy: Policy, environment: Environment, settings: Settings
) -> tuple[list[str], list[OckitError]]:
    """As `named_things`, with all that is wrong, in the policy's order, instead of the first."""
    from ockit.moderation.topics.store import topic_named

    lines: list[str] = []
    faults: list[OckitError] = []
    shared = _shared(environment, settings)
    for spec in policy.backends:
        try:
            backend = _open(spec, environment, policy, shared, strict=True)
        except OckitError as error:
            faults.append(error)
            continue
        try:
            describe = getattr(backend, "describe", None)
            facts = (
                "; ".join(f"{key}: {value}" for key, value in describe().items()) if describe else spec.kind
            )
            lines.append(f"{spec.name}: {facts}")
        finally:
            backend.close()
    for section, role in SECTIONS.items():
        for name in policy.section(role).topics:
            try:
                topic = topic_named(environment.directories, name)
            except OckitError as error:
                faults.append(error)
                continue
            lines.append(f"{section}: topic {name}, {len(topic.examples)} examples")
    return lines, faults
