"""`/api/v1/auth`: how people come in and go out."""

from typing import Any

from litestar import Controller, Request, Response, post
from msgspec import UNSET

from caddy_shopping.contexts.users.application.change_password import ChangePassword
from caddy_shopping.contexts.users.application.confirm_email import ConfirmEmail, ResendConfirmation
from caddy_shopping.contexts.users.application.refresh import Refresh
from caddy_shopping.contexts.users.application.register import Register
from caddy_shopping.contexts.users.application.reset_password import RequestPasswordReset, ResetPassword
from caddy_shopping.contexts.users.application.sign_in import SignIn
from caddy_shopping.contexts.users.application.sign_out import SignOut, SignOutEverywhere
from caddy_shopping.contexts.users.application.start_as_guest import StartAsGuest
from caddy_shopping.contexts.users.application.use_cases import UseCases
from caddy_shopping.contexts.users.application.views import SignedIn
from caddy_shopping.contexts.users.domain import errors
from caddy_shopping.contexts.users.interface.bodies import (
    ChangePasswordBody,
    ConfirmBody,
    ForgotBody,
    RefreshBody,
    RegisterBody,
    ResetBody,
    SignInBody,
)
from caddy_shopping.kernel.actor import Actor
from caddy_shopping.kernel.languages import negotiate
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.http.docs import documented
from caddy_shopping.platform.http.wire import Accepted, ApiResponse

Web = Request[Any, Any, Any]
PASSWORD_RULES = (errors.PasswordLength, errors.PasswordTooCommon)


def address_of(request: Web) -> str:
    """The caller's network address."""
    return request.client.host if request.client else "unknown"


def tokens(signed_in: SignedIn, status: int = 200) -> Response[ApiResponse[SignedIn]]:
    """An answer that no cache may keep (RFC 6749 §5.1)."""
    headers = {"cache-control": "no-store"}
    if status == 201:
        headers["location"] = "/api/v1/users/me"
    return Response(ApiResponse(signed_in), status_code=status, headers=headers)


