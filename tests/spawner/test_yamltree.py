"""The strict YAML reader: what it reads, what it refuses, and where it says that it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studiolo_spawner.yamltree import MAX_BYTES, MAX_DEPTH, MAX_PROBLEMS, path_text, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("12", 12),
        ("-3", -3),
        ("1:30", "1:30"),
        ("0x1F", "0x1F"),
        ("2.10", 2.1),
        ("1e3", 1000.0),
        ("2024-01-01", "2024-01-01"),
        ("~", None),
        ("null", None),
        ("", None),
        ('"12"', "12"),
        ("'true'", "true"),
        (".nan", ".nan"),
        ("1_000", "1_000"),
    ],
    ids=repr,
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    tree = read_yaml(f"a: {text}\n")
    assert tree.problems == []
    assert tree.data == {"a": value}


def test_block_text_is_text() -> None:
    assert read_yaml("a: |\n  12\nb: >\n  x\n  y\n").data == {"a": "12\n", "b": "x y\n"}


def test_lines_and_writing_are_remembered() -> None:
    tree = read_yaml("a:\n  - b: 2.10\n\n  - c\n")
    assert tree.line(("a",)) == 1
    assert tree.line(("a", 0, "b")) == 2
    assert tree.line(("a", 1)) == 4
    assert tree.line(("a", 1, "not", "there")) == 4
    assert tree.written == {("a", 0, "b"): "2.10"}


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\nb: &x 2", 2, "anchors"),
        ("a: 1\n&x b: 2", 2, "anchors"),
        ("a: &x 1\nb: *x", 2, "aliases"),
        ("a: &x {}\nb:\n  <<: *x", 3, "aliases"),
        ("a: !!python/object/apply:os.system [x]", 1, "tags"),
        ("a: !mine 1", 1, "tags"),
        ("a: 1\nb: 2\na: 3", 3, "here and on line 1"),
        ("a:\n  b: 1\n  b: 2", 3, "here and on line 2"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("? [a]\n: 1", 1, "a key must be plain text"),
        ("? {a: b}\n: 1", 1, "a key must be plain text"),
        ("b: 2\na: [1", 3, "not YAML"),
        ("a: 'b", 1, "not YAML"),
        ("a:\n\t- b", 2, "not YAML"),
        ("a: b: c", 1, "not YAML"),
    ],
    ids=lambda v: v if isinstance(v, str) and len(v) < 30 else "",
)
def test_refused_with_its_line(text: str, line: int, part: str) -> None:
    problems = read_yaml(text).problems
    assert any(part in p.message and p.line == line for p in problems), problems


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"a: 1\n\xff", "not UTF-8"),
        ("a: 1".encode("utf-16"), "not UTF-8"),
        ("a: \ud800", "not UTF-8"),
        ("a: \0", "not YAML"),
        ("#" * (MAX_BYTES + 1), "larger than 256 KiB"),
        (b"#" * (MAX_BYTES + 1), "larger than 256 KiB"),
        ("é" * (MAX_BYTES // 2 + 1), "larger than 256 KiB"),
    ],
    ids=["octets", "utf-16", "surrogate", "nul", "large text", "large octets", "large encoded"],
)
def test_refused_as_a_whole(content: str | bytes, part: str) -> None:
    (problem,) = read_yaml(content).problems
    assert part in problem.message


def test_what_was_left_open_is_found() -> None:
    assert read_yaml("b: 2\na: [1\nc: 3\n").problems[0].hint == "it began on line 2"


def test_the_line_of_wrong_octets() -> None:
    assert read_yaml(b"a: 1\nb: \xff").problems[0].line == 2


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{a: " * 60_000, "- " * 100_000, "a: " + "[" * (MAX_DEPTH + 1)],
    ids=["lists", "mappings", "block lists", "one too many"],
)
def test_depth_is_bounded(text: str) -> None:
    problems = read_yaml(text).problems
    assert any("nested deeper" in p.message for p in problems)


def test_allowed_depth() -> None:
    assert read_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH).problems == []


def test_billion_laughs_never_unfolds() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    tree = read_yaml("\n".join(lines))
    assert 0 < len(tree.problems) <= MAX_PROBLEMS


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n", b"\xef\xbb\xbf"], ids=repr)
def test_nothing(content: str | bytes) -> None:
    tree = read_yaml(content)
    assert tree.data is None
    assert tree.problems == []


def test_a_byte_order_mark_is_no_content() -> None:
    assert read_yaml("\ufeffa: 1".encode()).data == {"a": 1}


@given(st.text(st.sampled_from("ab:-&*!{}[],'\"|>%@`? \n\t#~1.\0é")) | st.binary())
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    tree = read_yaml(text)
    for problem in tree.problems:
        assert problem.message
        assert problem.line is None or problem.line >= 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("images", 2, "fallback", 0), "images[2].fallback[0]"),
        (("a", "b c\n"), 'a["b c\\n"]'),
        (("nvidia.com/gpu",), "nvidia.com/gpu"),
    ],
    ids=["root", "plain", "odd key", "label"],
)
def test_paths_in_words(path: tuple[str | int, ...], text: str) -> None:
    assert path_text(path) == text
