"""A table that sorts and tells which row was chosen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import Qt

from napari_bioseg.widgets.tables.object_table import ObjectTable


@pytest.fixture
def table(qtbot):
    made = ObjectTable({"id": ("Object", ""), "size": ("Size", ""), "why": ("", "")})
    qtbot.addWidget(made)
    made.frame = pd.DataFrame(
        {"id": [4, 9, 2], "size": [3.5, np.nan, 1.25], "why": ["b", "a", "c"]}
    )
    return made


def shown(table):
    model = table.rows
    return [model.data(model.index(row, 0)) for row in range(model.rowCount())]


def test_sorting_puts_missing_values_last(table):
    assert shown(table) == ["4", "9", "2"]
    table.rows.sort(1, Qt.SortOrder.AscendingOrder)
    assert shown(table) == ["2", "4", "9"]
    table.rows.sort(1, Qt.SortOrder.DescendingOrder)
    assert shown(table) == ["4", "2", "9"]
    table.rows.sort(2, Qt.SortOrder.AscendingOrder)
    assert shown(table) == ["9", "4", "2"]


def test_the_choice_stays_with_its_object(table, qtbot):
    heard = []
    table.chosen.connect(heard.append)
    table.choose(1)
    assert heard == []
    table.rows.sort(0, Qt.SortOrder.DescendingOrder)
    assert table.place == 1
    table.step(1)
    assert heard == [0]
    assert table.step(-1) == 1
    assert table.step(-1) == 1
    table.frame = None
    assert table.step(1) == -1
