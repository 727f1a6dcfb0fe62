"""Windows event logs: the entries that say something of ActiveSync's heartbeats, from every form they come in."""
