"""Explaining a path: what kills its connections, told from how they die and what would have saved them.

The limit is known. `plan` says which questions are worth asking of it; `hbprobe.measure.diagnosing` asks them on the
path; `reasoning` makes of the answers what kind of timer it is, and whose; `ranking` compares them with what
`prediction` says of each profile; `mend` says what would end the trouble. Nothing here touches a socket.

    plan.py       which questions to ask about a limit that is known, how long each takes, and so how long all do side
                  by side
    saved.py      how a request fared against the limit: it lived, or it outlived the limit and met another end later,
                  or it died
    prediction.py what a profile foretells for the questions of a diagnosis
    reasoning.py  from the answers to what kind of timer it is, whose, and what kind of box. Facts in, words out
    fit.py        a fixed timer, or random loss? Which of two laws makes what the trials showed more likely, and which
                  more trials would tell most of it
    ranking.py    which products of the catalogue fit what was seen, and why
    heartbeat.py  what a limit means for a heartbeat of one's own, and which interval is safe
    naming.py     how products call themselves in what they answer: Server, Via, and the page of an error
    advice.py     what ends the trouble, for both sides: whoever runs the box that cuts, and whoever writes the
                  application
    mend.py       what would end the trouble: the smallest timer, or the keep-alives, that would do

A new question is a member of `hbprobe.trial.evidence.Question`, a row of `plan`, how it is asked in
`hbprobe.trial.asking`, what a profile foretells for it in `prediction`, and what follows from it in `reasoning`.
"""
