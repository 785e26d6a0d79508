"""Lists of large tables in Admin: rows are counted up to a bound."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from django.core.paginator import Paginator
from django.db.models import QuerySet

from platforms.listing import count_up_to

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
else:
    AnyPaginator = Paginator


class BoundedPaginator(AnyPaginator):
    """Its pages end where counting does: what is further is found by a filter, the search or the other order."""

    @cached_property
    def count(self) -> int:
        """One more than COUNTED where there are more."""
        return count_up_to(cast(QuerySet[Any], self.object_list))
