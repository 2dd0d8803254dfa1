"""`/api/v1/admin/users`: staff looks after accounts."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post, put
from litestar.params import QueryParameter

from caddy_shopping.contexts.users.application.change_role import ChangeRole
from caddy_shopping.contexts.users.application.create_staff import CreateStaff
from caddy_shopping.contexts.users.application.disable_user import DisableUser, EnableUser
from caddy_shopping.contexts.users.application.queries import AccountFilter
from caddy_shopping.contexts.users.application.use_cases import UseCases
from caddy_shopping.contexts.users.application.views import AccountView
from caddy_shopping.contexts.users.domain import errors
from caddy_shopping.contexts.users.domain.permissions import MANAGE_USERS
from caddy_shopping.contexts.users.interface.bodies import CreateStaffBody, RoleBody
from caddy_shopping.contracts.users import UserNotFound
from caddy_shopping.kernel.actor import Actor, Role
from caddy_shopping.kernel.paging import CursorInvalid, PageRequest
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.conditional import if_match, tagged
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.wire import ApiResponse, PaginatedResponse, paginated

Web = Request[Any, Any, Any]
Account = Response[ApiResponse[AccountView]]
OfRole = Annotated[Role | None, QueryParameter(name="role", description="Only this role.", required=False)]
Disabled = Annotated[
    bool | None, QueryParameter(name="disabled", description="Only closed accounts, or only open ones.", required=False)
]
Search = Annotated[
    str | None,
    QueryParameter(
        name="q",
        min_length=1,
        max_length=100,
        description="Part of a name or beginning of an e-mail address.",
        required=False,
    ),
]
GRANT = (errors.BeyondYourRights, errors.RoleNotGiven, errors.PermissionUnknown, errors.PermissionsNeedStaff)


class StaffController(Controller):
    path = "/api/v1/admin/users"
    tags = ("users (staff)",)

    @get("", summary="List accounts", **documented(CursorInvalid))
    async def list_accounts(
        self,
        use_cases: UseCases,
        actor: Actor,
        page: PageRequest,
        role: OfRole = None,
        disabled: Disabled = None,
        search: Search = None,
    ) -> PaginatedResponse[AccountView]:
        """Accounts by role, state and name, newest first. Takes `users:manage`."""
        actor.require(MANAGE_USERS)
        return paginated(await use_cases.queries.accounts(AccountFilter(role, disabled, search), page), page)

    @get("/{user_id:uuid}", summary="Show an account", **documented(UserNotFound))
    async def show(self, request: Web, user_id: UUID, use_cases: UseCases, actor: Actor) -> Account:
        """One account, with the ETag that changing it takes. Takes `users:manage`."""
        actor.require(MANAGE_USERS)
        view = await use_cases.queries.account(user_id)
        return tagged(request, view, version=view.version)

    @post(
        "",
        summary="Create a staff account",
        status_code=201,
        **documented(
            errors.EmailTaken,
            errors.EmailInvalid,
            errors.TextInvalid,
            errors.PasswordLength,
            errors.PasswordTooCommon,
            *GRANT,
        ),
    )
    async def create(
        self, request: Web, data: CreateStaffBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Account:
        """Make an account for a colleague. Nobody hands out a right that they do not hold. Takes `users:manage`.

        Without a password, a mail with a link to set one goes out; the link is good for one hour.
        """
        command = CreateStaff(
            actor=actor,
            email=data.email,
            name=data.name,
            role=data.role,
            permissions=data.permissions,
            language=data.language,
            password=data.password,
        )
        view = await run(use_cases.create_staff, command)
        return tagged(request, view, version=view.version, status=201, location=f"{self.path}/{view.id}")

    @put(
        "/{user_id:uuid}/role",
        summary="Change role and permissions",
        **documented(UserNotFound, errors.NotRegistered, errors.OwnAccount, errors.LastAdmin, *GRANT, if_match=True),
    )
    async def change_role(
        self, request: Web, user_id: UUID, data: RoleBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Account:
        """Set the role of an account and, for staff, the list of permissions. Counts from the next request on.

        Nobody gives or takes rights that they do not hold, nor changes their own. Takes `users:manage`.
        """
        command = ChangeRole(
            actor=actor, user_id=user_id, role=data.role, permissions=data.permissions, version=if_match(request)
        )
        view = await run(use_cases.change_role, command)
        return tagged(request, view, version=view.version)

    @post(
        "/{user_id:uuid}/disable",
        summary="Close an account",
        status_code=200,
        **documented(UserNotFound, errors.OwnAccount, errors.LastAdmin, errors.BeyondYourRights, if_match=True),
    )
    async def disable(self, request: Web, user_id: UUID, use_cases: UseCases, run: Executor, actor: Actor) -> Account:
        """Close an account: its sessions end and its next request is refused. Takes `users:manage`."""
        command = DisableUser(actor=actor, user_id=user_id, version=if_match(request))
        view = await run(use_cases.disable_user, command)
        return tagged(request, view, version=view.version)

    @post(
        "/{user_id:uuid}/enable",
        summary="Open an account again",
        status_code=200,
        **documented(UserNotFound, errors.OwnAccount, errors.BeyondYourRights, if_match=True),
    )
    async def enable(self, request: Web, user_id: UUID, use_cases: UseCases, run: Executor, actor: Actor) -> Account:
        """Open a closed account again. Its owner has to sign in anew. Takes `users:manage`."""
        command = EnableUser(actor=actor, user_id=user_id, version=if_match(request))
        view = await run(use_cases.enable_user, command)
        return tagged(request, view, version=view.version)
