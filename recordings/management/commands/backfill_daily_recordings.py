from recordings.management.backfill import BackfillCommand


class Command(BackfillCommand):
    """The platform is the one in this file's name."""
