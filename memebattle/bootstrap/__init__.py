"""The composition root: Settings in, services out.

The only place that decides which adapter serves which port. `wiring.wire` makes what exists before anything
is connected, `house.open_house` a worker's services, `reception.open_reception` a gateway's. Every part can
be given by name; what it is given it leaves alone, what it opens it closes. Tests build the same house with
fakes.

Each role imports its own half: a worker needs no web framework, and starts sooner without one.
"""
