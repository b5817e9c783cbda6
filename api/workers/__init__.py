"""Workers: who is connected and with what."""
