"""Telling clients that stay connected what happens to transcripts, as it happens.

The log is the table of `TranscriptEvent`; each process of the web server reads it while anybody listens (`feed`), and
makes of its rows what clients are sent (`messages`). Who may follow what is said by `views`; how they are told is the
web server's part, in `config/web/live.py`.
"""
