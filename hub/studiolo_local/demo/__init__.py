"""`make demo`: all of Studiolo on one machine, for a first look, development and tests.

``folder``        the data folder: made on the first run, used by one demo at a time     (files)
``hub_settings``  how the hub is configured here                                         (pure)
``parts``         the processes: cluster, sign-in, proxy, hub; whether each answers      (HTTP)
``workspaces``    ends the workspaces when the demo stops                                (HTTP)
``words``         what the person at the terminal reads                                  (pure)
``run``           from start to Ctrl-C                                                   (I/O)
"""
