"""What is said in each protocol, without I/O: a talk stands, is silent, and asks what any server answers.

    talk.py       what each talk is: bytes in, bytes out, and what they add up to
    websocket.py  WebSocket: Ping and Pong
    http2.py      HTTP/2, and gRPC: PING and its acknowledgement
    sse.py        server-sent events: listened to
    mqtt.py       MQTT: PINGREQ and PINGRESP
    redis.py      Redis: PING, with or without a login
    imap.py       IMAP: NOOP, or IDLE in a mailbox; STARTTLS and a login
    postgresql.py PostgreSQL: what is asked before the login, or Sync after it
    scram.py      the login SCRAM-SHA-256, in which the password does not cross the wire
    smtp.py       SMTP: NOOP; STARTTLS
    ssh.py        SSH: a message that nobody knows, which must be answered
    ldap.py       LDAP: a search for the root of the directory; STARTTLS and a simple bind
    raw.py        bytes of the user's choice, or nothing at all: then only TCP tells whether the connection stands

`hbprobe.trial.methods.talking` carries them out. A new one is a file here with `make(where)`, and a row of
`hbprobe.trial.methods.table`.
"""
