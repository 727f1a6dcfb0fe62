"""ActiveSync on the wire and in logs: what is written here is read here, by the same tables.

Bytes become elements (`wbxml`), and elements become messages (`commands/`). Both sides of the protocol use them:
`client` for a device, `hbprobe.standin` for the server. A request that is over is a `request_record`, from which the
lines of logs are written and into which they are read.

    code_pages.py     the code pages of ActiveSync's WBXML: which byte stands for which tag
    wbxml.py          ActiveSync's WBXML: a tree of elements as bytes and back. Strict: what ActiveSync does not use
                      is an error
    commands/         the messages, as values
    query.py          what stands behind the question mark of an ActiveSync request: plain, or packed as bytes and
                      then as base64
    client.py         a device's side of ActiveSync: what it sends until the server lets a Ping wait, and what it
                      makes of the answers
    refusal.py        why an ActiveSync server does not do what it is asked: its HTTP statuses and command statuses,
                      and what to do
    releases.py       the releases of Exchange that the stand-in can pass for
    request_record.py one ActiveSync request from beginning to end, as logs tell of it
    log_blob.py       what Exchange says of an ActiveSync request in the query of IIS's log, behind `&Log=`
    iis_log.py        lines of the two logs of IIS about requests to the stand-in: W3C's, as Exchange's sites write
                      it, and HTTPERR, of requests whose client went before they were answered
    event_log.py      Exchange's events about heartbeats, as each release logs them, with its inserts in its order and
                      units

A new command is a module in `commands/`; a new tag a row of `code_pages`; what another release of Exchange logs a row
of `releases` and of `event_log`.
"""
