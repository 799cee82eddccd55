import threading

from structlog.testing import capture_logs

from stretto.server.engine.at_start import speak
from stretto.server.engine.registration import Declaration


def declared(name, at_start=None):
    return Declaration(name=name, graph=None, at_start=at_start)


def test_a_type_that_cannot_speak_silences_no_other():
    spoke = threading.Event()

    def broken():
        raise OSError("no such share")

    with capture_logs() as logs:
        speak([declared("silent"), declared("broken", broken), declared("speaks", spoke.set)])
        assert spoke.wait(10)
    assert [(line["event"], line["workflow_type"]) for line in logs] == [("at_start_failed", "broken")]


def test_nobody_waits_for_a_type_that_hangs():
    goes_on = threading.Event()
    before = set(threading.enumerate())
    speak([declared("hangs", goes_on.wait)])
    [thread] = set(threading.enumerate()) - before
    assert thread.daemon
    goes_on.set()
    thread.join(10)
    assert not thread.is_alive()
