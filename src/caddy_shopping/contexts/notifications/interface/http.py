"""What people can ask of their own notifications."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post, put
from litestar.params import QueryParameter

from caddy_shopping.contexts.notifications.application.mark_read import MarkAllRead, MarkRead
from caddy_shopping.contexts.notifications.application.set_preferences import SetPreferences
from caddy_shopping.contexts.notifications.application.use_cases import UseCases
from caddy_shopping.contexts.notifications.application.views import (
    NotificationView,
    PreferencesView,
    ReadCount,
    UnreadCount,
)
from caddy_shopping.contexts.notifications.domain.errors import NotificationNotFound, SecurityMailRequired
from caddy_shopping.contexts.notifications.domain.kinds import MailKind
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.wire import ApiResponse, Body, PaginatedResponse, paginated

Unread = Annotated[bool, QueryParameter(name="unread", description="Only those not read yet.", required=False)]


class PreferencesBody(Body, frozen=True):
    """Kinds that are not named are on."""

    email: Annotated[
        dict[MailKind, bool],
        msgspec.Meta(
            examples=[{"order_paid": True, "order_shipped": False}],
            extra_json_schema={"propertyNames": {"enum": [str(kind) for kind in MailKind]}},
        ),
    ]


class NotificationController(Controller):
    path = "/api/v1/notifications"
    tags = ("notifications",)

    @get("", summary="List your notifications, newest first", **documented(CursorInvalid))
    async def list(
        self, use_cases: UseCases, actor: Actor, page: PageRequest, unread: Unread = False
    ) -> PaginatedResponse[NotificationView]:
        """What happened to your orders and your account, in your language."""
        return paginated(await use_cases.queries.notifications(actor, page, unread=unread), page)

    @get("/unread-count", summary="Count your unread notifications", **documented())
    async def unread_count(self, use_cases: UseCases, actor: Actor) -> ApiResponse[UnreadCount]:
        """How many of your notifications you have not read yet."""
        return ApiResponse(await use_cases.queries.unread_count(actor))

    @post(
        "/{notification_id:uuid}/read",
        status_code=200,
        summary="Mark a notification as read",
        **documented(NotificationNotFound),
    )
    async def mark_read(
        self, notification_id: UUID, use_cases: UseCases, run: Executor, actor: Actor
    ) -> ApiResponse[NotificationView]:
        """Mark one of your notifications as read. Doing it again changes nothing."""
        return ApiResponse(await run(use_cases.mark_read, MarkRead(actor=actor, notification_id=notification_id)))

    @post("/read-all", status_code=200, summary="Mark all your notifications as read", **documented())
    async def mark_all_read(self, use_cases: UseCases, run: Executor, actor: Actor) -> ApiResponse[ReadCount]:
        """Mark all your notifications as read; the answer says how many were not."""
        return ApiResponse(await run(use_cases.mark_all_read, MarkAllRead(actor=actor)))

    @get("/preferences", summary="Show which e-mails you get", **documented())
    async def preferences(self, use_cases: UseCases, actor: Actor) -> ApiResponse[PreferencesView]:
        """Which kinds of e-mail you get. Those under `always` cannot be switched off."""
        return ApiResponse(await use_cases.queries.preferences(actor))

    @put("/preferences", summary="Choose which e-mails you get", **documented(SecurityMailRequired))
    async def set_preferences(
        self, data: PreferencesBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> ApiResponse[PreferencesView]:
        """Say which kinds of e-mail you want; kinds that are not named are on."""
        return ApiResponse(await run(use_cases.set_preferences, SetPreferences(actor=actor, email=data.email)))
