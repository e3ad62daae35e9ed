"""Serving as a command: from --serve to the last answer."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from edge_runtime.errors import OutputError, UsageError
from edge_runtime.infer.cli import infer
from edge_runtime.web import ServeAddress
from tests.edge_runtime.web.conftest import Visitor
from tests.requirements import require_module


@pytest.fixture
def certificate(tmp_path):
    """Paths of a certificate for 127.0.0.1 and of its key."""
    require_module("cryptography", "sign")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "device")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = (
        builder.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    paths[0].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text("0123456789abcdef\n")
    path.chmod(0o600)
    return path


def test_a_run_serves_its_page_until_it_is_ended(tiny_bundle_path):
    command = [
        *(sys.executable, "-m", "edge_runtime.infer.cli", "--bundle", str(tiny_bundle_path)),
        *("--source", "synthetic:?width=64&height=48&fps=50", "--serve", "127.0.0.1:0"),
        *("--threads", "1"),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        address = urlsplit(re.search(r"http://\S+", process.stderr.readline())[0])
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
        moment = {"number": 0, "map": None}
        while not moment["map"]:  # none is made before somebody looks
            connection.request("GET", f"/live?viewer=me&after={moment['number']}")
            body = connection.getresponse().read()
            moment = json.loads(body[4 : 4 + int.from_bytes(body[:4], "big")])
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "Traceback" not in err
    assert moment["bundle"] == "tiny"
    assert moment["map"]["label"] == moment["label"]


def test_a_page_on_the_network_warns_of_plain_http_and_makes_a_token(serve):
    server = serve("0.0.0.0:0")
    assert "plain HTTP" in server.warning
    assert re.fullmatch(r"http://[^/]+:\d+/#[\w-]{32}", server.url)


def test_every_start_makes_another_token(serve):
    assert len({serve("0.0.0.0:0").url.partition("#")[2] for _ in range(2)}) == 2


def test_a_token_from_a_file_is_never_printed(serve, token_file):
    server = serve("0.0.0.0:0", token_file=token_file)
    assert "#" not in server.url
    assert Visitor(server).live(Authorization="Bearer 0123456789abcdef").status == 200


def test_over_tls_the_cookie_is_for_tls_alone(serve, certificate, token_file):
    server = serve(
        "0.0.0.0:0", tls_cert=certificate[0], tls_key=certificate[1], token_file=token_file
    )
    assert server.url.startswith("https://")
    assert not server.warning
    context = ssl.create_default_context(cafile=certificate[0])
    context.check_hostname = False
    port = Visitor(server).port
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
    origin = {"Origin": f"https://127.0.0.1:{port}"}
    connection.request("POST", "/sign-in", token_file.read_text(), origin)
    response = connection.getresponse()
    assert response.status == 204
    assert "Secure" in response.headers["set-cookie"]
    assert "max-age" in response.headers["strict-transport-security"]
    assert connection.sock.version() in ("TLSv1.2", "TLSv1.3")


def test_a_port_that_is_taken_is_one_sentence(serve):
    port = Visitor(serve()).port
    with pytest.raises(OutputError, match="another program serves there"):
        serve(f"127.0.0.1:{port}")


def test_an_address_of_another_machine_is_one_sentence(serve):
    with pytest.raises(OutputError, match="no such address"):
        serve("192.0.2.1:8642")


@pytest.mark.parametrize(
    ("content", "mode", "phrase"),
    [("short", 0o600, "16 characters"), ("0123456789abcdef", 0o644, "chmod 600"),
     ("päßword-0123456789", 0o600, "cannot be read"), (None, 0, "cannot be read")],
)  # fmt: skip
def test_a_token_file_that_is_unsafe_is_refused(serve, tmp_path, content, mode, phrase):
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content, encoding="utf-8")
        path.chmod(mode)
    with pytest.raises(UsageError, match=phrase):
        serve("0.0.0.0:0", token_file=path)


def test_a_credential_of_systemds_is_safe_though_an_acl_shows_as_a_groups_right(
    serve, token_file, monkeypatch
):
    token_file.chmod(0o440)
    with pytest.raises(UsageError, match="chmod 600"):
        serve("0.0.0.0:0", token_file=token_file)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(token_file.parent))
    assert "#" not in serve("0.0.0.0:0", token_file=token_file).url


def test_a_certificate_that_does_not_fit_its_key_is_one_sentence(serve, certificate, tmp_path):
    with pytest.raises(UsageError, match="cannot be used"):
        serve(tls_cert=certificate[0], tls_key=certificate[0])
    with pytest.raises(UsageError, match="cannot be used"):
        serve(tls_cert=certificate[0], tls_key=tmp_path / "absent.pem")
    with pytest.raises(UsageError, match="both"):
        serve(tls_cert=certificate[0])


@pytest.mark.parametrize(
    ("arguments", "code", "phrase"),
    [
        (["--serve", "example.org:80"], 2, "no IP address"),
        (["--tls-cert", "x.pem"], 2, "are for --serve"),
        (["--serve", "0", "--saliency", "none"], 0, "Live page: http://127.0.0.1:"),
    ],
)
def test_the_options_of_the_command(edge_infer, tiny_bundle_path, photos, arguments, code, phrase):
    end = edge_infer("--bundle", tiny_bundle_path, "--source", photos, *arguments)
    assert end.code == code
    assert phrase in end.err


def test_pictures_of_one_pixel_and_of_8k_end_nothing(edge_infer, tiny_bundle_path, tmp_path):
    for name, size_hw in (("a", (1, 1)), ("b", (4320, 7680)), ("c", (1, 4000)), ("d", (3, 2))):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((*size_hw, 3), (0, 200, 0), np.uint8))
    end = edge_infer(
        *("--bundle", tiny_bundle_path, "--source", tmp_path, "--serve", "0", "--jsonl", "-"),
    )
    assert end.code == 0
    assert [json.loads(line)["label"] for line in end.out.splitlines()] == ["green"] * 4


def test_without_the_extra_its_name_is_told(edge_infer, tiny_bundle_path, photos, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("edge_runtime.web")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    end = edge_infer("--bundle", tiny_bundle_path, "--source", photos, "--serve")
    assert end.code == 5
    assert "pip install 'saliedge[web]'" in end.err


def test_without_an_address_the_page_is_for_this_machine_alone():
    option = next(parameter for parameter in infer.params if parameter.name == "serve")
    assert ServeAddress.parse(option.flag_value).loopback
