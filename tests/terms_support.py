"""Terms that are spelled as the shipped rules say, for tests of what is rendered from them."""

from __future__ import annotations

from dataclasses import dataclass, field

import vorbehalt_rules
from vorbehalt.reservation import terms as reservation_terms
from vorbehalt.reservation.vocabulary import Vocabulary, read_vocabulary

VOCABULARY = read_vocabulary(vorbehalt_rules.documents())


@dataclass(frozen=True, slots=True)
class Terms(reservation_terms.Terms):
    """Terms with the shipped vocabulary unless another is given."""

    vocabulary: Vocabulary = field(default=VOCABULARY, kw_only=True)
