"""A stage for http boxes: clients and a server that say exactly what the test tells them, a box between them."""

import pytest
from support.http_boxes import HttpStage, make_http_box


@pytest.fixture(scope="session")
def http_box():
    return make_http_box


@pytest.fixture(scope="session")
def stage():
    """Make a stage: `async with stage(box) as on: ...`."""
    return HttpStage
