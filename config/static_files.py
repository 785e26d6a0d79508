"""Static files as they are served without DEBUG: under names that change with their content."""

from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Modules name each other so as well, or a page would run a new one with others that a browser still keeps."""

    support_js_module_import_aggregation = True
