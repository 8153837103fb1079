from __future__ import annotations

import base64
import ssl
from pathlib import Path

import aiohttp
import pytest
import yaml
from studiolo_local.api import ApiServer, Store
from studiolo_local.api.certificate import open_certificate

TOKEN = "a-token-that-is-long-enough"


def test_a_certificate_is_made_once_and_private(tmp_path: Path) -> None:
    file = tmp_path / "api.pem"
    first = open_certificate(file)
    assert file.stat().st_mode & 0o077 == 0
    assert open_certificate(file).authority == first.authority
    assert open_certificate().authority != first.authority


@pytest.mark.parametrize("content", ["", "nonsense"])
def test_a_broken_file_is_replaced(tmp_path: Path, content: str) -> None:
    file = tmp_path / "api.pem"
    file.write_text(content)
    assert "BEGIN CERTIFICATE" in open_certificate(file).authority
    assert "PRIVATE KEY" in file.read_text()


async def test_a_kubeconfig_is_all_a_client_needs() -> None:
    store = Store()
    server = ApiServer(store, token=TOKEN)
    await server.start()
    try:
        config = yaml.safe_load(server.kubeconfig(namespace="studiolo"))
        cluster = config["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        trusting = ssl.create_default_context(cadata=authority)
        trusting.verify_flags |= ssl.VERIFY_X509_STRICT
        headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            async with session.get(f"{cluster['server']}/api", ssl=trusting) as answer:
                assert answer.status == 200
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(f"{cluster['server']}/api")
        assert config["contexts"][0]["context"]["namespace"] == "studiolo"
    finally:
        await server.stop()
        store.close()
