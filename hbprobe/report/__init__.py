"""What was measured, for people: on the terminal, as pictures, and as a file that can be mailed.

All three read records of `hbprobe.records` and change nothing; words that they share are in `terminal/words`.

    looks.py      what each outcome is called, and how it looks, wherever it is told or drawn
    drawn_path.py a path as it is drawn: who stands on it, in order from the client, and which of them is guilty
    terminal/     tables, sentences and live lines
    plots/        pictures
    documents/    a report that can be mailed
"""
