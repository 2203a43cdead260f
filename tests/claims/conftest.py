"""What tests of letters share."""

from __future__ import annotations

import pytest

from vorbehalt.claims.notice.letter import Workshop


@pytest.fixture(scope="module")
def workshop() -> Workshop:
    return Workshop()
