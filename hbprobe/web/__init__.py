"""The page of a running box, for a browser on the same machine: offline, without a build step or an inline script.

`box_page` serves it beside the control API, which it calls; the page itself is `box.html`, `box.css` and `box.js`.

    box_page.py  the page of running boxes at `/` of their control API, for browsers; programs get JSON there as ever
"""