class AuthController(Controller):
    path = "/api/v1/auth"
    tags = ("auth",)

    @post("/guest", summary="Start as a guest", status_code=201, **documented(public=True))
    async def guest(self, request: Web, use_cases: UseCases, run: Executor) -> Response[ApiResponse[SignedIn]]:
        """Get tokens without an e-mail address or a password. Registering later keeps the user id and the cart."""
        language = negotiate(request.headers.get("accept-language"))
        return tokens(await run(use_cases.start_as_guest, StartAsGuest(language=language)), 201)

    @post(
        "/register",
        summary="Register",
        status_code=201,
        **documented(
            errors.EmailTaken,
            errors.EmailInvalid,
            errors.TextInvalid,
            errors.AlreadyRegistered,
            *PASSWORD_RULES,
            public=True,
        ),
    )
    async def register(
        self, data: RegisterBody, use_cases: UseCases, run: Executor, actor: Actor, request: Web
    ) -> Response[ApiResponse[SignedIn]]:
        """Make an account and sign in to it. A guest who sends their access token keeps their user id and their cart.

        A mail with a link to confirm the address is sent. The guest's own sessions end: the answer has new tokens.
        """
        language = negotiate(request.headers.get("accept-language")) if data.language is UNSET else data.language
        command = Register(actor=actor, email=data.email, password=data.password, name=data.name, language=language)
        return tokens(await run(use_cases.register, command), 201)

    @post(
        "/login",
        summary="Sign in",
        operation_id="signIn",
        status_code=200,
        **documented(errors.BadCredentials, errors.AccountDisabled, public=True),
    )
    async def sign_in(
        self, request: Web, data: SignInBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> Response[ApiResponse[SignedIn]]:
        """Trade an e-mail address and a password for tokens.

        A guest who sends their access token brings their cart and orders along, and the guest's own sessions end.
        After ten tries in five minutes on one account from one place the answer is 429; an unknown address costs
        the same time as a wrong password.
        """
        command = SignIn(actor=actor, email=data.email, password=data.password, address=address_of(request))
        return tokens(await run(use_cases.sign_in, command))

    @post(
        "/refresh",
        summary="Refresh the tokens",
        status_code=200,
        **documented(errors.RefreshTokenInvalid, errors.RefreshTokenReused, public=True),
    )
    async def refresh(self, data: RefreshBody, use_cases: UseCases, run: Executor) -> Response[ApiResponse[SignedIn]]:
        """Trade a refresh token, once, for a new pair of tokens.

        Whoever lost the answer may send the same token again for 30 seconds, as long as its successor is unused,
        and gets the same successor. Any other second use ends the session: somebody has a copy.
        """
        return tokens(await run(use_cases.refresh, Refresh(refresh_token=data.refresh_token)))

    @post("/logout", summary="Sign out", status_code=204, **documented())
    async def sign_out(self, use_cases: UseCases, run: Executor, actor: Actor) -> None:
        """End the session that the access token belongs to, at once."""
        await run(use_cases.sign_out, SignOut(actor=actor))

    @post("/logout-everywhere", summary="Sign out everywhere", status_code=204, **documented())
    async def sign_out_everywhere(self, use_cases: UseCases, run: Executor, actor: Actor) -> None:
        """End all of the caller's sessions, this one too."""
        await run(use_cases.sign_out_everywhere, SignOutEverywhere(actor=actor))

    @post(
        "/password/change",
        summary="Change the password",
        status_code=204,
        **documented(errors.CurrentPasswordWrong, errors.NotRegistered, *PASSWORD_RULES),
    )
    async def change_password(
        self, request: Web, data: ChangePasswordBody, use_cases: UseCases, run: Executor, actor: Actor
    ) -> None:
        """Replace the password. All other sessions end, and links to reset the old one stop working."""
        command = ChangePassword(
            actor=actor, current=data.current_password, new=data.new_password, address=address_of(request)
        )
        await run(use_cases.change_password, command)

    @post("/password/forgot", summary="Ask for a new password", status_code=202, **documented(public=True))
    async def forgot_password(
        self, request: Web, data: ForgotBody, use_cases: UseCases, run: Executor
    ) -> ApiResponse[Accepted]:
        """Send a mail with a link to set a new password, good for one hour.

        The answer does not tell whether there is an account with this address.
        """
        await run(use_cases.request_password_reset, RequestPasswordReset(email=data.email, address=address_of(request)))
        return ApiResponse(Accepted())

    @post(
        "/password/reset",
        summary="Set a new password",
        status_code=204,
        **documented(errors.MailTokenInvalid, *PASSWORD_RULES, public=True),
    )
    async def reset_password(self, data: ResetBody, use_cases: UseCases, run: Executor) -> None:
        """Set a new password with the token of the mail. Every session of the account ends.

        Who can read the mail owns the address, so it counts as confirmed.
        """
        await run(use_cases.reset_password, ResetPassword(token=data.token, password=data.password))

    @post(
        "/email/confirm",
        summary="Confirm the e-mail address",
        status_code=204,
        **documented(errors.MailTokenInvalid, public=True),
    )
    async def confirm_email(self, data: ConfirmBody, use_cases: UseCases, run: Executor) -> None:
        """Confirm the e-mail address with the token of the mail, which works once and for 24 hours."""
        await run(use_cases.confirm_email, ConfirmEmail(token=data.token))

    @post(
        "/email/resend",
        summary="Send the confirmation mail again",
        status_code=202,
        **documented(errors.EmailAlreadyConfirmed, errors.NotRegistered),
    )
    async def resend_confirmation(self, use_cases: UseCases, run: Executor, actor: Actor) -> ApiResponse[Accepted]:
        """Send the mail with the confirmation link again; the link of the earlier mail stops working."""
        await run(use_cases.resend_confirmation, ResendConfirmation(actor=actor))
        return ApiResponse(Accepted())
