"""What notifications refuses."""

from caddy_shopping.kernel.errors import Conflict, Invalid, NotFound


class NotificationNotFound(NotFound):
    code = "NOTIFICATION_NOT_FOUND"
    en = "There is no such notification."
    zh = "通知不存在。"


class EmailNotFound(NotFound):
    code = "EMAIL_NOT_FOUND"
    en = "There is no such e-mail."
    zh = "邮件不存在。"


class EmailNotRetryable(Conflict):
    code = "EMAIL_NOT_RETRYABLE"
    en = "This e-mail was sent already, or is being sent at this moment."
    zh = "该邮件已发送或正在发送中。"


class SecurityMailRequired(Invalid):
    code = "SECURITY_MAIL_REQUIRED"
    en = "'{kind}' mails cannot be switched off: they keep your account yours."
    zh = "“{kind}”邮件关系到账户安全，不能关闭。"
