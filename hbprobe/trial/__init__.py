"""One trial: one connection with one request, never retried, and what came of it.

`methods` has the ways to make a trial. One opens a wire of `hbprobe.net`, has a conversation on it (`http`), lets
`classify` say what its end means, examines what is dead (`postmortem`) and names the causes
(`explanation`), unless it is the far end's own fault (`classify`). The result is an `outcome.Outcome`.

    methods/       how one connection is kept quiet for a chosen time: a file and a row for each protocol
    talks/         what is said in each protocol beside HTTP/1.1, without I/O
    http.py        one HTTP/1.1 request on one connection, and what came of it. Nothing is ever asked twice
    asking.py      one question of a diagnosis, asked: a request held past the limit, and all that both ends saw of it
    evidence.py    what a diagnosis asks of a path, and what each request showed
    postmortem.py  what a dead request still tells: one more packet on its connection, and what it is answered with;
                   and, over a second connection, what the far end saw
    classify.py    what the end of a trial means: evidence about timers, and which, or no evidence at all, as where
                   the far end is to blame
    explanation.py the post-mortem: from what both ends saw of a dead request to what it died of. Facts in,
                   explanations out
    keep_alives.py how long web servers keep a connection on which nothing is asked, as they ship: their own timer,
                   and no box's
    intervals.py   where the interval of a keep-alive is set in the clients of a protocol, and in the system: the line
                   to paste
    outcome.py     what a trial showed, and what the trials together say about the path's limit
    proof.py       whether `hbprobe serve`, or at least HTTP, is at the other end: it proves itself before anything is
                   measured
    ping_answer.py what the answer to a Ping means for a trial: the table of statuses, and whose answer it is
    handshake.py   a handshake carried out: the requests of `exchange/client.py` go over connections of their own, one
                   after another
    quarantine.py  whether a server tells a device of changes at all: of a device in quarantine it keeps them

A new method is a file in `methods/` and a row of its table.
"""
