"""A stand-in for Cognito: creates a user pool in a running moto server and prints one access token as JSON.

pip install 'moto[server]' boto3; moto_server -H 127.0.0.1 -p 24001 &; python moto_cognito.py http://127.0.0.1:24001
Prints {"pool", "client_id", "issuer", "jwks_uri", "access_token", "id_token"}. The issuer in the token is the real
Cognito address while the keys are served by moto, so the resource server needs its metadata or JWKS URL override.
"""
import json
import os
import sys

import boto3

endpoint = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:24001"
region = "us-east-1"
os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")
idp = boto3.client("cognito-idp", endpoint_url=endpoint, region_name=region)
pool = idp.create_user_pool(PoolName="mcp")["UserPool"]["Id"]
client = idp.create_user_pool_client(
    UserPoolId=pool, ClientName="mcp", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
)["UserPoolClient"]["ClientId"]
idp.admin_create_user(UserPoolId=pool, Username="alice", TemporaryPassword="TempPass1!")
idp.admin_set_user_password(UserPoolId=pool, Username="alice", Password="PermPass1!", Permanent=True)
tokens = idp.admin_initiate_auth(
    UserPoolId=pool, ClientId=client, AuthFlow="ADMIN_NO_SRP_AUTH",
    AuthParameters={"USERNAME": "alice", "PASSWORD": "PermPass1!"},
)["AuthenticationResult"]
print(json.dumps({
    "pool": pool, "client_id": client,
    "issuer": f"https://cognito-idp.{region}.amazonaws.com/{pool}",
    "jwks_uri": f"{endpoint}/{pool}/.well-known/jwks.json",
    "access_token": tokens["AccessToken"], "id_token": tokens["IdToken"],
}))
