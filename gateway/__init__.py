"""Every outgoing call to somebody else's model: guarded addresses, the wires, prices, sealed keys."""
