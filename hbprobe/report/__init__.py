"""What was measured, for people: on the terminal, as pictures, and as a file that can be mailed.

All three read records of `hbprobe.records` and change nothing; words that they share are in `terminal/words`.

    terminal/   tables, sentences and live lines
    plots/      pictures
    documents/  a report that can be mailed
"""
