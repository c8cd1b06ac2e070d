"""Questions about everything: what a topic's examples are told apart from when its threshold is found. Written for this
project; what of them lies on a person's topic only makes that topic's threshold a little milder or stricter."""

from __future__ import annotations

QUESTIONS = tuple(
    """\
what is the capital of australia
write a short poem about the sea
how do i convert miles to kilometres
explain how a transistor works
who painted the night watch
translate good morning into spanish
what should i wear to a job interview
how do plants make sugar from sunlight
tell me a joke about penguins
why is the sky blue
recommend a novel for a long flight
how do i sort a list in python
what is the difference between a virus and a bacterium
plan a three day trip to rome
how long should i boil an egg
what are the rules of chess
who won the first world cup
how do i change a flat tyre
summarise the causes of the french revolution
what is compound interest
how can i sleep better
write an email asking for a day off
what does the heart do
is it going to rain tomorrow
how do i train a puppy not to bite
what is a good gift for my grandmother
explain the offside rule
how do i remove a red wine stain
which planets have rings
what is the meaning of life
help me with my algebra homework
how do i back up my photos
what is the tallest mountain in africa
how do vaccines work
write a cover letter for a shop assistant
what is the exchange rate of the euro
how do i grow tomatoes on a balcony
explain quantum entanglement to a child
what time is it in tokyo
how do i reset my password
who wrote pride and prejudice
what is a healthy breakfast
how do i tie a bow tie
what happened in 1969
can dogs eat chocolate
how do i start a small business
what is the plot of hamlet
how do noise cancelling headphones work
give me ten names for a cat
how do i file my taxes
what is the best way to learn the guitar
why do cats purr
how do i fix a leaking tap
what is inflation
sing me a song
how many bones does a human have
what is the population of brazil
how do i meditate
which phone should i buy
tell me about yourself
hello there
what do you think about politics
how do i choose a bicycle
what is the speed of light
""".splitlines()
)
