"""moto's server, taught the Cognito types of CloudFormation that it lacks, on top of its own Cognito.

It also imitates what moto's tokens leave out and the developer guide documents: scopes of the app client, and `aud` when
the tier binds resources and a person signed in. Arguments are those of moto_server.
"""
import json

from moto.cloudformation import parsing
from moto.cognitoidp import urls
from moto.cognitoidp.models import CognitoIdpUserPool, cognitoidp_backends
from moto.cognitoidp.responses import CognitoIdpOpenIdConfigurationResponse
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import main

# What is no property of the stored object, or goes into it by another argument.
CLIENT_ARGUMENTS = ("UserPoolId", "GenerateSecret")


class CognitoResource:
    """What moto's CloudFormationModel asks for, the same for all of them. Not a child of that: those must be modules of moto."""

    TYPE = ""
    ATTRIBUTES = ()

    def __init__(self, physical_id, **attributes):
        self.physical_resource_id = physical_id
        self.attributes = attributes

    @classmethod
    def cloudformation_type(cls):
        return cls.TYPE

    @staticmethod
    def cloudformation_name_type():
        return ""

    @classmethod
    def has_cfn_attr(cls, attr):
        return attr in cls.ATTRIBUTES

    def get_cfn_attribute(self, attr):
        return self.attributes[attr]

    def is_created(self):
        return True

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
        return cls.create(cognitoidp_backends[account_id][region_name], cloudformation_json["Properties"])

    @classmethod
    def update_from_cloudformation_json(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
        return cls.update(cognitoidp_backends[account_id][region_name], original_resource, cloudformation_json["Properties"])

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        cls.remove(cognitoidp_backends[account_id][region_name], resource_name, cloudformation_json["Properties"])

    @classmethod
    def update(cls, backend, original, properties):
        cls.remove(backend, original.physical_resource_id, properties)
        return cls.create(backend, properties)


class UserPool(CognitoResource):
    """`AWS::Cognito::UserPool`."""

    TYPE = "AWS::Cognito::UserPool"
    ATTRIBUTES = ("Arn", "ProviderName", "ProviderURL", "UserPoolId")

    @classmethod
    def create(cls, backend, properties):
        pool = backend.create_user_pool(properties["UserPoolName"], pool_settings(properties))
        name = f"cognito-idp.{backend.region_name}.amazonaws.com/{pool.id}"
        return cls(pool.id, Arn=pool.arn, ProviderName=name, ProviderURL=f"https://{name}", UserPoolId=pool.id)

    @classmethod
    def update(cls, backend, original, properties):
        backend.update_user_pool(original.physical_resource_id, pool_settings(properties))
        return original

    @classmethod
    def remove(cls, backend, physical_id, _):
        backend.delete_user_pool(physical_id)


class UserPoolDomain(CognitoResource):
    """`AWS::Cognito::UserPoolDomain`. moto keeps no version of the login pages."""

    TYPE = "AWS::Cognito::UserPoolDomain"

    @classmethod
    def create(cls, backend, properties):
        if backend.describe_user_pool_domain(properties["Domain"]):
            raise ValueError(f"Domain already associated with another user pool: {properties['Domain']}")
        return cls(backend.create_user_pool_domain(properties["UserPoolId"], properties["Domain"]).domain)

    @classmethod
    def remove(cls, backend, physical_id, _):
        backend.delete_user_pool_domain(physical_id)


class UserPoolResourceServer(CognitoResource):
    """`AWS::Cognito::UserPoolResourceServer`."""

    TYPE = "AWS::Cognito::UserPoolResourceServer"

    @classmethod
    def create(cls, backend, properties):
        made = backend.create_resource_server(properties["UserPoolId"], properties["Identifier"], properties["Name"], properties["Scopes"])
        return cls(made.identifier)

    @classmethod
    def remove(cls, backend, physical_id, properties):
        backend.user_pools[properties["UserPoolId"]].resource_servers.pop(physical_id)


class UserPoolClient(CognitoResource):
    """`AWS::Cognito::UserPoolClient`. Like Cognito, and unlike moto, it refuses scopes that nobody has."""

    TYPE = "AWS::Cognito::UserPoolClient"
    ATTRIBUTES = ("ClientId", "ClientSecret")

    @classmethod
    def create(cls, backend, properties):
        pool = backend.describe_user_pool(properties["UserPoolId"])
        of_servers = {f"{server.identifier}/{scope['ScopeName']}" for server in pool.resource_servers.values() for scope in server.scopes}
        known = of_servers | {"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"}
        if unknown := set(properties["AllowedOAuthScopes"]) - known:
            raise ValueError(f"ScopeDoesNotExistException: {unknown}")
        client = backend.create_user_pool_client(pool.id, properties["GenerateSecret"], client_settings(properties))
        return cls(client.id, ClientId=client.id, ClientSecret=client.secret)

    @classmethod
    def update(cls, backend, original, properties):
        backend.update_user_pool_client(properties["UserPoolId"], original.physical_resource_id, client_settings(properties))
        return original

    @classmethod
    def remove(cls, backend, physical_id, properties):
        backend.delete_user_pool_client(properties["UserPoolId"], physical_id)


class ManagedLoginBranding(CognitoResource):
    """`AWS::Cognito::ManagedLoginBranding`: moto's Cognito knows nothing of it, so only its client is looked up."""

    TYPE = "AWS::Cognito::ManagedLoginBranding"

    @classmethod
    def create(cls, backend, properties):
        client = backend.describe_user_pool_client(properties["UserPoolId"], properties["ClientId"])
        return cls(f"{properties['UserPoolId']}|{client.id}")

    @classmethod
    def remove(cls, backend, physical_id, properties):
        """Nothing is kept."""


def pool_settings(properties):
    return {name: value for name, value in properties.items() if name != "UserPoolName"}


def client_settings(properties):
    return {name: value for name, value in properties.items() if name not in CLIENT_ARGUMENTS}


def create_access_token(pool, client_id, username, origin_jti):
    """As moto's own, with the scopes and the audience of a sign-in through the login pages."""
    settings = pool.clients[client_id].extended_config
    claims = {"origin_jti": origin_jti, "scope": " ".join(settings.get("AllowedOAuthScopes", []))}
    binds = pool.extended_config.get("UserPoolTier") != "LITE" and "code" in settings.get("AllowedOAuthFlows", [])
    if binds and pool.resource_servers:
        claims["aud"] = next(iter(pool.resource_servers))
    token, lifetime = pool.create_jwt(client_id, username, "access", extra_data=claims)
    pool.access_tokens[token] = (client_id, username)
    return token, lifetime


CognitoIdpUserPool.create_access_token = create_access_token
without_endpoints = CognitoIdpOpenIdConfigurationResponse.serve_openid_configuration


def serve_openid_configuration(request, url, headers):
    """As moto's own, with the endpoints under the pool's domain, as Cognito's document has them."""
    status, headers, body = without_endpoints(request, url, headers)
    document = json.loads(body)
    pool = document["issuer"].rsplit("/", 1)[1]
    region = pool.split("_")[0]
    domain = cognitoidp_backends[DEFAULT_ACCOUNT_ID][region].user_pools[pool].domain
    base = f"https://{domain.domain}.auth.{region}.amazoncognito.com"
    endpoints = {"authorization": "authorize", "token": "token", "revocation": "revoke", "userinfo": "userInfo"}
    document |= {f"{name}_endpoint": f"{base}/oauth2/{path}" for name, path in endpoints.items()}
    document["token_endpoint_auth_methods_supported"] = ["client_secret_basic", "client_secret_post"]
    return status, headers, json.dumps(document).encode()


urls.url_paths["{0}/(?P<user_pool_id>[^/]+)/.well-known/openid-configuration$"] = serve_openid_configuration

# Where moto looks types up; filled by itself before, with those it has.
parsing.get_model_list().extend([UserPool, UserPoolDomain, UserPoolResourceServer, UserPoolClient, ManagedLoginBranding])

if __name__ == "__main__":
    main()
