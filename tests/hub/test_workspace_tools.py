import pytest
from studiolo_hub.workspace_tools import Tool, tools_of


@pytest.mark.parametrize(
    ("provided", "names"),
    [
        pytest.param(["jupyterlab"], [], id="lab-is-what-opens"),
        pytest.param(["tensorboard", "vscode"], ["VS Code"], id="vscode"),
        pytest.param(["code-server", "vscode"], ["VS Code"], id="once"),
        pytest.param(["notebook", "jupyterlab"], ["Notebook", "Terminal"], id="terminal"),
        pytest.param(["../evil"], [], id="unknown"),
    ],
)
def test_only_what_the_image_provides_is_offered(provided: list[str], names: list[str]) -> None:
    assert [tool.name for tool in tools_of(provided)] == names


def test_a_tool_is_found_below_the_workspace() -> None:
    assert tools_of(["vscode"]) == (Tool("VS Code", "vscode/"),)
