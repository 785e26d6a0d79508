"""The names of models and their fields that Django makes of their Python names, in the reader's language.

Written in the models, each would be a migration that alters nothing. Each app lists those of its own in its
`model_names.py`, where `make messages` finds them.
"""

from typing import Any

from django.utils.translation import gettext_lazy


def translate_names(sender: Any, **kwargs: Any) -> None:
    meta = sender._meta
    if "verbose_name_plural" not in meta.original_attrs:
        meta.verbose_name_plural = gettext_lazy(str(meta.verbose_name_plural))
    for named in (meta, *meta.local_fields, *meta.local_many_to_many):
        if isinstance(named.verbose_name, str):
            named.verbose_name = gettext_lazy(named.verbose_name)
