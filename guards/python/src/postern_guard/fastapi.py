"""Guard as dependencies of FastAPI: each route names the scopes that it requires. RFC 6750, RFC 9728 §3.1."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase

from .access_token import AccessToken
from .asgi import metadata_answer, to_guarded_request
from .certificates import ThumbprintFinder
from .errors import Answer, GuardError
from .guard import Guard


class RefusedError(HTTPException):
    """A refused request. ``FastApiGuard.install`` answers it as every guard does; without it, the body is in ``detail``."""

    def __init__(self, refusal: GuardError) -> None:
        detail = {"error": refusal.code, "error_description": refusal.description}
        super().__init__(refusal.status, detail, refusal.headers)
        self.refusal = refusal


class _Bearer(SecurityBase):
    """How OpenAPI names it."""

    def __init__(self) -> None:
        self.model = HTTPBearerModel(bearerFormat="at+jwt", description="An access token of Postern, or one with DPoP.")
        self.scheme_name = "Postern"


class _Requirement(_Bearer):
    def __init__(self, guard: "FastApiGuard", scope: str) -> None:
        super().__init__()
        self._guard = guard
        self._scope = scope

    async def __call__(self, request: Request) -> AccessToken:
        return await self._guard.authorize(request, self._scope)


class FastApiGuard(_Bearer):
    """Itself a dependency, for ``Security(guard, scopes=["orders:read"])``; without scopes it accepts every valid token."""

    def __init__(self, guard: Guard, *, find_thumbprint: ThumbprintFinder | None = None) -> None:
        super().__init__()
        self.guard = guard
        self._find_thumbprint = find_thumbprint

    async def __call__(self, request: Request, security_scopes: SecurityScopes) -> AccessToken:
        return await self.authorize(request, security_scopes.scope_str)

    def require(self, scope: str) -> Callable[[Request], Awaitable[AccessToken]]:
        """A dependency that requires a scope, or several separated by spaces: ``Depends(guard.require("orders:read"))``.

        Its value is the ``AccessToken``.
        """
        return _Requirement(self, scope)

    async def authorize(self, request: Request, scope: str) -> AccessToken:
        """Return the token of a request. Raises ``RefusedError``."""
        try:
            return await self.guard.authorize_async(to_guarded_request(request.scope, self._find_thumbprint), scope)
        except GuardError as error:
            raise RefusedError(error) from error

    def install(self, app: FastAPI) -> None:
        """Answer refused requests as every guard does, and serve the metadata of the API."""

        def answer_refused(_request: Request, error: Exception) -> Response:
            if not isinstance(error, RefusedError):
                raise error
            return _to_response(error.refusal.answer)

        app.add_exception_handler(RefusedError, answer_refused)
        url = self.guard.resource_metadata_url
        if url is not None:
            app.add_api_route(
                urlsplit(url).path, self._serve_metadata, methods=["GET", "HEAD"], include_in_schema=False
            )

    def _serve_metadata(self, request: Request) -> Response:
        answer = metadata_answer(self.guard, request.method, request.url.path)
        return Response(status_code=404) if answer is None else _to_response(answer)


def _to_response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))
