"""A report that can be mailed: one document, written as HTML, Markdown, JSON or CSV.

`sources` loads the files, `redaction` takes secrets out, `compose` makes a document of blocks, which `html` and
`markdown` write; `data` writes the measurements themselves.

    formats.py            the formats of a report: one row for each, with the writer that makes it
    sources.py            the files that a report is made of
    redaction.py          what looks like a secret is taken out of what was measured before any of it is written down
    compose.py            from measurements to a document
    compare.py            two measurements or more side by side: which limit is the shortest, what differs, and what
                          is the same
    sections.py           what a report says of one measurement, section by section, in the words of the terminal
    diagnosis_section.py  what a report says of a diagnosis, beside what it says of the limit: read from
                          `hbprobe.diagnosis/1`
    location_chapter.py   what a report says of a location, in the words of the terminal: read from
                          `hbprobe.location/1`
    capture_chapter.py    what a report says of captures, in the words of the terminal: read from `hbprobe.evidence/1`
    logs_chapter.py       what a report says of logs, in the words of the terminal: read from `hbprobe.evidence/1`
    outcomes.py           an outcome in a few words, for a table
    pictures.py           the pictures of a document, drawn only where a format shows them
    blocks.py             what a document is made of, whatever it is then written as: chapters, sections, and blocks
                          of plain text
    html.py               a document as one HTML file: nothing is fetched, no script runs, and text from outside stays
                          text
    markup.py             HTML, put together from elements: what is not markup already is escaped, so no text can
                          become any
    inline.py             a plot as SVG inside an HTML page: no file beside it, no name twice, and colours that follow
                          the page's own
    markdown.py           a document as Markdown, for a ticket or a wiki; pictures become their captions
    data.py               the same for programs: one JSON document, or every trial, connection or limit as a row of
                          CSV

A new format is a writer over `blocks`, as `markdown` is, and a row of `formats.FOR_PEOPLE`.
"""
