"""A path made of Linux network namespaces: client, one router per box, server, each with a network stack of its own.

    from hbprobe.lab.kernel.path import kernel_path

    with kernel_path([box_1, box_2, box_3], nat=frozenset({1})) as net:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        net.client.adopt(sock)                  # from now on a socket of the client's
        listener = net.server.listen(8443)      # a listening socket of the server's
        net.client.command(["ping", net.server.address])   # an argv that runs there, for subprocess or asyncio
        Dialer(target, tls, prepare=net.client.adopt)      # a probe whose connections start at the client

`hbprobe.lab.kernel.measure.far_end(net)` runs the far end at the server, and gives the dialer of a probe at the
client.

One process can hold sockets of several namespaces, because a socket stays where it was made. So probe and far end run
in the caller's process, on the caller's loop. Only making a namespace, and a socket in one, needs privileges: a small
process, the keeper, does that, as root or inside a user namespace, and hands the sockets over. The namespaces have no
names, so nothing in the file system holds them: when the last of their processes and sockets is gone, however it
ended, the kernel takes them down with all their links, rules and state, and there is nothing to clean up.

Its modules:

    path.py         the path built: a chain of namespaces, joined by virtual links, with each box's rules in its
                    router
    namespaces.py   network namespaces without names, and sockets and programs inside them, as root and as an ordinary
                    user
    keeper.py       the keeper: a process that makes network namespaces, and sockets inside them, for another process
    enter.py        run a program in a namespace of a keeper: `enter.py PID DESCRIPTOR PROGRAM ARGUMENT ...`
    measure.py      a whole measurement on a path of namespaces: far end, routers, and a probe that searches across
                    them
    watcher.py      the watcher: a program that speaks for a router when conntrack forgets a connection, with RST or
                    FIN to its ends
    link_capture.py packet captures of a lab's links, in the format that tcpdump and Wireshark read, without tcpdump
"""
