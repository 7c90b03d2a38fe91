"""memebattle: one meme request in, exactly one answer out, over NATS."""

__version__ = "0.1.0"
