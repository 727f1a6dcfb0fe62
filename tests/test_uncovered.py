"""Whoever looks for what a module decides finds the tests in the file of its name."""

import uncovered


def test_each_deciding_module_has_tests_of_its_own() -> None:
    deciding = uncovered.deciding()
    assert len(deciding) > 100
    assert [name for name in deciding if not uncovered.tests_of(name)] == []
