"""The command line: each verb parses into a request, runs it, and shows its record. No logic of its own.

A command line goes through `main` to a help page, or through `app` to the verb's module, which is imported only then.
`request_options` makes the options of a verb from the fields of its request; `output` shows the record, or writes it.

    main.py            the program: runs one command, and turns the two errors into one line and an exit status
    app.py             the tree of verbs: which module does what, and what is said of a command line that is wrong
    pages.py           the help pages: which of them a command line asks for, and how it looks on a terminal
    verbs.py           which verbs there are, and what their help says: the overview, each verb's page and the manual
                       are made of this
    request_options.py verbs out of request classes: each field is an option, its doc is the help, and what is wrong
                       names the option
    options.py         the types of options that several verbs share: how their text is read, and how their help names
                       it
    output.py          what a verb shows and leaves: nothing that was measured is lost where it cannot be written
    lab.py             `hbprobe lab`: server, boxes and probe in one process, hours of path time in a moment
    preflight.py       `hbprobe preflight`: what must work before a Ping can wait
    probe.py           `hbprobe probe`: the search on a real path, in real time
    diagnose.py        `hbprobe diagnose`: what kills requests on a path, whose timer it is, and what would end it
    locate.py          `hbprobe locate`: which hop forgets idle connections
    capture.py         `hbprobe capture`: who ended the connections of a packet capture, and after which silence
    schema.py          `hbprobe schema`: the JSON Schema of a document
    logs.py            `hbprobe logs`: what has already happened, read from IIS, HTTPERR and Windows event logs
    verdict.py         `hbprobe verdict`: what Exchange and its devices make of a limit that is already known
    report.py          `hbprobe report`: results as one file that can be mailed
    plot.py            `hbprobe plot`: pictures of results, and of what profiles promise
    fleet.py           `hbprobe fleet`: many devices on many paths in simulated time, and event 1040 as the server
                       logs it
    fleet_output.py    what `fleet` and `size` have in common: how far they are, and what they print and leave
    fleet_sockets.py   `hbprobe fleet --sockets`: a smaller fleet through the real stand-in, and the model held
                       against it
    size.py            `hbprobe size`: which timer the firewall before Exchange should have, and what each would cost
    proxy.py           `hbprobe proxy`: the box, for any TCP client and server
    box_log.py         the log of a box while it runs: a line for each thing that happens, with its time, and many
                       written at once
    serve.py           `hbprobe serve`: the far end of a real path
    toxiproxy.py       `hbprobe toxiproxy`: the fault proxy that clients of Toxiproxy steer
    server_library.py  imports aiohttp for a verb that only serves, without what its client would need
    stand_in.py        what `serve` makes of its ActiveSync options: users, rules, records, the admin API
    profiles.py        `hbprobe profiles`: list, show, check and draw what boxes do
    watch.py           `hbprobe watch`: the same paths again and again, for weeks
    history.py         `hbprobe history`: what a watch has found

A new verb is a row of `verbs.VERBS` and a module of the same name with a function of the same name; docs/man.py then
writes its help page and its part of the manual.
"""
