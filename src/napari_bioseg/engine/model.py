"""A network together with everything that decides what its output means."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_bioseg.counted import counted
from napari_bioseg.settings import TrainedOn, Workflow
from napari_bioseg.settings.channels import FloatChannel

from .device import choose_device
from .networks import Network, Shape, make_network
from .normalize import image_scale


class Model:
    """A network and the workflow that it belongs to.

    Parameters
    ----------
    network : Network
        The network, with its weights; its ``shape`` is its geometry.
    workflow : Workflow
        The settings; ``workflow.trained`` must say for which images.

    Raises
    ------
    ValueError
        If the workflow does not say how many dimensions and channels images have.
    """

    def __init__(self, network: Network, workflow: Workflow) -> None:
        self.network = network
        self.workflow = workflow
        self.trained = _facts(workflow)
        self._linear = _linear(workflow)

    @classmethod
    def create(
        cls, workflow: Workflow, *, seed: int = 0, device: torch.device | str = "cpu"
    ) -> Self:
        """Make a model with random weights.

        Parameters
        ----------
        workflow : Workflow
            With ``workflow.trained`` filled in: dimensions, channels and spacing of
            the images decide the network's shape.
        seed : int
            Start of the random weights; torch's global random state is left alone.
        device : torch.device or str
            Where the weights are to lie.

        Returns
        -------
        Model

        Raises
        ------
        ValueError
            If ``workflow.trained`` is empty, or the network is one of the user's own
            that is not known.

        Examples
        --------
        >>> from napari_bioseg.settings import TrainedOn, Workflow
        >>> workflow = Workflow.preset("fast").replace(trained=TrainedOn(in_channels=3))
        >>> model = Model.create(workflow)
        >>> model.outputs, model.dimensions, model.in_channels
        (('B', 'C'), 2, 3)
        """
        facts = _facts(workflow)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = make_network(len(workflow.outputs), workflow.network, facts)
        network.to(device=torch.device(device))
        if facts.dimensions == 2:
            # twice as fast on a CPU where images are large
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(network.eval(), workflow)

    def __repr__(self) -> str:
        return (
            f"Model({' '.join(self.outputs)}, {self.dimensions}-D, "
            f"{counted(self.in_channels, 'channel')}, {self.parameters} weights)"
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the prediction's channels, in order."""
        return self.workflow.outputs

    @property
    def dimensions(self) -> int:
        """2 or 3: spatial axes of the images."""
        return self.trained.dimensions

    @property
    def in_channels(self) -> int:
        """Channels that images must have."""
        return self.trained.in_channels

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.network.parameters()).device

    @property
    def shape(self) -> Shape:
        """Geometry of the network: strides, alignment and halo."""
        return self.network.shape

    @property
    def parameters(self) -> int:
        """Number of weights that are learned."""
        return sum(weight.numel() for weight in self.network.parameters())

    def to(self, device: torch.device | str) -> Self:
        """Move the weights; ``"auto"`` takes a GPU if there is one."""
        if isinstance(device, str):
            device = choose_device(device)
        self.network.to(device=device)
        return self

    def state_dict(self) -> dict[str, Tensor]:
        """Return the weights by name, to be saved."""
        return self.network.state_dict()

    def load_state_dict(self, weights: dict[str, Tensor]) -> None:
        """Take over weights.

        Parameters
        ----------
        weights : dict of str to Tensor
            As `state_dict` returned them.

        Raises
        ------
        ValueError
            If they belong to a network of another shape.
        """
        try:
            self.network.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(
                "these weights belong to another network than the workflow describes "
                f"({self.workflow.network}): {error}"
            ) from error

    def copy(
        self,
        workflow: Workflow | None = None,
        *,
        weights: dict[str, Tensor] | None = None,
    ) -> Model:
        """Return a model with weights of its own, equal to these.

        Parameters
        ----------
        workflow : Workflow, optional
            Of the copy, with the same network; this model's own if not given.
        weights : dict of str to Tensor, optional
            Others for the copy to have, as `state_dict` returned them.
        """
        twin = Model.create(workflow or self.workflow, device=self.device)
        twin.load_state_dict(self.state_dict() if weights is None else weights)
        return twin

    def activate(self, logits: Tensor) -> Tensor:
        """Turn what the network returns into what a prediction holds.

        Parameters
        ----------
        logits : Tensor, (N, C, [Z,] Y, X)

        Returns
        -------
        Tensor
            Probabilities: sigmoid for every channel of an instance task (distances
            scaled to 0...1 too) and for two classes, softmax for more classes and for
            the classes of objects. Distances in physical units, or set to be linear,
            are left as they are. The loss in training sees the very same values.
        """
        if self.workflow.is_semantic and len(self.outputs) > 1:
            return torch.softmax(logits, dim=1)
        channels = len(self.workflow.channels) or 1
        if logits.shape[1] == channels and not self._linear:
            return torch.sigmoid(logits)
        parts = [
            logits[:, i : i + 1]
            if i in self._linear
            else logits[:, i : i + 1].sigmoid()
            for i in range(channels)
        ]
        if logits.shape[1] > channels:
            parts.append(torch.softmax(logits[:, channels:], dim=1))
        return torch.cat(parts, dim=1)

    def check_image(self, shape: tuple[int, ...]) -> None:
        """Raise a clear error if an image does not suit the network.

        Parameters
        ----------
        shape : tuple of int
            Shape of the image, (C, [Z,] Y, X).

        Raises
        ------
        ValueError
            If the number of dimensions or channels is not what was trained on.
        """
        axes = "(C, Y, X)" if self.dimensions == 2 else "(C, Z, Y, X)"
        if len(shape) != self.dimensions + 1:
            raise ValueError(
                f"the image has shape {shape}, but the model was trained on "
                f"{self.dimensions}-D images, {axes}; loop over other axes such as "
                "time, and give a single channel an axis of length 1"
            )
        if shape[0] != self.in_channels:
            raise ValueError(
                f"the image has {counted(shape[0], 'channel')} "
                f"(shape {shape}, read as {axes}), "
                f"but the model was trained on {self.in_channels}; choose the channels "
                "it was trained on"
            )
        if 0 in shape:
            raise ValueError(f"the image is empty: its shape is {shape}")


