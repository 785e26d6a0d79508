#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line

from platforms.health.pulse import pulse

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    pulse.begin()
    execute_from_command_line(sys.argv)

    from config.audit import commands  # models are there only once a command has set Django up

    commands.note(sys.argv)
