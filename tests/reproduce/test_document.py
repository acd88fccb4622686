"""The report: everything in it, nothing of it executed."""

from pathlib import Path

from PIL import Image as PillowImage

from unblur.reproduce.document import Picture, Section, Table, Text, write_document


def written(folder: Path, *blocks: Text | Table | Picture) -> tuple[str, str]:
    """Markdown and HTML of one section."""
    page = write_document(folder, "Title", [Text(words="opening")], [Section(title="Part", blocks=blocks)])
    return (folder / "report.md").read_text(encoding="utf-8"), page.read_text(encoding="utf-8")


def test_names_of_photographs_open_no_tags_and_break_no_table(tmp_path: Path) -> None:
    markdown, page = written(
        tmp_path,
        Text(words="<script>alert(1)</script>"),
        Table(columns=["a|b"], lines={"<b>": ["1 & 2"]}),
    )

    assert "<script>" not in markdown + page
    assert "<b>" not in markdown + page
    assert "a\\|b" in markdown
    assert "1 &amp; 2" in page


def test_the_best_is_bold_in_both(tmp_path: Path) -> None:
    markdown, page = written(tmp_path, Table(columns=["disk"], lines={"odcnn": ["**26.23** ± 1.00"], "wiener": ["-"]}))

    assert "| odcnn | **26.23** ± 1.00 |" in markdown
    assert "<td><strong>26.23</strong> ± 1.00</td>" in page
    assert "<td>-</td>" in page


def test_the_page_carries_its_pictures(tmp_path: Path) -> None:
    PillowImage.new("L", (3, 2), 128).save(tmp_path / "fig.png")

    markdown, page = written(tmp_path, Picture(file="fig.png", caption='a "caption"'))

    assert "](fig.png)" in markdown
    assert 'src="data:image/png;base64,iVBOR' in page
    assert 'alt="a &quot;caption&quot;"' in page
    assert "http" not in page.replace("http-equiv", "")
    assert not list(tmp_path.glob("*.part"))
