"""The documents: what each measurement leaves, and its JSON form.

`hbprobe.measure` and `hbprobe.evidence` make them, `hbprobe.report` shows them. Each has a `schema` of its own
(`hbprobe.result/1` and so on). A record is a plain value, and its `Part` is what writes and reads it: a field more is
a line in the value and a line in the part.

    record.py       what every record has: it writes itself as a JSON document, and says by which verb and from where
                    it was measured
    result.py       the result of a measurement, and its JSON form, `hbprobe.result/1` (docs/result-format.md)
    result_parts.py what documents are made of, written and read alike: every key checked, unknown ones passed over;
                    `hbprobe.result/1` above all
    diagnosis.py    a diagnosis and its JSON form, `hbprobe.diagnosis/1` (docs/diagnose.md)
    location.py     what locating showed, and its JSON form, `hbprobe.location/1` (docs/locate.md)
    preflight.py    what a preflight showed, and its JSON form, `hbprobe.preflight/1` (docs/ping.md)
    verdict.py      what Exchange makes of a limit that was already known, and its JSON form, `hbprobe.verdict/1`
    capture.py      what captures showed, as a document: `hbprobe.evidence/1` with the verb `capture`
                    (docs/captures.md)
    documents.py    the other documents about real paths and the catalogue, written and read alike
    simulations.py  the documents about simulated fleets, written and read alike
    schemas.py      the JSON Schema of each document, made from what reads it
    logs.py         what logs of the past showed, as a document: `hbprobe.evidence/1` with the verb `logs`
                    (docs/logs.md)

A new document is a module here, with its schema's name, its test and its page in docs/.
"""
