"""What staff can ask of the mails."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.params import QueryParameter

from caddy_shopping.contexts.notifications.application.retry_email import RetryEmail
from caddy_shopping.contexts.notifications.application.use_cases import UseCases
from caddy_shopping.contexts.notifications.application.views import EmailView
from caddy_shopping.contexts.notifications.domain.email import EmailStatus
from caddy_shopping.contexts.notifications.domain.errors import EmailNotFound, EmailNotRetryable
from caddy_shopping.kernel.actor import Actor, PermissionMissing
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.wire import ApiResponse, PaginatedResponse, paginated

Status = Annotated[
    EmailStatus | None, QueryParameter(name="status", description="Only those in this state.", required=False)
]
Address = Annotated[
    str | None,
    QueryParameter(name="address", max_length=320, description="Only those to exactly this address.", required=False),
]


class EmailAdminController(Controller):
    path = "/api/v1/admin/notifications/emails"
    tags = ("notifications (staff)",)

    @get("", summary="List e-mails, newest first", **documented(CursorInvalid, PermissionMissing))
    async def list(
        self,
        use_cases: UseCases,
        actor: Actor,
        page: PageRequest,
        status: Status = None,
        address: Address = None,
    ) -> PaginatedResponse[EmailView]:
        """Every e-mail and what became of it, never what it said. Takes the permission `notifications:manage`."""
        return paginated(await use_cases.queries.emails(actor, page, status=status, address=address), page)

    @post(
        "/{email_id:uuid}/retry",
        status_code=200,
        summary="Send an e-mail again",
        **documented(EmailNotFound, EmailNotRetryable, PermissionMissing),
    )
    async def retry(self, email_id: UUID, use_cases: UseCases, run: Executor, actor: Actor) -> ApiResponse[EmailView]:
        """Queue an e-mail again that failed or waits for its next attempt. Takes `notifications:manage`."""
        await run(use_cases.retry_email, RetryEmail(actor=actor, email_id=email_id))
        return ApiResponse(await use_cases.queries.email(actor, email_id))