def run_network(model: Model, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run a model over one normalised block.

    Parameters
    ----------
    model : Model
    image : ndarray, (C, [Z,] Y, X), float32, normalised

    Returns
    -------
    ndarray, (C, [Z,] Y, X), float32
        Values after the activation.
    """
    batch = torch.from_numpy(np.ascontiguousarray(image)).unsqueeze(0)
    batch = batch.to(model.device)
    if model.dimensions == 2:
        batch = batch.contiguous(memory_format=torch.channels_last)
    was_training = model.network.training
    model.network.eval()
    try:
        with torch.inference_mode():
            out = model.activate(model.network(batch))[0].float().cpu()
    finally:
        model.network.train(was_training)
    return np.ascontiguousarray(out.numpy())


def predict_array(image: Any, model: Model) -> NDArray[np.float32]:
    """Predict a small image in one go, for previews.

    Parameters
    ----------
    image : array, (C, [Z,] Y, X)
        As it is, not normalised; numpy, dask or zarr.
    model : Model
        May be the live one of a training in the same thread.

    Returns
    -------
    ndarray, (C, [Z,] Y, X), float32
        One channel per name in ``model.outputs``.

    Raises
    ------
    ValueError
        If the image does not suit the model.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_bioseg.settings import TrainedOn, Workflow
    >>> workflow = Workflow.preset("fast").replace(trained=TrainedOn())
    >>> image = np.zeros((1, 50, 60), np.uint8)
    >>> predict_array(image, Model.create(workflow)).shape
    (2, 50, 60)
    """
    model.check_image(tuple(image.shape))
    scale = image_scale(image, model.workflow)
    return run_network(model, scale(np.asarray(image)))


def _facts(workflow: Workflow) -> TrainedOn:
    if workflow.trained is None:
        raise ValueError(
            "workflow.trained is empty, so the number of dimensions and channels of "
            "the images is unknown; train the workflow, or set trained=TrainedOn(...)"
        )
    return workflow.trained


def _linear(workflow: Workflow) -> list[int]:
    """Find the channels that no sigmoid follows: it could not reach physical units."""
    return [
        index
        for index, channel in enumerate(workflow.channels)
        if isinstance(channel, FloatChannel) and channel.is_linear
    ]
