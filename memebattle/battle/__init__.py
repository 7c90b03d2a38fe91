"""The Meme Battle Royale: a game as the fold of a stream."""
