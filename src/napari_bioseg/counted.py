"""Numbers with their nouns, as messages say them."""

from __future__ import annotations


def counted(number: int, one: str) -> str:
    """Return a number with its noun, in the plural where it has to be.

    Parameters
    ----------
    number : int
        How many.
    one : str
        What one of them is called.

    Returns
    -------
    str

    Examples
    --------
    >>> counted(1, "object"), counted(1200, "class"), counted(2, "patch")
    ('1 object', '1,200 classes', '2 patches')
    >>> counted(6, "epoch")
    '6 epochs'
    """
    if number == 1:
        return f"1 {one}"
    if one == "axis":
        return f"{number:,} axes"
    return f"{number:,} {one}{'es' if one.endswith(('s', 'tch')) else 's'}"
