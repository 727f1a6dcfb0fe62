"""A report that can be mailed: one document, written as HTML, Markdown, JSON or CSV."""
