"""Work of the users context that comes round."""

from datetime import timedelta

from caddy_shopping.contexts.users.application.purge import PurgeExpired
from caddy_shopping.contexts.users.application.use_cases import UseCases
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.module import Job


def jobs(use_cases: UseCases, run: Executor, every: timedelta) -> list[Job]:
    return [Job("users.purge-expired", every, lambda: run(use_cases.purge_expired, PurgeExpired()))]
