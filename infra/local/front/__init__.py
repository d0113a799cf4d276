"""What answers in front of the API: one origin for the H5 and the API, as one domain has on AWS.

    front       decides who answers a request
    files       the files of ``h5/`` below ``/h5/``, and nothing else of this machine
    policy      the headers of the H5's pages, and how a content security policy is widened
    settings    ``/h5/config.json``
    kinds       the kinds of browsers that the stack can take this one for
    switch      ``/_local/browser``: which kind this browser is taken for, in a cookie
    dressing    what the switch adds to pages; ``bar.js`` is what it looks like

The switch is for a person in front of ``make up``. Pages are untouched unless ``LOCAL_BROWSER_BAR``
is 1 or the browser used the switch: tests see them as they are deployed.
"""
