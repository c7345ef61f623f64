"""An OAuth 2.0 provider of oauthlib whose refresh tokens hold once, with a resource behind it. Prints its port."""

import json
from wsgiref.simple_server import WSGIRequestHandler, make_server

from oauthlib.oauth2 import RequestValidator, WebApplicationServer

STATE = {"refresh": "refresh-0", "access": set(), "used": []}


class Validator(RequestValidator):
    def authenticate_client(self, request, *arguments, **named):
        fitting = request.client_id == "id-1" and getattr(request, "client_secret", None) == "hush-hush"
        if fitting:
            request.client = type("Client", (), {"client_id": "id-1"})()
        return fitting

    def client_authentication_required(self, request, *arguments, **named):
        return True

    def validate_grant_type(self, client_id, grant_type, client, request, *arguments, **named):
        return grant_type == "refresh_token"

    def validate_refresh_token(self, refresh_token, client, request, *arguments, **named):
        request.user = "shop"
        return refresh_token == STATE["refresh"]

    def get_original_scopes(self, refresh_token, request, *arguments, **named):
        return ["erp"]

    def save_bearer_token(self, token, request, *arguments, **named):
        STATE["used"].append(request.refresh_token)
        STATE["refresh"] = token["refresh_token"]
        STATE["access"].add(token["access_token"])

    def validate_bearer_token(self, token, scopes, request):
        return token in STATE["access"]

    def rotate_refresh_token(self, request):
        return True


provider = WebApplicationServer(Validator(), token_expires_in=3600)


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


def application(environ, start):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length).decode()
    path = environ["PATH_INFO"]
    headers = {"Content-Type": environ.get("CONTENT_TYPE", ""), "Authorization": environ.get("HTTP_AUTHORIZATION", "")}
    if path == "/oauth/token":
        found, answer, status = provider.create_token_response("https://provider.example" + path, "POST", body, headers)
        start("%d X" % status, [(name, value) for name, value in found.items()])
        return [answer.encode()]
    valid, _ = provider.verify_request("https://provider.example" + path, "GET", body, headers, ["erp"])
    start("200 X" if valid else "401 X", [("Content-Type", "application/json")])
    return [json.dumps([{"id": 1, "reference": "A", "name": "B"}] if valid else []).encode()]


server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
print(server.server_port, flush=True)
server.serve_forever()
