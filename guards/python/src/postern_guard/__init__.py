"""For APIs in Python: verify OAuth 2.0 access tokens of Postern locally, require scopes, follow revocations."""

from .access_token import AccessToken, Confirmation
from .certificates import ThumbprintFinder, TrustedProxies, certificate_thumbprint
from .documents import Fetch, Response
from .dpop import DpopNonces, UseProof
from .errors import Answer, GuardError
from .guard import Decision, Guard, GuardedRequest, Revocations
from .revocation_follower import TokenSource
from .token_source import ClientCredentials

__all__ = [
    "AccessToken",
    "Answer",
    "ClientCredentials",
    "Confirmation",
    "Decision",
    "DpopNonces",
    "Fetch",
    "Guard",
    "GuardError",
    "GuardedRequest",
    "Response",
    "Revocations",
    "ThumbprintFinder",
    "TokenSource",
    "TrustedProxies",
    "UseProof",
    "certificate_thumbprint",
]
