"""Reports as data, and that data as PDF and HTML in either language.

`types` is the shape of a report; every `*_paper` module drafts one kind of it, pure; `render` prints it (typst, jinja2).
What a report says is decided here and nowhere in a template.
"""
