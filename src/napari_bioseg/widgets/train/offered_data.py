"""How labels are read that another panel offered to learn from."""

from __future__ import annotations

from typing import Any

from napari_bioseg.settings import DataSettings


class OfferedData:
    """Lends settings to labels that need them, and takes them back with the labels."""

    def __init__(self) -> None:
        self._lent: dict[str, Any] = {}
        self._own: dict[str, Any] = {}

    def follow(self, data: DataSettings, wanted: dict[str, Any]) -> DataSettings:
        """Return the settings with which the labels offered now are read.

        Parameters
        ----------
        data : DataSettings
            What is set.
        wanted : dict
            What the labels need; nothing for usual labels.

        Returns
        -------
        DataSettings
            With what they need; otherwise as the user had it before labels came that
            needed something, unless it was changed since.
        """
        now = {name: getattr(data, name) for name in self._lent}
        if self._lent and now == self._lent:
            data = data.replace(**self._own)
        self._lent = dict(wanted)
        self._own = {name: getattr(data, name) for name in wanted}
        return data.replace(**wanted) if wanted else data
