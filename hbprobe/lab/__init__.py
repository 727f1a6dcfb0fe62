"""Server, boxes and probe put together: in one process, or as network namespaces of the kernel.

A request names profiles or a path file; `inprocess` starts the far end, the boxes of `hbprobe.middlebox` in a row and
the run of `hbprobe.measure`, all on one loop, mostly on the warp clock.

    requests.py      the requests that need a lab: a simulated path probed, and a diagnosis of a real path or a
                     simulated one
    pathfile.py      a whole path as a file: boxes with changed timers, a web.config, devices, and what to search for
    paths/           the path files that ship
    inprocess.py     a whole path in one process: the far end behind real TLS, the boxes, and a probe that measures
                     across them
    fleet_sockets.py a fleet over sockets: the devices of `hbprobe.fleet`, as clients of the stand-in, through real
                     boxes over real TLS
    kernel/          a path made of network namespaces

A new story is a path file in `paths/`.
"""
