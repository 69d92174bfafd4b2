"""A fastmcp server that takes the JWTs of the issuer in ISSUER for RESOURCE, and listens on PORT."""
import os

from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.server.dependencies import get_access_token

issuer, resource, port = os.environ["ISSUER"], os.environ["RESOURCE"], int(os.environ["PORT"])
verifier = JWTVerifier(jwks_uri=f"{issuer}/jwks", issuer=issuer, audience=resource, required_scopes=["tools.read"])
origin = resource.removesuffix("/mcp")
mcp = FastMCP("a server by somebody else", auth=RemoteAuthProvider(verifier, authorization_servers=[issuer], base_url=origin))


@mcp.tool
def whoami() -> dict[str, str]:
    """Who the token is about."""
    claims = get_access_token().claims
    return {"iss": claims["iss"], "sub": claims["sub"], "client_id": claims["client_id"]}


@mcp.tool
def add(a: int, b: int) -> int:
    """The sum."""
    return a + b


mcp.run(transport="http", host="127.0.0.1", port=port, path="/mcp", show_banner=False)
