"""A report that can be mailed: one document, written as HTML, Markdown, JSON or CSV.

`sources` loads the files and takes secrets out, `compose` makes a document of blocks, which `html` and
`markdown` write; `data` writes the measurements themselves.

    formats.py  the formats of a report: one row for each, with the writer that makes it
    sources.py  the files that a report is made of, read without what looks like a secret
    compose.py  from measurements to a document: a chapter for each, and before them, where they are several, what
                differs and what is the same
    sections.py what a report says of one measurement, section by section, in the words of the terminal
    chapters.py what a report says of locations, captures and logs, in the words of the terminal: read from
                `hbprobe.location/1` and `hbprobe.evidence/1`
    blocks.py   what a document is made of, whatever it is then written as: chapters, sections, blocks of plain text,
                and pictures, drawn only where a format shows them
    html.py     a document as one HTML file: elements, plots as SVG in colours that follow the page's own; nothing is
                fetched, no script runs, and text from outside stays text
    markdown.py a document as Markdown, for a ticket or a wiki; pictures become their captions
    data.py     the same for programs: one JSON document, or every trial, connection or limit as a row of CSV

A new format is a writer over `blocks`, as `markdown` is, and a row of `formats.FOR_PEOPLE`.
"""
