"""Facts to reason from, made by hand."""

import pytest

from hbprobe.manner import Aftermath, Manner
from hbprobe.trial.evidence import Ask, FarEndSaw, Observation, Question
from hbprobe.trial.outcome import Kind, Limit, Outcome, SocketSaw


class Facts:
    """Short ways to write what was seen."""

    @staticmethod
    def silent(aftermath=Aftermath.NOTHING, state=None, *, woke=False, times=1, late_s=None, retransmits=0):
        """A post-mortem of a silent cut."""
        return Observation(
            Ask(Question.POST_MORTEM, 750),
            Outcome(Kind.CUT, 753, Manner.SILENT),
            socket=SocketSaw(aftermath, retransmits, woke),
            far_end=None if state is None else FarEndSaw(state, times=times),
            late_s=late_s,
        )

    @staticmethod
    def ended(how, state=None, *, status=None, signed=False, server=""):
        """A post-mortem of a cut that the client noticed."""
        return Observation(
            Ask(Question.POST_MORTEM, 750),
            Outcome(Kind.CUT, 600, how, exact=True, status=status),
            signed=signed,
            server=server,
            far_end=None if state is None else FarEndSaw(state, at_s=600),
        )

    @staticmethod
    def asked(question, survived, *, hold_s=900, interval_s=60, at_s=600, how=Manner.SILENT, **more):
        """An answer to another question; None for one that could not be asked."""
        kind = {True: Kind.SURVIVED, False: Kind.CUT, None: Kind.FAILED}[survived]
        outcome = Outcome(
            kind, hold_s if survived else at_s, None if survived else how, exact=how is not Manner.SILENT
        )
        return Observation(Ask(question, hold_s, interval_s), outcome, **more)

    @staticmethod
    def limit(how=Manner.SILENT, *, low_s=599.5, high_s=600.5, status=None, aftermath=None):
        """A limit."""
        return Limit(low_s, high_s, how, status, exact=how is not Manner.SILENT, aftermath=aftermath)


@pytest.fixture(scope="session")
def facts():
    return Facts
