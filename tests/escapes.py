"""A hundred texts that steer, hide from or reorder a terminal, and how to see whether one got there."""

from __future__ import annotations

ESC, BEL, ST, CSI, OSC = "\x1b", "\x07", "\x1b\\", "\x9b", "\x9d"

STEERING = [
    f"{ESC}]0;title{BEL}",
    f"{ESC}]2;title{ST}",
    f"{OSC}0;title\x9c",
    f"{ESC}]52;c;ZWNobyBoaQ=={BEL}",  # writes the clipboard
    f"{ESC}]52;c;?{BEL}",  # reads it
    f"{ESC}]8;;https://example.org{ST}link{ESC}]8;;{ST}",
    f"{ESC}]4;1;rgb:00/00/00{BEL}",
    f"{ESC}]10;?{BEL}",
    f"{ESC}]11;#000000{BEL}",
    f"{ESC}]1337;File=inline=1:AAAA{BEL}",
    f"{ESC}]777;notify;a;b{BEL}",
    f"{ESC}]9;beep{BEL}",
    f"{ESC}]50;font{BEL}",
    f"{ESC}P+q544e{ST}",
    f"{ESC}P$qm{ST}",
    f"{ESC}P1;1|17/78{ST}",  # redefines a key
    f"{ESC}_Gi=1,a=q;AAAA{ST}",
    f"{ESC}^private{ST}",
    f"{ESC}Xstring{ST}",
    f"{ESC}[2J",
    f"{ESC}[H",
    f"{ESC}[3J",
    f"{ESC}[1A",
    f"{ESC}[1;1H",
    f"{ESC}[31m",
    f"{ESC}[8m",
    f"{ESC}[0;30;40m",
    f"{ESC}[6n",  # makes the terminal type
    f"{ESC}[c",
    f"{ESC}[>c",
    f"{ESC}[21t",  # makes it type its title
    f"{ESC}[?1049h",
    f"{ESC}[?25l",
    f"{ESC}[?1000h",
    f"{ESC}[?2004l",
    f"{ESC}[4h",
    f"{ESC}[20h",
    f"{ESC}[!p",
    f"{ESC}[5i",  # printer
    f"{ESC}[4i",
    f"{ESC}[1;5r",
    f"{ESC}[999b",
    f"{ESC}[?5h",
    f"{ESC}[1K",
    f"{ESC}[1M",
    f"{ESC}c",
    f"{ESC}7",
    f"{ESC}8",
    f"{ESC}#8",
    f"{ESC}(0",
    f"{ESC})0",
    f"{ESC}%G",
    f"{ESC}=",
    f"{ESC}>",
    f"{ESC}M",
    f"{ESC}N",
    f"{ESC}Z",
    f"{ESC}l",
    f"{ESC} F",
    ESC,
    f"{CSI}31m",
    f"{CSI}2J",
    f"{CSI}6n",
    f"{OSC}52;c;AA\x9c",
    "\x90+q544e\x9c",
    "\x85",
    "\x84",
    "\x8d",
    "\x9a",
    "\x00"[:0] + "\x01",
    "\x05",  # makes some terminals answer
    BEL,
    "\x08" * 10,
    "\x0b",
    "\x0c",
    "\x0e",
    "\x0f",
    "\x11\x13",
    "\x18",
    "\x1a",
    "\x7f" * 5,
    "harmless\roverwritten",
]
HIDING = [
    "\u202e" + "gpj.exe",
    "\u202d",
    "\u202a\u202b\u202c",
    "\u2066",
    "\u2067\u2068\u2069",
    "\u200e\u200f",
    "\u061c",
    "\u200b",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u180e",
    "\u115f\u3164",
    "\u2028\u2029",
    "\u206a\u206f",
    "\ufff9\ufffa\ufffb",
    "a\U000e0041\U000e0042",  # tags: text that no person sees
    "a\u034f",
]
ALL = STEERING + HIDING
assert len(ALL) == 100

FORBIDDEN = frozenset(
    [chr(code) for code in range(0x20) if chr(code) not in "\n\t"]
    + [chr(code) for code in range(0x7F, 0xA0)]
    + list(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u200b\u2060\ufeff\u00ad\u180e"
    )
    + list("\u115f\u3164\u2028\u2029\u206a\u206f\ufff9\ufffa\ufffb\U000e0041\U000e0042\u034f")
)


def escaped(raw: bytes) -> set[str]:
    """What of it got through: the forbidden characters in what a terminal was sent. A line's own end (CR LF, as the
    terminal driver writes it) is none, nor is a status line's way of removing itself."""
    text = raw.replace(b"\r\n", b"\n").replace(b"\r\x1b[K", b"").decode("utf-8", "surrogateescape")
    return FORBIDDEN & set(text)
