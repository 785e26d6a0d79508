"""Files from a server on which everything goes wrong: each comes whole, or its failure says why it does not."""

import random

import pytest

from tests.drills import faulty_server
from tests.drills.faults import FAULTS, surroundings, try_out
from tests.drills.faulty_server import FaultyServer


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_file_comes_whole_or_its_failure_says_why(fault, request):
    chance = random.Random(request.config.getoption("randomly_seed", 0))
    content = chance.randbytes(chance.randint(200_000, 1_000_000))
    never_comes = fault in (faulty_server.drip_always, faulty_server.drip_headers)
    with FaultyServer() as server, surroundings(server.place, deadline=1 if never_comes else 8):
        outcome = try_out(server, server.host(content, fault, chance.getrandbits(32)))
    assert outcome.wrong == "", outcome
    # Only what another file replaced, or what cannot be asked for in parts, is fetched again.
    assert outcome.sent <= 2.1 * len(content) or outcome.failure, outcome
