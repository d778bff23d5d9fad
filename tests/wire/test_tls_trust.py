"""Whom the client trusts over TLS, and what it says when it does not."""

from __future__ import annotations

import ssl

import pytest
from support.server import Server
from support.worlds import unary

from qianfan.errors import ConnectionFailedError, InvalidArgumentError

GREETING = "你好，很高兴见到你。"


@pytest.fixture(scope="session")
def identity(authority):
    """Return a server's context with a certificate for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def wrong_name(authority):
    """Return a server's context with a trusted certificate for another name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.test").configure_cert(context)
    return context


@pytest.fixture
def server(identity):
    """Return a scripted server that speaks TLS."""
    with Server(tls=identity) as running:
        yield running


def test_the_ca_bundle_of_the_argument_is_trusted(world, server, chat):
    """`ca_bundle=` names the certificates to trust."""
    assert world.ask(chat).text == GREETING
    assert (server.url[:6], server.connections) == ("https:", 1)


@unary
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_the_ca_bundle_of_the_environment_is_trusted(world, make, network, monkeypatch, variable):
    """SSL_CERT_FILE and REQUESTS_CA_BUNDLE name the certificates to trust where no argument does."""
    monkeypatch.setenv(variable, network["ca_bundle"])

    assert world.ask(make(ca_bundle="").chat).text == GREETING


def test_a_certificate_nobody_vouches_for_ends_the_call_at_once(world, server, make):
    """An untrusted certificate is told as such, without a second attempt and without a request."""
    error = world.ask(make(ca_bundle="").chat).error

    assert type(error) is ConnectionFailedError
    assert "certificate" in str(error)
    assert "ca_bundle=" in str(error)
    assert f"https://127.0.0.1:{server.port}" in str(error)
    assert len(error.attempts) == 1
    assert (server.token_requests, server.requests) == ([], [])


@unary
def test_a_certificate_for_another_name_ends_the_call_at_once(world, wrong_name, make):
    """A certificate for another host is told as such, without a second attempt."""
    with Server(tls=wrong_name) as impostor:
        error = world.ask(make(base_url=impostor.url).chat).error

        assert type(error) is ConnectionFailedError
        assert "certificate" in str(error)
        assert len(error.attempts) == 1
        assert impostor.token_requests == []


def test_verification_can_be_switched_off(world, make):
    """`verify=False` takes any certificate."""
    assert world.ask(make(ca_bundle="", verify=False).chat).text == GREETING


@unary
def test_verification_can_be_switched_off_by_the_environment(world, make, monkeypatch):
    """QIANFAN_SSL_VERIFICATION_ENABLED=false takes any certificate, for any name."""
    monkeypatch.setenv("QIANFAN_SSL_VERIFICATION_ENABLED", "false")

    assert world.ask(make(ca_bundle="").chat).text == GREETING


def test_http_spoken_to_an_https_port_is_told(world, server, make):
    """A plain request to a TLS port fails as a connection, after the usual attempts."""
    error = world.ask(make(base_url=f"http://127.0.0.1:{server.port}").chat).error

    assert type(error) is ConnectionFailedError
    assert server.token_requests == []


def test_https_spoken_to_an_http_port_is_told_at_once(world, make):
    """A TLS greeting that is answered in plain HTTP is told as TLS trouble, without a second attempt."""
    with Server() as plain:
        error = world.ask(make(base_url=f"https://127.0.0.1:{plain.port}").chat, request_timeout=5).error

        assert type(error) is ConnectionFailedError
        assert "TLS" in str(error)
        assert plain.token_requests == []


@unary
def test_a_ca_bundle_that_is_not_there_is_the_callers_mistake(world, server, make, tmp_path):
    """A bundle that cannot be read is refused as an argument, and nothing is sent."""
    outcome = world.ask(make(ca_bundle=str(tmp_path / "not there.pem")).chat)

    assert type(outcome.error) is InvalidArgumentError
    assert "not there.pem" in str(outcome.error)
    assert server.token_requests == []


@unary
def test_a_ca_bundle_that_holds_no_certificate_is_the_callers_mistake(world, make, tmp_path):
    """A bundle without a certificate is refused as an argument."""
    (tmp_path / "empty.pem").write_text("nothing here")

    assert type(world.ask(make(ca_bundle=str(tmp_path / "empty.pem")).chat).error) is InvalidArgumentError


@unary
def test_a_directory_of_certificates_may_stand_for_a_bundle(world, make, authority, tmp_path, monkeypatch):
    """REQUESTS_CA_BUNDLE may name a directory of hashed certificates, as it may elsewhere."""
    folder = tmp_path / "certs"
    folder.mkdir()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder))
    error = world.ask(make(ca_bundle="").chat).error

    # The directory is not hashed, so nothing in it is trusted; but it is read as a directory.
    assert type(error) is ConnectionFailedError
    assert "certificate" in str(error)


def test_calls_over_tls_share_a_connection(world, server, chat):
    """Over TLS too, calls one after another need one connection."""
    for _ in range(3):
        assert world.ask(chat).text == GREETING

    assert server.connections == 1
