"""Everything that can be asked of the users context."""

import msgspec

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
from caddy_shopping.contexts.users.application.purge import PurgeExpiredHandler
from caddy_shopping.contexts.users.application.queries import UserQueries
from caddy_shopping.contexts.users.application.refresh import RefreshHandler
from caddy_shopping.contexts.users.application.register import RegisterHandler
from caddy_shopping.contexts.users.application.reset_password import RequestPasswordResetHandler, ResetPasswordHandler
from caddy_shopping.contexts.users.application.set_password import SetPasswordHandler
from caddy_shopping.contexts.users.application.sign_in import SignInHandler
from caddy_shopping.contexts.users.application.sign_out import SignOutEverywhereHandler, SignOutHandler
from caddy_shopping.contexts.users.application.start_as_guest import StartAsGuestHandler


class UseCases(msgspec.Struct, frozen=True):
    start_as_guest: StartAsGuestHandler
    register: RegisterHandler
    sign_in: SignInHandler
    refresh: RefreshHandler
    sign_out: SignOutHandler
    sign_out_everywhere: SignOutEverywhereHandler
    change_password: ChangePasswordHandler
    request_password_reset: RequestPasswordResetHandler
    reset_password: ResetPasswordHandler
    confirm_email: ConfirmEmailHandler
    resend_confirmation: ResendConfirmationHandler
    change_profile: ChangeProfileHandler
    add_address: AddAddressHandler
    change_address: ChangeAddressHandler
    remove_address: RemoveAddressHandler
    create_staff: CreateStaffHandler
    change_role: ChangeRoleHandler
    disable_user: DisableUserHandler
    enable_user: EnableUserHandler
    set_password: SetPasswordHandler
    ensure_first_admin: EnsureFirstAdminHandler
    purge_expired: PurgeExpiredHandler
    queries: UserQueries
