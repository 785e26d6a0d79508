from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from platforms.starter.rendering import OPTIONS
from platforms.starter.writing import Refused, files_in_tree, files_of_package, require_free_name, write


class Command(BaseCommand):
    help = "Writes a first adapter for a video platform, with its tests and settings."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the platform's alias, as acme or acme_video")
        parser.add_argument(
            "--can",
            nargs="+",
            action="extend",
            default=[],
            choices=OPTIONS,
            metavar="ABILITY",
            help=f"what it can do beside opening meetings: {', '.join(OPTIONS)}",
        )
        parser.add_argument("--outside", action="store_true", help="a package of its own, found once it is installed")
        parser.add_argument("--folder", type=Path, default=Path(), help="where the package goes; default: here")

    def handle(self, *args: Any, **options: Any) -> None:
        name, abilities = options["name"], {OPTIONS[ability] for ability in options["can"]}
        root = Path(settings.BASE_DIR)
        try:
            require_free_name(name, root)
            if options["outside"]:
                files = files_of_package(name, abilities, options["folder"])
                write(files)
            else:
                files = files_in_tree(name, abilities, root)
                write(files, changed=[root / "config" / "settings.py", root / "env.example"])
        except Refused as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}.") from error
        for path in files:
            self.stdout.write(f"  {path.relative_to(root) if path.is_relative_to(root) else path}")
        self.stdout.write(self.style.SUCCESS("Written."))
        for number, step in enumerate(self.steps(name, options), 1):
            self.stdout.write(f"{number}. {step}")

    def steps(self, name: str, options: dict[str, Any]) -> list[str]:
        if options["outside"]:
            package = options["folder"] / f"reflector-rooms-{name.replace('_', '-')}"
            return [
                f"Install it: uv pip install --no-deps -e {package}",
                f"Try its tests: python -m pytest {package}",
                f"Put its API in the place of the made-up one, and {name.upper()}_API_URL and _API_KEY into .env.",
            ]
        return [
            f"Try its tests: .venv/bin/python -m pytest tests/platforms/backends/test_{name}.py",
            f"Put its API in the place of the made-up one in platforms/backends/{name}.py.",
            f"Put {name.upper()}_API_URL and {name.upper()}_API_KEY into .env; then rooms can open on it.",
        ]
