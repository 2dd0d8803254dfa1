"""Everything that the users context refuses, by name."""

from caddy_shopping.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated


class EmailInvalid(Invalid):
    code = "EMAIL_INVALID"
    en = "'{email}' is not an e-mail address that mail can be sent to."
    zh = "“{email}”不是有效的电子邮箱地址。"


class EmailTaken(Conflict):
    code = "EMAIL_TAKEN"
    en = "There is an account with this e-mail address already. Sign in, or reset its password."
    zh = "该邮箱已注册，请直接登录或重置密码。"


class EmailAlreadyConfirmed(Conflict):
    code = "EMAIL_ALREADY_CONFIRMED"
    en = "Your e-mail address is confirmed already."
    zh = "您的邮箱已经验证过了。"


class TextInvalid(Invalid):
    code = "TEXT_INVALID"
    en = "'{field}' takes 1 to {limit} visible characters, without control characters."
    zh = "“{field}”须为 1 到 {limit} 个可见字符，且不含控制字符。"


class PasswordLength(Invalid):
    code = "PASSWORD_LENGTH"
    en = "A password has {least} to {most} characters."
    zh = "密码长度须为 {least} 到 {most} 个字符。"


class PasswordTooCommon(Invalid):
    code = "PASSWORD_TOO_COMMON"
    en = "This password is among the first that anybody would try. Choose another."
    zh = "该密码过于常见，请更换。"


class CurrentPasswordWrong(Invalid):
    code = "CURRENT_PASSWORD_WRONG"
    en = "The current password is not right."
    zh = "当前密码不正确。"


class BadCredentials(Unauthenticated):
    code = "BAD_CREDENTIALS"
    en = "E-mail address and password do not match an account."
    zh = "邮箱或密码错误。"


class AccountDisabled(Forbidden):
    code = "ACCOUNT_DISABLED"
    en = "This account was closed. Ask support if you think that is wrong."
    zh = "该账户已被停用，如有疑问请联系客服。"


class RefreshTokenInvalid(Unauthenticated):
    code = "REFRESH_TOKEN_INVALID"
    en = "This refresh token is unknown, has run out, or was signed out. Sign in again."
    zh = "刷新令牌无效或已过期，请重新登录。"


class RefreshTokenReused(Unauthenticated):
    code = "REFRESH_TOKEN_REUSED"
    en = "This refresh token was used before, so somebody may have copied it. The session was ended: sign in again."
    zh = "该刷新令牌已被使用过，为安全起见会话已终止，请重新登录。"


class MailTokenInvalid(Invalid):
    code = "MAIL_TOKEN_INVALID"
    en = "This link was used before or has run out. Ask for a new one."
    zh = "该链接已失效或已被使用，请重新获取。"


class AlreadyRegistered(Conflict):
    code = "ALREADY_REGISTERED"
    en = "This account is registered already. Sign in with its e-mail address."
    zh = "该账户已注册，请直接登录。"


class NotRegistered(Conflict):
    code = "NOT_REGISTERED"
    en = "A guest has no e-mail address and no password. Register first."
    zh = "游客账户没有邮箱和密码，请先注册。"


class AddressNotFound(NotFound):
    code = "ADDRESS_NOT_FOUND"
    en = "You have no such address."
    zh = "地址不存在。"


class TooManyAddresses(Conflict):
    code = "TOO_MANY_ADDRESSES"
    en = "An account keeps at most {limit} addresses. Remove one first."
    zh = "最多可保存 {limit} 个地址，请先删除一个。"


class PermissionUnknown(Invalid):
    code = "PERMISSION_UNKNOWN"
    en = "There is no permission '{permission}'. There are: {known}."
    zh = "权限“{permission}”不存在，可用权限：{known}。"


class PermissionsNeedStaff(Invalid):
    code = "PERMISSIONS_NEED_STAFF"
    en = "Only the role 'staff' has a list of permissions: admins hold all, customers none."
    zh = "只有 staff 角色可以分配权限：admin 拥有全部权限，customer 没有。"


class RoleNotGiven(Invalid):
    code = "ROLE_NOT_GIVEN"
    en = "The role '{role}' cannot be given to an account. Give customer, staff or admin."
    zh = "不能授予角色“{role}”，可用角色：customer、staff、admin。"


class BeyondYourRights(Forbidden):
    code = "BEYOND_YOUR_RIGHTS"
    en = "You cannot give, take or touch rights that you do not hold yourself."
    zh = "您不能授予、收回或更改您自己没有的权限。"


class OwnAccount(Conflict):
    code = "OWN_ACCOUNT"
    en = "Nobody changes their own role or closes their own account. Ask another administrator."
    zh = "不能更改自己的角色或停用自己的账户，请联系其他管理员。"


class LastAdmin(Conflict):
    code = "LAST_ADMIN"
    en = "This is the last active administrator. Make another one first."
    zh = "这是最后一个有效的管理员，请先添加其他管理员。"
