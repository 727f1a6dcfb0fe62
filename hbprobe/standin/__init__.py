"""A stand-in for Exchange ActiveSync: speaks its protocol and keeps its rules, without any mail.

A request comes in by `service`; `exchange_server` lets it through `webconfig_rules` and `request_checks` to
`command_handler`, which answers it or lets it wait (`device`) until its time has come, or mail. Each sample goes
into the window of `hbprobe.exchange.window`, and each request that is over to `recorders`. Only `service`, `admin`,
`input_files` and `record_files` touch anything outside.

    service.py         the stand-in as a service of the far end: its state machine behind aiohttp, on the running
                       loop's clock
    messages.py        a request as it came, and the answer to it, without sockets
    exchange_server.py the server's state machine: a request in; out comes an answer, or a time until which the
                       request waits
    webconfig_rules.py what of a web.config the stand-in keeps to beside the heartbeat settings: request filtering,
                       and limits
    request_checks.py  what a request must pass before its command is carried out: login, sense, throttling; access
                       rules, wipe, policy
    users.py           who may log in, and Basic authentication (https://www.rfc-editor.org/rfc/rfc7617)
    device.py          what the server remembers of one device and of the request with which it waits, and of one
                       user's devices
    command_handler.py carries commands out: each of them returns the body of its answer, or None where the request
                       waits
    ping.py            Ping: what Exchange answers at once, and what it waits on
    sync.py            Sync: the first one of a folder, those that follow, and those that wait for changes
    provisioning.py    Provision: a policy is handed out, and acknowledged; or a wipe is
    admin_rules.py     what administrators decide: who gets in with which device, what policy it must have, who is
                       slowed down
    input_files.py     the files that the stand-in is given: to values, or to one line that says what to mend
    admin.py           the administrators' side: mail comes, rules change, devices are wiped, and one can see who
                       waits
    recorders.py       those who keep records: they are told of event 1040, and of each request when it is over; and
                       the one that tells it on a terminal
    record_files.py    puts the records that Exchange keeps into files: its events, and IIS's log of the requests

A new command is a function that `command_handler` calls, with its messages in `hbprobe.eas.commands`.
"""
