"""Being a box on the path: the rules of a flow, and the relay that applies them to real connections."""
