"""`/api/v1/users/me`: what the shop knows of its caller."""

from typing import Any

from litestar import Controller, Request, Response, get, patch

from caddy_shopping.contexts.users.application.change_profile import ChangeProfile
from caddy_shopping.contexts.users.application.use_cases import UseCases
from caddy_shopping.contexts.users.application.views import AccountView
from caddy_shopping.contexts.users.domain.errors import TextInvalid
from caddy_shopping.contexts.users.interface.bodies import ProfileBody
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.conditional import tagged
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.wire import ApiResponse


class ProfileController(Controller):
    path = "/api/v1/users/me"
    tags = ("users",)

    @get("", summary="Show my account", **documented())
    async def show(
        self, request: Request[Any, Any, Any], use_cases: UseCases, actor: Actor
    ) -> Response[ApiResponse[AccountView]]:
        """The caller's own account; guests have one too."""
        view = await use_cases.queries.account(actor.user_id)
        return tagged(request, view, version=view.version)

    @patch("", summary="Change my account", **documented(TextInvalid))
    async def change(
        self, request: Request[Any, Any, Any], data: ProfileBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Response[ApiResponse[AccountView]]:
        """Change name, phone or language. What is left out stays; a phone of null is removed."""
        command = ChangeProfile(actor=actor, name=data.name, phone=data.phone, language=data.language)
        view = await run(use_cases.change_profile, command)
        return tagged(request, view, version=view.version)
