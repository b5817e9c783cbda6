"""Files: bytes that somebody sent, as OpenAI's clients send them."""
