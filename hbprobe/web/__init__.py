"""The pages of running boxes and of a running watch: offline, without a build step or an inline script.

`box_page` stands beside the control API of boxes, `watch_page` beside what monitoring asks of a watch. Both have the
look and the helpers of `page.css` and `page.js`, and one file each of HTML and of script.

    shell.py      the files of a page, with headers that let nothing strange in: no inline script, no other origin, no
                  frame
    box_page.py   the page of running boxes at `/`, for browsers: of the control API, which gives programs JSON, and
                  Toxiproxy's
    watch_page.py the page of a running watch at `/` of its endpoint: targets, limits over days, the running search,
                  each report
"""
