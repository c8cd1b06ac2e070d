"""Feeds as they are: the three formats, odd dates, encodings and ids, and what is hostile."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit.errors import HubError
from ockit.index.live.feed_dates import seconds_of
from ockit.index.live.feed_entries import read_feed

URL = "https://news.test/feeds/all.xml"

RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>News &amp; more</title><link>https://news.test/</link>
<image><title>not this</title></image>
<item><title>One &amp;amp; two</title><link>/1</link><guid isPermaLink="false">tag:1</guid>
 <pubDate>Tue, 05 Mar 2024 10:00:00 +0100</pubDate><description>short</description>
 <content:encoded><![CDATA[<p>long &nbsp; <b>text</b></p>]]></content:encoded>
 <media:title>not this</media:title><media:group><title>nor this</title></media:group></item>
<item><guid>https://news.test/2</guid><description>&lt;p&gt;two&lt;/p&gt; caf&eacute; &hellip;</description></item>
<item><description>nothing else</description></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:x="http://www.w3.org/1999/xhtml">
<title type="html">&lt;b>Log&lt;/b></title>
<entry><id>urn:1</id><title>List&lt;String&gt; of a</title><link rel="self" href="/self"/><link href="../posts/1"/>
 <updated>2024-03-05T09:00:00Z</updated><published>2024-03-04T09:00:00.5+00:00</published>
 <content type="xhtml"><x:div>a <x:b>bold</x:b> &lt;script&gt; word</x:div></content></entry>
<entry><id>urn:2</id><title type="html">An &lt;em&gt;html&lt;/em&gt; title</title><summary>a &lt; b</summary>
 <source><id>urn:other</id><title>other</title></source></entry>
</feed>"""

RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>Old</title></channel>
<item rdf:about="https://news.test/r1"><title>R</title><link>https://news.test/r1</link><dc:date>2024-03-05</dc:date>
<description>d</description></item></rdf:RDF>"""


def test_rss():
    feed = read_feed(RSS.encode(), URL)
    assert feed.title == "News & more"
    one, two, three = feed.entries
    assert (one.id, one.link, one.title) == ("tag:1", "https://news.test/1", "One & two")
    assert one.html == "<p>long &#160; <b>text</b></p>"
    assert one.published == 1709629200.0
    assert (two.id, two.link, two.html) == ("https://news.test/2", "https://news.test/2", "<p>two</p> café …")
    assert (three.id, three.link, three.title, three.published) == ("", "", "", None)


def test_atom():
    feed = read_feed(ATOM.encode(), URL)
    assert feed.title == "Log"
    one, two = feed.entries
    assert (one.id, one.link, one.title) == ("urn:1", "https://news.test/posts/1", "List<String> of a")
    assert one.html == "<div>a <b>bold</b> &lt;script&gt; word</div>"
    assert one.published == 1709542800.5
    assert (two.id, two.link, two.title, two.html) == ("urn:2", "", "An html title", "a &lt; b")


def test_rdf():
    feed = read_feed(RDF.encode(), URL)
    assert feed.title == "Old"
    (one,) = feed.entries
    assert (one.id, one.link, one.title, one.html) == (
        "https://news.test/r1",
        "https://news.test/r1",
        "R",
        "d",
    )
    assert one.published == 1709596800.0


def test_prefixes_that_nobody_declared():
    text = "<rss><channel><item><content:encoded>a</content:encoded><dc:date>2024</dc:date></item></channel></rss>"
    (one,) = read_feed(text.encode(), URL).entries
    assert (one.html, one.published) == ("a", 1704067200.0)


def test_markup_that_nobody_escaped():
    text = '<rss><channel><item><description>a <p class="x">b &lt; c<br/></p></description></item></channel></rss>'
    (one,) = read_feed(text.encode(), URL).entries
    assert one.html == "a <p>b &lt; c<br></br></p>"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "file:///etc/passwd", "http://", "http://[", "data:text/html,x"]
)
def test_links_that_are_none(link):
    text = f"<rss><channel><item><link>{link}</link><guid>7</guid></item></channel></rss>"
    (one,) = read_feed(text.encode(), URL).entries
    assert (one.id, one.link) == ("7", "")


ITEM = "<rss><channel><item><title>{}</title></item></channel></rss>"


@pytest.mark.parametrize(
    ("data", "charset", "title"),
    [
        (ITEM.format("Grüße €").encode(), "", "Grüße €"),
        (b"\xef\xbb\xbf" + ITEM.format("Grüße").encode(), "", "Grüße"),
        (('<?xml version="1.0" encoding="utf-16"?>' + ITEM.format("Grüße")).encode("utf-16"), "", "Grüße"),
        (('<?xml version="1.0" encoding="utf-16"?>' + ITEM.format("Grüße")).encode("utf-16-be"), "", "Grüße"),
        (
            ('<?xml version="1.0" encoding="windows-1252"?>' + ITEM.format("Grüße €")).encode("cp1252"),
            "",
            "Grüße €",
        ),
        (
            ('<?xml version="1.0" encoding="Shift_JIS"?>' + ITEM.format("日本語")).encode("shift_jis"),
            "",
            "日本語",
        ),
        (ITEM.format("Grüße").encode("latin-1"), "iso-8859-1", "Grüße"),
        (ITEM.format("Grüße").encode(), "no-such-code", "Grüße"),
        (ITEM.format("ok").encode(), "base64", "ok"),
        (ITEM.format("a").encode().replace(b"a<", b"a\xff\x0b\x00b<"), "", "a\ufffd\ufffd\ufffdb"),
        (b"\n\n  " + ITEM.format("late").encode(), "", "late"),
        (
            b'<!DOCTYPE rss PUBLIC "-//Netscape" "http://my.netscape.com/rss-0.91.dtd">'
            + ITEM.format("old").encode(),
            "",
            "old",
        ),
        (ITEM.format("a&#27;b&#x0;&#1114112;&#xd800;&#65;").encode(), "", "a\ufffdb\ufffd\ufffd\ufffdA"),
        (ITEM.format("AT&T &unknownthing; a&b=1").encode(), "", "AT&T &unknownthing; a&b=1"),
    ],
)
def test_encodings(data, charset, title):
    (one,) = read_feed(data, URL, charset).entries
    assert one.title == title


@pytest.mark.parametrize(
    "encoding", ["punycode", "idna", "utf-7", "rot13", "unicode_escape", "undefined", "x" * 40]
)
def test_an_encoding_that_no_feed_is_in_is_not_believed(encoding):
    """Punycode takes time that grows with the square of a text's length."""
    text = ITEM.format("Grüße +AGE- \\x41")
    for data, charset in (
        (f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(), ""),
        (text.encode(), encoding),
    ):
        assert read_feed(data, "https://f.test/", charset).entries[0].title == "Grüße +AGE- \\x41"


