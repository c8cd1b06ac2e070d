"""English words that say nothing of what a question is about, and so are not looked for while others are there."""

STOP_WORDS = frozenset(
    "a an and are as at be been being but by can could did do does doing done for from had has have"
    " having he her his how i if in into is it its may me might more most my no nor not of on or our out"
    " over own shall she should so some such than that the their them then there these they this those"
    " through to too under until up us was we were what when where which while who whom why will with"
    " would you your about above after again all also am any because before below between both down"
    " during each few further here just off once only other same very don t s re ll ve isn doesn didn"
    " wasn weren aren hasn haven hadn couldn wouldn shouldn".split()
)
