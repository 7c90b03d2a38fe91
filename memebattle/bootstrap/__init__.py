"""The composition root: Settings in, services out.

The only place that decides which adapter serves which port. `wire` makes what exists before anything is
connected, `open_house` a worker's services, `open_reception` a gateway's. Every part can be given by name;
what it is given it leaves alone, what it opens it closes. Tests build the same house with fakes.
"""

from memebattle.bootstrap.house import ChatParts, House, MemeParts, open_house
from memebattle.bootstrap.reception import GatewayParts, Reception, open_reception
from memebattle.bootstrap.wiring import Wiring, answers_of, chunk_log_of, wire

__all__ = [
    "ChatParts",
    "GatewayParts",
    "House",
    "MemeParts",
    "Reception",
    "Wiring",
    "answers_of",
    "chunk_log_of",
    "open_house",
    "open_reception",
    "wire",
]
