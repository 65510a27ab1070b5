"""How words of settings are written for people: names keep their usual spelling."""

from __future__ import annotations

SPELLINGS = {
    # networks
    "unet": "U-Net",
    "residual_unet": "Residual U-Net",
    "attention_unet": "Attention U-Net",
    "se_unet": "SE-U-Net",
    "resunet_se": "ResUNet-SE",
    "multiresunet": "MultiResUNet",
    "resunet_plus_plus": "ResUNet++",
    "unext": "U-NeXt",
    "unetr_mini": "UNETR mini",
    "unetr_small": "UNETR small",
    "unetr_base": "UNETR base",
    "relu": "ReLU",
    "leaky_relu": "Leaky ReLU",
    "elu": "ELU",
    "silu": "SiLU",
    "transposed": "learned",
    # losses
    "bce": "Cross-entropy",
    "cross_entropy": "Cross-entropy",
    "dice": "Dice",
    "dice_bce": "Dice + cross-entropy",
    "dice_ce": "Dice + cross-entropy",
    "iou": "Overlap (IoU)",
    "focal": "Focal",
    "smooth_l1": "Smooth L1",
    "l1": "L1 (absolute)",
    "mse": "Squared (MSE)",
    # normalisation of intensities
    "percentile": "Percentiles",
    "zscore": "Mean and deviation",
    "minmax": "Darkest to brightest",
    "dtype": "Range of the data type",
    # conditions
    "lt": "below (<)",
    "le": "at most (≤)",
    "gt": "above (>)",
    "ge": "at least (≥)",
    # training
    "adamw": "AdamW",
    "adam": "Adam",
    "sgd": "SGD",
    "warmup_cosine": "Warm-up, then cosine",
    "one_cycle": "One cycle",
    "cpu": "CPU",
    "cuda": "GPU (CUDA)",
    "mps": "GPU (Apple)",
}
"""By the word in files and on the command line; others are shown as they are."""


def in_words(word: str) -> str:
    """Return how a word of a setting is shown.

    Parameters
    ----------
    word : str
        As in a file of settings.

    Returns
    -------
    str

    Examples
    --------
    >>> in_words("residual_unet"), in_words("training_set")
    ('Residual U-Net', 'training set')
    """
    return SPELLINGS.get(word, word.replace("_", " "))
