"""One vault for each module: what one attack leaves behind must not help the next."""

from collections.abc import Iterator

import pytest
from attack_vault import Vault, open_vault


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """The vault, in this process."""
    with open_vault() as opened:
        yield opened
