"""Bringing what an installation of Reflector has, by its PostgreSQL database, to this one."""
