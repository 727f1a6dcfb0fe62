"""Direct Push: Exchange's settings and event 1040, the devices, the verdict on a path, a stand-in server."""
