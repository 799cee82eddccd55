"""The way to a server, tried with sockets that behave as servers do and as they should not."""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import pytest
import trustme

from stretto.cli._doctor import Verdict
from stretto.cli._doctor._reach import Place, place_of, reach


async def last(server, *, tls=False):
    """The last finding, which says what is wrong, or that nothing is."""
    return [finding async for finding in reach(server, 5, tls=tls)][-1]


@contextlib.asynccontextmanager
async def answering(greeting, context=None):
    """A server that says one thing and hangs up."""

    async def answer(reader, writer):
        with contextlib.suppress(OSError):
            if greeting:
                await reader.read(1)
            writer.write(greeting)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@dataclass(frozen=True)
class Certificate:
    """A certificate of localhost, and the authority that signed it, which nobody trusts by itself."""

    key: Path
    chain: Path
    authority: Path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    made = Certificate(folder / "key.pem", folder / "chain.pem", folder / "authority.pem")
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(str(made.key))
    made.chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    authority.cert_pem.write_to_path(str(made.authority))
    return made


@contextlib.asynccontextmanager
async def serving(credentials=None):
    """A gRPC server without services."""
    server = grpc.aio.server()
    port = (
        server.add_secure_port("127.0.0.1:0", credentials) if credentials else server.add_insecure_port("127.0.0.1:0")
    )
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


@pytest.fixture
def credentials(certificate):
    return grpc.ssl_server_credentials([(certificate.key.read_bytes(), certificate.chain.read_bytes())])


async def test_a_grpc_server_is_reached():
    async with serving() as port:
        finding = await last(f"127.0.0.1:{port}")
    assert (finding.check, finding.verdict) == ("protocol", Verdict.OK)


async def test_a_name_that_nobody_knows_is_told():
    finding = await last("nobody.invalid:50051")
    assert (finding.check, finding.verdict) == ("address", Verdict.BAD)
    assert "does not resolve" in finding.measured


async def test_a_port_where_nobody_listens_is_refused():
    finding = await last("127.0.0.1:1")
    assert (finding.check, finding.verdict) == ("connection", Verdict.BAD)
    assert "refused" in finding.measured


async def test_a_web_server_is_told_from_a_grpc_server():
    async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        finding = await last(server)
    assert (finding.check, finding.verdict) == ("protocol", Verdict.BAD)
    assert "web server" in finding.measured


async def test_a_server_of_another_sort_is_quoted():
    async with answering(b"SSH-2.0-OpenSSH_9.6\r\n") as server:
        finding = await last(server)
    assert finding.verdict is Verdict.BAD
    assert "SSH-2.0-OpenSSH_9.6" in finding.measured


async def test_a_server_that_hangs_up_is_no_grpc_server():
    async with answering(b"") as server:
        finding = await last(server)
    assert (finding.check, finding.verdict) == ("protocol", Verdict.BAD)
    assert "nothing" in finding.measured


async def test_a_server_that_talks_tls_asks_for_the_flag(credentials):
    async with serving(credentials) as port:
        finding = await last(f"localhost:{port}")
    assert (finding.check, finding.verdict, finding.measured) == ("protocol", Verdict.BAD, "the server talks TLS")
    assert "--tls" in finding.advice


async def test_a_server_without_tls_asks_to_leave_the_flag_out():
    async with serving() as port:
        finding = await last(f"127.0.0.1:{port}", tls=True)
    assert (finding.check, finding.measured) == ("protocol", "the server does not talk TLS")
    assert "--tls" in finding.advice


async def test_a_certificate_that_nobody_trusts_is_refused(credentials, monkeypatch):
    monkeypatch.delenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", raising=False)
    async with serving(credentials) as port:
        finding = await last(f"localhost:{port}", tls=True)
    assert finding.verdict is Verdict.BAD
    assert "certificate is refused" in finding.measured
    assert "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" in finding.advice


async def test_a_certificate_that_is_trusted_is_fine(credentials, certificate, monkeypatch):
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(certificate.authority))
    async with serving(credentials) as port:
        assert (await last(f"localhost:{port}", tls=True)).verdict is Verdict.OK
        # It is localhost's, and the server was named by its address.
        finding = await last(f"127.0.0.1:{port}", tls=True)
    assert "certificate is refused" in finding.measured


async def test_tls_without_http2_is_told_of(certificate, monkeypatch):
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(certificate.authority))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.chain, certificate.key)
    async with answering(b"hello", context) as server:
        finding = await last(server.replace("127.0.0.1", "localhost"), tls=True)
    assert finding.verdict is Verdict.WARN


@pytest.mark.parametrize(
    ("server", "place"),
    [
        ("127.0.0.1:50051", Place("127.0.0.1", 50051)),
        ("[::1]:50051", Place("::1", 50051)),
        ("stretto:1", Place("stretto", 1)),
        ("stretto", None),
        ("stretto:", None),
        ("stretto:http", None),
        ("stretto:0", None),
        ("stretto:65536", None),
        ("dns:///stretto:50051", None),
        (":50051", None),
    ],
)
def test_addresses_are_read(server, place):
    assert place_of(server) == place


async def test_an_address_without_a_port_says_how_to_write_one():
    finding = await last("stretto")
    assert (finding.check, finding.verdict) == ("address", Verdict.BAD)
    assert "127.0.0.1:50051" in finding.advice


async def test_a_target_in_grpcs_own_words_is_left_to_grpc():
    assert (await last("unix:/run/stretto.sock")).verdict is Verdict.OK


async def test_a_url_is_told_from_an_address():
    found = await last("http://127.0.0.1:50051")
    assert found.measured == "'http://127.0.0.1:50051' is a URL"
    assert "--server 127.0.0.1:50051" in found.advice
