"""Builds the users context: the file to read first."""

from datetime import timedelta
from pathlib import Path

from caddy_shopping.contexts.users.application.addresses import (
    AddAddressHandler,
    ChangeAddressHandler,
    RemoveAddressHandler,
)
from caddy_shopping.contexts.users.application.change_password import ChangePasswordHandler
from caddy_shopping.contexts.users.application.change_profile import ChangeProfileHandler
from caddy_shopping.contexts.users.application.change_role import ChangeRoleHandler
from caddy_shopping.contexts.users.application.confirm_email import ConfirmEmailHandler, ResendConfirmationHandler
from caddy_shopping.contexts.users.application.create_staff import CreateStaffHandler
from caddy_shopping.contexts.users.application.disable_user import DisableUserHandler, EnableUserHandler
from caddy_shopping.contexts.users.application.ensure_first_admin import EnsureFirstAdminHandler
from caddy_shopping.contexts.users.application.mailing import MailDesk
from caddy_shopping.contexts.users.application.opening import SessionDesk
from caddy_shopping.contexts.users.application.ports import AccessTokens, PasswordHasher, SignInLimiter
from caddy_shopping.contexts.users.application.purge import PurgeExpiredHandler
from caddy_shopping.contexts.users.application.refresh import RefreshHandler
from caddy_shopping.contexts.users.application.register import RegisterHandler
from caddy_shopping.contexts.users.application.reset_password import RequestPasswordResetHandler, ResetPasswordHandler
from caddy_shopping.contexts.users.application.set_password import SetPasswordHandler
from caddy_shopping.contexts.users.application.sign_in import SignInHandler
from caddy_shopping.contexts.users.application.sign_out import SignOutEverywhereHandler, SignOutHandler
from caddy_shopping.contexts.users.application.start_as_guest import StartAsGuestHandler
from caddy_shopping.contexts.users.application.use_cases import UseCases
from caddy_shopping.contexts.users.infrastructure import tables
from caddy_shopping.contexts.users.infrastructure.limiter import MemorySignInLimiter, SharedSignInLimiter
from caddy_shopping.contexts.users.infrastructure.mapping import map_users
from caddy_shopping.contexts.users.infrastructure.repositories import SqlUsersTransaction
from caddy_shopping.contexts.users.infrastructure.views import SqlUserQueries
from caddy_shopping.contexts.users.interface.addresses_http import AddressController
from caddy_shopping.contexts.users.interface.admin_http import StaffController
from caddy_shopping.contexts.users.interface.auth_http import AuthController
from caddy_shopping.contexts.users.interface.jobs import jobs
from caddy_shopping.contexts.users.interface.profile_http import ProfileController
from caddy_shopping.contexts.users.interface.service import UsersService
from caddy_shopping.contexts.users.settings import UsersSettings
from caddy_shopping.platform.http.app import routes_of
from caddy_shopping.platform.module import Kit, Module, Schema

schema = Schema("users", tables.metadata, Path(__file__).parent / "infrastructure" / "migrations")


def build(
    kit: Kit, settings: UsersSettings, passwords: PasswordHasher, tokens: AccessTokens, refresh_secret: bytes
) -> Module:
    """`refresh_secret`: 32 bytes that stay the same for the life of the installation."""
    map_users()
    uow, clock, lifetimes = kit.unit_of_work(SqlUsersTransaction), kit.clock, settings.lifetimes
    queries = SqlUserQueries(kit.database, clock)
    limiter = _limiter(kit, settings.sign_in_tries, timedelta(seconds=settings.sign_in_window_seconds))
    desk, mails = SessionDesk(tokens, clock, lifetimes), MailDesk(clock, lifetimes)
    create_staff = CreateStaffHandler(uow, clock, passwords, mails)
    use_cases = UseCases(
        start_as_guest=StartAsGuestHandler(uow, clock, desk),
        register=RegisterHandler(uow, clock, passwords, desk, mails),
        sign_in=SignInHandler(uow, passwords, limiter, desk, queries),
        refresh=RefreshHandler(uow, clock, desk, lifetimes, refresh_secret),
        sign_out=SignOutHandler(uow, clock),
        sign_out_everywhere=SignOutEverywhereHandler(uow, clock),
        change_password=ChangePasswordHandler(uow, clock, passwords, limiter, queries),
        request_password_reset=RequestPasswordResetHandler(uow, limiter, mails),
        reset_password=ResetPasswordHandler(uow, clock, passwords, queries),
        confirm_email=ConfirmEmailHandler(uow, clock),
        resend_confirmation=ResendConfirmationHandler(uow, limiter, mails),
        change_profile=ChangeProfileHandler(uow),
        add_address=AddAddressHandler(uow, clock),
        change_address=ChangeAddressHandler(uow),
        remove_address=RemoveAddressHandler(uow),
        create_staff=create_staff,
        change_role=ChangeRoleHandler(uow),
        disable_user=DisableUserHandler(uow, clock),
        enable_user=EnableUserHandler(uow),
        set_password=SetPasswordHandler(uow, clock, passwords, queries),
        ensure_first_admin=EnsureFirstAdminHandler(create_staff, queries),
        purge_expired=PurgeExpiredHandler(uow, clock),
        queries=queries,
    )
    controllers = [AuthController, ProfileController, AddressController, StaffController]
    return Module(
        "users",
        use_cases,
        kit.run,
        routes=lambda: routes_of(use_cases, kit.run, controllers),
        service=UsersService(queries),
        jobs=jobs(use_cases, kit.run, timedelta(minutes=settings.purge_every_minutes)),
    )


def _limiter(kit: Kit, tries: int, window: timedelta) -> SignInLimiter:
    if kit.limiter is None:
        return MemorySignInLimiter(kit.clock, tries, window)
    return SharedSignInLimiter(kit.limiter, tries, window)
