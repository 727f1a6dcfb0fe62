"""One request as a server records it, for others to be made of by `dataclasses.replace`."""

from hbprobe.eas.request_record import Access, RequestRecord

PLAIN = "User=alice&DeviceId=SYNTH01&DeviceType=iPhone&Cmd=Ping"
QUIET_PING = RequestRecord(
    started_s=0.1,
    ended_s=600.1,
    peer="198.51.100.7",
    host="mail.example.test",
    user_agent="Apple-iPhone0C0/0000.1",
    method="POST",
    path="/Microsoft-Server-ActiveSync",
    query=PLAIN,
    status=200,
    substatus=0,
    is_delivered=True,
    received_bytes=0,
    sent_bytes=13,
    user="EXAMPLE\\alice",
    command="Ping",
    version="14.1",
    device_id="SYNTH01",
    device_type="iPhone",
    access=Access.ALLOW,
    heartbeat_s=600,
    folders=("5", "6"),
    command_status=1,
    expired=True,
)
"""A Ping that was quiet for ten minutes."""
