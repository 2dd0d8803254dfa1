"""Which passwords are taken (after NIST SP 800-63B §3.1.1: length and a list, no composition rules)."""

from caddy_shopping.contexts.users.domain.errors import PasswordLength, PasswordTooCommon
from caddy_shopping.contexts.users.domain.text import email_key

LEAST, MOST = 10, 128

# The commonest of ten characters and more; shorter ones are refused for their length.
_COMMON = frozenset(
    """
    1234567890 12345678910 0123456789 0987654321 1111111111 0000000000 1234512345 1212121212 123123123123
    9876543210 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc q1w2e3r4t5 qwertyuiop qwertyuiop123 qwerty12345 qwerty123456
    qwertyqwerty asdfghjkl123 zxcvbnm123 abcdefghij abcdefg123 abcd123456 abc1234567 password12 password123
    password1234 password12345 passwordpassword p@ssword123 p@ssw0rd123 passw0rd123 password!1 password2024
    password2025 password2026 iloveyou12 iloveyou123 iloveyou1234 ilovemyself welcome123 welcome1234 letmein123
    letmein1234 administrator admin12345 admin123456 changeme123 changemenow football123 baseball123 princess123
    sunshine123 superman123 woaini1314 woaini1314520 woaini520520 5201314520 a123456789 aa12345678 1234567890a
    aaaaaaaaaa qwer123456 asd1234567 computer123 michelle123 liverpool123 mypassword secretsecret shopshopshop
    """.split()
)


def check_password(password: str, email: str | None) -> None:
    """Refuse a password of less than 10 or more than 128 characters, a common one, or the e-mail address itself.

    Raises `PasswordLength`, `PasswordTooCommon`.
    """
    if not LEAST <= len(password) <= MOST:
        raise PasswordLength(least=LEAST, most=MOST)
    folded = email_key(password)
    if folded in _COMMON or (email is not None and folded == email_key(email)):
        raise PasswordTooCommon()