BOMB = (
    "<!DOCTYPE lolz [<!ENTITY lol 'lol'>"
    + "".join(f"<!ENTITY lol{n} '{f'&lol{n - 1 if n > 1 else str()};' * 10}'>" for n in range(1, 10))
    + "]><rss><channel><item><title>&lol9;</title></item></channel></rss>"
)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (BOMB, "entities of its own"),
        (
            '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><title>&x;</title></channel></rss>',
            "entities",
        ),
        ('<!DOCTYPE r [<!ENTITY % x SYSTEM "http://a.test/x.dtd"> %x;]><rss/>', "entities"),
        ("<rss>" + "<a>" * 100_000, "nests more than 200"),
        ("<html><body>log in</body></html>", "is no feed: it is <html>"),
        ("", "no XML"),
        ("{}", "no XML"),
        ("<rss><channel>", "no XML"),
        ("<rss></channel>", "no XML"),
    ],
    ids=range(9),
)
def test_what_is_refused(text, match):
    begin = time.monotonic()
    with pytest.raises(HubError, match=match):
        read_feed(text.encode(), URL)
    assert time.monotonic() - begin < 2.0


def test_too_many_and_too_long_entries_are_left_out_and_told():
    text = "<rss><channel>" + "<item><title>t</title></item>" * 5003
    text += "</channel></rss>"
    feed = read_feed(text.encode(), URL)
    assert len(feed.entries) == 5000
    assert feed.notices == ("3 entries beyond the first 5000 were left out.",)
    long = f"<rss><channel><item><description>{'a' * 3_000_000}</description></item></channel></rss>"
    feed = read_feed(long.encode(), URL)
    assert len(feed.entries[0].html) == 1 << 20
    assert len(feed.notices) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Tue, 05 Mar 2024 10:00:00 GMT", 1709632800.0),
        ("Tue, 5 Mar 24 10:00 EST", 1709650800.0),
        ("Dienstag, 05 Mar 2024 10:00:00 +0000", 1709632800.0),
        ("05 Mar 2024 10:00:00", 1709632800.0),
        ("2024-03-05T10:00:00Z", 1709632800.0),
        ("2024-03-05 10:00:00 +0000", 1709632800.0),
        ("2024-03-05 10:00:00 UTC", 1709632800.0),
        ("2024-3-5", 1709596800.0),
        ("2024-03", 1709251200.0),
        ("  2024\n", 1704067200.0),
        ("yesterday", None),
        ("", None),
        ("0000-00-00", None),
        ("2024-02-31", None),
        ("Tue, 99 Mar 2024 10:00:00 GMT", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("1" * 5000, None),
    ],
)
def test_dates(text, seconds):
    assert seconds_of(text) == seconds


@given(st.text(max_size=60))
def test_no_date_breaks_it(text):
    found = seconds_of(text)
    assert found is None or 0 <= found < 7.3e9


@given(
    st.binary(max_size=200)
    | st.text(alphabet="<>/&;!?[]-'\"= rssitemfeedchannl:xCDATA#", max_size=200).map(str.encode)
)
def test_no_bytes_break_it(data):
    try:
        feed = read_feed(data, URL)
    except HubError:
        return
    assert len(feed.entries) <= data.count(b"<")


@given(st.text(max_size=200))
def test_any_title_comes_through(title):
    from xml.sax.saxutils import escape

    feed = read_feed(
        f"<feed><entry><title type='text'>{escape(title)}</title></entry></feed>".encode("utf-8", "replace"),
        URL,
    )
    assert len(feed.entries) == 1
    assert "\0" not in feed.entries[0].title
