"""All settings of one job in one value, and its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from .augment import AugmentSettings
from .base import Settings, explain, setting
from .channels import ChannelSettings
from .cleanup import CleanupSettings
from .data import DataSettings
from .instances import InstanceSettings, SemanticSettings
from .network import NetworkSettings
from .predict import PredictSettings
from .task import InstanceTask, SemanticTask, Task
from .train import TrainSettings

FORMAT = 1
"""Version of the YAML layout; raised when an older reader could misread a file."""

PresetName = Literal["fast", "balanced", "accurate"]


class Intensities(Settings):
    """How intensities were normalised where that was measured on the training set."""

    shift: tuple[float, ...] = ()
    """What is subtracted, per channel."""
    factor: tuple[float, ...] = ()
    """What the difference is multiplied by, per channel."""
    low: tuple[float, ...] = ()
    """Lowest intensity, to which darker pixels are raised first; empty for none."""
    high: tuple[float, ...] = ()
    """Highest intensity, to which brighter pixels are lowered first."""


class TrainedOn(Settings):
    """What training found out and a later prediction must know."""

    dimensions: Literal[2, 3] = 2
    in_channels: int = setting(1, ge=1)
    spacing: tuple[float, ...] = (1.0, 1.0)
    patch: tuple[int, ...] = ()
    epochs: int = 0
    best_epoch: int = 0
    score: float | None = None
    images: int = 0
    intensities: Intensities | None = None
    digest: str = ""
    version: str = ""
    fitted: InstanceSettings | None = None
    """Thresholds that training chose; those that it left alone are the defaults."""


class WorkflowError(ValueError):
    """A workflow could not be read; the message says where and what is allowed."""


class Workflow(Settings):
    """Everything that decides what a job computes, from patches to clean labels."""

    format: Literal[1] = 1
    task: Task = setting(InstanceTask())
    """What the network learns."""
    data: DataSettings = setting(DataSettings())
    """Patches, validation and normalisation."""
    augment: AugmentSettings = setting(AugmentSettings())
    """Augmentation of the training patches."""
    network: NetworkSettings = setting(NetworkSettings())
    """The network's shape."""
    train: TrainSettings = setting(TrainSettings())
    """Optimisation and stopping."""
    predict: PredictSettings = setting(PredictSettings())
    """Tiles and device of predictions."""
    instances: InstanceSettings = setting(InstanceSettings())
    """From channels to instances."""
    semantic: SemanticSettings = setting(SemanticSettings())
    """From classes to labels."""
    cleanup: CleanupSettings = setting(CleanupSettings())
    """Clean-up of the labels."""
    trained: TrainedOn | None = None
    """Facts of the training run that made the model; empty before."""

    @property
    def channels(self) -> tuple[ChannelSettings, ...]:
        """The channels an instance task learns; none for semantic tasks."""
        return self.task.channels

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's output channels, in order."""
        return self.task.outputs

    @property
    def is_semantic(self) -> bool:
        """Whether classes are learned rather than instances."""
        return isinstance(self.task, SemanticTask)

    def untrained(self) -> Workflow:
        """Return the settings without what training added to them.

        Returns
        -------
        Workflow
            ``trained`` is empty, and thresholds that training chose are the defaults
            again, unless somebody has changed them since: to choose them anew.
        """
        fitted = None if self.trained is None else self.trained.fitted
        if fitted is None:
            return self.replace(trained=None)
        default = InstanceSettings()
        chosen = {
            name: getattr(default, name)
            for name in InstanceSettings.model_fields
            if getattr(fitted, name) != getattr(default, name)
            and getattr(self.instances, name) == getattr(fitted, name)
        }
        return self.replace(trained=None, instances=self.instances.replace(**chosen))

    @classmethod
    def preset(
        cls, name: PresetName, task: Task | None = None, *, dimensions: int = 2
    ) -> Workflow:
        """Return settings that suit one amount of patience.

        Parameters
        ----------
        name : {"fast", "balanced", "accurate"}
            Fast takes minutes on a CPU; accurate wants a GPU or an evening.
        task : InstanceTask or SemanticTask, optional
            What to learn; instances with BC by default.
        dimensions : int
            2 for images, 3 for volumes, of which a CPU computes few in a minute: for
            them, fast has a smaller network and takes many small steps.

        Returns
        -------
        Workflow
        """
        sizes: dict[str, tuple[int, int, int, int]] = {
            # features, depth, epochs, patience
            "fast": (16, 3, 60, 15),
            "balanced": (24, 4, 150, 30),
            "accurate": (32, 4, 400, 60),
        }
        features, depth, epochs, patience = sizes[name]
        train = TrainSettings(epochs=epochs, patience=patience)
        if name == "fast" and dimensions == 3:
            features = 8
            train = train.replace(batch_size=2, learning_rate=3e-3)
        return cls(
            task=task or InstanceTask(),
            network=NetworkSettings(features=features, depth=depth),
            train=train,
        )

    def to_yaml(self, path: str | Path | None = None) -> str:
        """Write the workflow as YAML.

        Parameters
        ----------
        path : str or Path, optional
            File to write; nothing is written without it.

        Returns
        -------
        str
            The YAML text.
        """
        text = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    @classmethod
    def from_yaml(cls, source: str | Path) -> Workflow:
        """Read a workflow from a YAML file; no code in it is ever run.

        Parameters
        ----------
        source : str or Path
            The file.

        Returns
        -------
        Workflow

        Raises
        ------
        WorkflowError
            If the file is missing, no YAML, from a newer version, or holds a setting
            that does not exist or is out of its range.
        """
        path = Path(source)
        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise WorkflowError(f"cannot read workflow {path}: {error}") from error
        if not isinstance(values, dict):
            raise WorkflowError(
                f"{path} holds {type(values).__name__}, not settings; "
                "a workflow starts with lines such as 'task:' and 'train:'"
            )
        return cls.from_values(values, origin=str(path))

    @classmethod
    def from_values(cls, values: dict[str, Any], origin: str = "workflow") -> Workflow:
        """Make a workflow from nested dictionaries, as a YAML file holds them.

        Parameters
        ----------
        values : dict
            Settings by name; what is left out gets its default.
        origin : str
            Where the values come from, for error messages.

        Returns
        -------
        Workflow

        Raises
        ------
        WorkflowError
            As for `from_yaml`.
        """
        found = values.get("format", FORMAT)
        if isinstance(found, int) and found > FORMAT:
            raise WorkflowError(
                f"{origin} has format {found}, this version reads up to {FORMAT}; "
                "update napari-bioseg to open it"
            )
        try:
            return cls(**values)
        except ValidationError as error:
            raise WorkflowError(f"{origin}: {explain(error, cls)}") from error
