"""A name means one thing, and a docstring says more than the name."""

import ast
import re

from support.modules import MODULES, statements, tree_of

SAME_SUBJECT = "one subject on several floors: the verb, its request, its record, and how it is shown"
SAME_FILE_NAME = {
    **dict.fromkeys(
        ("capture", "diagnosis", "fleet", "fleet_sockets", "history", "locate", "location", "logs", "preflight",
         "probe", "size", "verdict", "watch"),
        SAME_SUBJECT,
    ),
    "answer": "what a measurement, or a capture, comes to in a few sentences",
    "ping": "the command Ping: its messages, the server's side, and a trial of it",
    "request": "what is asked of the room, and the run that answers it",
    "requests": "what is asked of the room, where there are several",
    "schema": "the JSON Schema of a profile, and the verb that prints such schemas",
    "sync": "the command Sync: its messages, and the server's side",
    "table": "the table to which a new one of the room's kind is added",
    "metrics": "what Prometheus asks of it",
}  # fmt: skip
"""File names that several rooms have, each with the one thing that it means in all of them."""
SAME_CLASS_NAME = {"Options": "what the command line of one verb asks beside its request; no other module sees it"}


def several(pairs):
    """Return what stands in several places."""
    places = {}
    for name, place in pairs:
        places.setdefault(name, []).append(place)
    return {name for name, found in places.items() if len(found) > 1}


def test_a_file_name_means_one_thing():
    found = several((module.rpartition(".")[2], module) for module in MODULES)
    assert sorted(found - SAME_FILE_NAME.keys()) == [], "find another name, or say here which one thing it means"
    assert sorted(SAME_FILE_NAME.keys() - found) == [], "it needs no reason any more"


def test_a_class_name_means_one_thing():
    found = several(
        (node.name, module)
        for module in MODULES
        for node in statements(tree_of(module))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert sorted(found - SAME_CLASS_NAME.keys()) == [], "find another name"
    assert sorted(SAME_CLASS_NAME.keys() - found) == [], "it needs no reason any more"


# Docstrings


FILLERS = frozenset(
    re.findall(
        r"\w+",
        """a all an and any are as at be by each for from give has have how in into is it its made make note of on one
        or out return returns say said take tell that the their them this to was what where which who whole with""",
    )
)


def stems(text):
    """Return the words of a text or a name that say something, without their endings."""
    words = re.findall(r"[A-Za-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " "))
    return {re.sub(r"(ies|es|s|ing|ed|e|y)$", "", word.lower()) for word in words if word.lower() not in FILLERS}


def repeating(module):
    """Return the classes and functions whose docstring has no word beyond their name, their class and their file."""
    found, waiting = [], [(tree_of(module), module.rpartition(".")[2])]
    while waiting:
        inside, around = waiting.pop()
        for node in ast.iter_child_nodes(inside):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node)
                if text and not stems(text) - stems(f"{node.name} {around}"):
                    found.append(f"{module}: {node.name}: {text}")
                waiting.append((node, f"{around} {node.name}" if isinstance(node, ast.ClassDef) else around))
    return found


def test_words_that_say_something_are_found():
    assert stems("Return the SeenRequests that were closed.") == {"seen", "request", "wer", "clos"}


def test_no_docstring_repeats_a_name():
    assert [line for module in MODULES for line in repeating(module)] == [], "say something, or nothing"
