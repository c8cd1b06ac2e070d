"""Greetings, thanks, a yes, "what can you do?": what any bot is told, whatever its topic. Knows words, no embedder.

A text is small talk if it is made of these phrases and nothing else, so that nothing can be asked under their cover.
Distance would not do: "hi" lies no nearer to one topic than to another, and a question that begins with "hi" does.
"""

from __future__ import annotations

from functools import cache

from ockit.moderation.rules.tokens import tokens

MOST_WORDS = 24
"""A longer text is no small talk."""
MOST_SIGNS = 16
"""Characters of a text without a word, such as ":-)", that is small talk."""

_PHRASES = """\
hi, hello, hey, hiya, howdy, yo, greetings, good morning, good afternoon, good evening, good day
good night, morning
how are you, how are you doing, how are you today, how do you do, how is it going, how s it going
what s up, whats up
nice to meet you, pleased to meet you, i am fine, i m fine, im fine, fine, not bad, and you
welcome, welcome back
thanks, thank you, thx, ty, cheers, many thanks, thanks a lot, thanks so much, thanks again
thanks for your help
thank you very much, thank you so much, thank you for your help, thanks for the help
much appreciated, appreciate it
please, sorry, excuse me, my bad, no problem, no worries, you re welcome, you are welcome
never mind, nevermind
ok, okay, k, alright, all right, sure, yes, yep, yeah, yup, no, nope, nah, maybe, right, exactly
indeed, of course
great, perfect, awesome, cool, nice, good, very good, wonderful, excellent, super, brilliant
amazing, good job, well done
got it, i see, i understand, understood, makes sense, sounds good, that helps, that helped
that was helpful, very helpful
that s all, that is all, nothing else, no thanks, no thank you, go on, go ahead, continue, next
more, tell me more, wait
bye, bye bye, goodbye, good bye, see you, see you later, see ya, later, take care, farewell, until next time
have a nice day, have a good day, have a great day, have a good one, you too, same to you
haha, lol, wow, oh, ah, aha, hm, hmm, um, well, so, then, and, test, testing
help, help me, can you help me, could you help me, i need help, i need some help
i have a question, one more question
can i ask you something, can i ask a question, may i ask a question, can we talk, are you there
is anyone there
who are you, what are you, what can you do, what do you do, what can you help me with
what can i ask you, what is this
how does this work, how can you help, how can you help me, are you a bot, are you a robot
are you human, are you real
what s your name, what is your name, nice name
there, bot, assistant, friend, buddy, mate, man, all, everyone, everybody, again, now, today, sir
madam, dear, guys
hallo, guten morgen, guten tag, guten abend, gute nacht, moin, servus, grüezi, grüß gott, danke
danke schön, vielen dank
danke sehr, bitte, bitte schön, entschuldigung, tschüss, auf wiedersehen, bis bald, bis später
wie geht es dir
wie geht es ihnen, wie geht s, wie gehts, ja, nein, gut, sehr gut, alles klar, verstanden, super
prima, genau, gerne
wer bist du, was kannst du, wer sind sie, was können sie, hilfe, ich habe eine frage, kannst du mir helfen
bonjour, salut, bonsoir, bonne journée, bonne nuit, merci, merci beaucoup, de rien
s il vous plaît, s il te plaît, au revoir
à bientôt, ça va, comment ça va, comment allez vous, oui, non, d accord, très bien, parfait
qui es tu, qui êtes vous, aide
hola, buenos días, buenas tardes, buenas noches, buenas, gracias, muchas gracias, de nada
por favor, adiós, hasta luego
cómo estás, cómo está, qué tal, sí, vale, muy bien, perfecto, quién eres, qué puedes hacer, ayuda, perdón
ciao, buongiorno, buonasera, buonanotte, salve, grazie, grazie mille, prego, per favore
arrivederci, come stai, come va
sì, va bene, perfetto, chi sei, cosa sai fare, aiuto, scusa
olá, oi, bom dia, boa tarde, boa noite, obrigado, obrigada, muito obrigado, muito obrigada, tchau
até logo, tudo bem
sim, não, quem é você, ajuda
hoi, goedemorgen, goedemiddag, goedenavond, dank je, dank je wel, dank u wel, bedankt, doei
tot ziens, nee, hoe gaat het
hej, god morgon, tack, tack så mycket, hej då, hei, takk, tusen takk, tak, moi, kiitos, cześć
dzień dobry, dziękuję
do widzenia, tak, nie, ahoj, dobrý den, děkuji, szia, jó napot, köszönöm, merhaba, selam, günaydın
teşekkürler
teşekkür ederim, evet, hayır, γεια, γεια σου, καλημέρα, ευχαριστώ, bună ziua, mulțumesc
привет, здравствуйте, здравствуй, доброе утро, добрый день, добрый вечер, спасибо, большое спасибо
пожалуйста, пока
до свидания, как дела, да, нет, хорошо, кто ты, вітаю, привіт, дякую
你好, 您好, 早上好, 晚上好, 谢谢, 謝謝, 多谢, 再见, 再見, 好的, 好, 是的, 对, 嗨, 你是谁, 你能做什么
こんにちは, こんばんは, おはよう, おはようございます, ありがとう, ありがとうございます, さようなら
はい, いいえ, すみません
안녕, 안녕하세요, 감사합니다, 고마워요, 고마워, 네, 아니요
مرحبا, السلام عليكم, شكرا, شكرا جزيلا, نعم, لا, سلام, متشکرم, שלום, תודה, नमस्ते, धन्यवाद, हाँ, नहीं
xin chào, cảm ơn, tạm biệt, selamat pagi, halo, terima kasih, สวัสดี, ขอบคุณ, habari, asante
"""


def is_small_talk(text: str) -> bool:
    """Whether a text says nothing that could be off a topic. A blank one does not."""
    short = text.strip()
    if len(short) > MOST_WORDS * 20:
        return False
    words = [token.word for token in tokens(short)]
    if not words:
        return len(short) <= MOST_SIGNS
    if len(words) > MOST_WORDS:
        return False
    phrases, longest = _known()
    ends = {0}  # numbers of words that phrases make up from the beginning
    for start in range(len(words)):
        if start in ends:
            ends.update(
                end
                for end in range(start + 1, min(start + longest, len(words)) + 1)
                if tuple(words[start:end]) in phrases
            )
    return len(words) in ends


@cache
def _known() -> tuple[frozenset[tuple[str, ...]], int]:
    """The phrases, each as its words, and the most words that one has."""
    listed = _PHRASES.replace("\n", ", ").split(", ")
    found = frozenset(tuple(token.word for token in tokens(phrase)) for phrase in listed if phrase.strip())
    return found, max(map(len, found))
