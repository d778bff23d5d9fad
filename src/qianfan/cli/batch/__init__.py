"""`qianfan batch`: a file of rows in, a file of answers out.

    command.py    the options
    reading.py    rows of a file, one at a time, with line numbers
    template.py   columns become a prompt
    asking.py     what a row asks
    planning.py   the files of a run, and what is checked before anything is asked
    dry.py        --dry-run: every line checked, tokens and time estimated, nothing sent
    running.py    the run itself, and how it is stopped
    tally.py      what became of all rows, counted
    answers.py    what became of a row, as a row of the output
    writing.py    rows into a file that is whole or not there
    words.py      times and money in words
    progress.py   how far it is
    summary.py    what came of it

Only `command` is imported by the other commands: the rest is loaded when a batch is run.
"""
