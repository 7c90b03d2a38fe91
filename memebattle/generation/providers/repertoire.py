"""The words of the offline meme coach: what it listens for, and the lines it has ready.

Captions are written as a prompt takes them, `top | bottom`. `{topic}` is what the message is about in the
writer's words, `{yours}` the same from the coach's side ("my cat" is "your cat" to a coach).
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- what it listens for --------------------------------------------------------------------------

GREETINGS = _words("hi hello hey hallo hola howdy moin yo ciao servus salut")
THANKS = _words("thanks thank thx cheers danke merci")
RULES = _words("vote votes voting rules rule win winner winning score memebattle battle round")
CRAFT_WORDS = _words("advice better funnier funny good improve makes shorter tip tips")
COURTESIES = _words("please now thanks")
MORE = _words("again another different it more next one other that")
MACHINES = _words(
    "keda kubernetes k8s pod pods nats jetstream queue lag helm yaml deploy deployment prod production "
    "cluster replica replicas docker ci build pipeline merge rebase bug bugs test tests pager oncall on-call "
    "outage autoscaler scale scaling redis latency"
)
ARTICLES = _words("a an the my our your his her their this these")
SUBJECTS = _words("i we he she they it")
CONNECTORS = _words("about after and as at before being but by for from in of on or that to who with")
ASKING = _words(
    "can could create do does explain find give help how i'd is let make need please should show some "
    "something suggest tell try want was were what what's where which who why will would write you me i "
    "about any are"
)
VERBS = _words(
    "am are ate broke came can't did fell forgot found gave got had has have is just keeps left lost made "
    "never ran said saw sent slept spoke took wants was went were won't wrote"
)
COACHES_SIDE = {"my": "your", "our": "your", "me": "you", "i": "you", "i'm": "you're", "mine": "yours"}

# --- whole answers --------------------------------------------------------------------------------

HELLOS = (
    (
        "Hello! I coach memes: you bring a moment, I bring two lines and a straight face. Tell me what went "
        "wrong today, and we will have a caption before the round starts."
    ),
    (
        "Hi there, and welcome to the corner of the ring with the towels. Give me one small disaster from "
        "your day and I will turn it into a top line and a bottom line."
    ),
    (
        "Hey! Good timing, the crowd is warming up. What shall we laugh about: a pet, a meeting, or a "
        "deployment on a Friday? One sentence is plenty, I will find the punchline in it."
    ),
)
WELCOMES = (
    (
        "Any time. Half of that joke was yours, the other half was timing, and I only sharpened the pencils. "
        "Come back with the next moment: the crowd forgets quickly and votes even quicker."
    ),
    (
        "My pleasure. If it wins, mention your coach on the podium; if it loses, we never met. Shall we try "
        "a second one while the first is being painted? Two horses, one race."
    ),
)
EXPLANATIONS = (
    (
        "A battle is simple: everybody gets the same theme, everybody captions one meme, and the crowd votes "
        "on pairs without seeing names. The meme that keeps winning its pairs takes the podium. Bribes are "
        "noted, but not counted."
    ),
    (
        "The crowd sees two memes at a time and picks one. Nobody knows whose is whose, so charm does not "
        "help, and a short bottom line does. Aim for the laugh that takes two seconds."
    ),
    (
        "You write a prompt, memebattle paints the meme, the crowd votes. That is all of it. To win, be "
        "specific in the top line and surprising in the bottom line, and never, ever explain the joke. Shall "
        "we practise on something from your day?"
    ),
)
ADVICE = (
    (
        "Three rules from the corner of the ring: be specific in the top line, be surprising in the bottom "
        "line, and stop one word before it hurts. Show me your two lines and I will find that word."
    ),
    (
        "A good meme is a small truth with bad timing. First say what everybody knows, then what nobody "
        "dares, and let the picture do the explaining. Which moment of today would you rather not talk about?"
    ),
    (
        "Funny is mostly short. Cut the adjectives, keep the odd detail, and put the surprise at the very "
        "end, where the crowd is still looking when it votes. Send me the line, I brought the scissors."
    ),
)

# --- answers in parts -----------------------------------------------------------------------------

OPENINGS = (
    "Good material, and very relatable.",
    "I can work with that.",
    "That is a caption waiting to happen.",
    "Oh, the crowd knows this feeling.",
    "Everybody in the room has been there.",
    "I like it already, and I have not even started.",
    "Let me put on my serious hat; it has a propeller.",
)
TOPIC_OPENINGS = (
    "Nobody asked {yours} for comment, which is where memes begin.",
    "You said {yours}, and I heard a winner.",
    "Subject: {yours}. Say no more.",
)
FREE_OPENINGS = (
    "Here is one from the warm-up box.",
    "Let me pull one out of the hat.",
    "The crowd is never wrong about this one.",
    "No theme, no mercy, one caption.",
    "Fresh from the kitchen, still hot.",
)
MACHINE_OPENINGS = (
    "Ah, infrastructure humour: it is funny because it is in production.",
    "KEDA scaled me up just for this question.",
    "A fine theme: half of the crowd is on call.",
    "Careful, the pods can hear us.",
)
OFFERS = (
    'Try this: "{top} | {bottom}".',
    'How about "{top} | {bottom}"?',
    'My bid: "{top} | {bottom}".',
    'Write it like this: "{top} | {bottom}".',
)
PUNCHLINES = (
    "I meant to do that",
    "this could have been an email",
    "and I am the senior one here",
    "and nobody saw anything",
    "so this is my life now",
    "still better than Monday",
    "quick, act natural",
    "I have prepared slides",
    "the dog has questions",
    "please send snacks",
)
TOPIC_PAIRS = (
    ("They said {topic} would be easy", "they no longer work here"),
    ("My plans for today", "{topic}"),
    ("Me: I will not think about {topic}", "me at 3 a.m.: so, {topic}"),
    ("What I expected: {topic}", "what I got: a learning experience"),
    ("{topic}: one point", "me: still looking for the rules"),
    ("I asked for {topic}", "I should have been more specific"),
    ("How it started: {topic}", "how it's going: there is a committee"),
    ("Some people fear spiders", "I have met {topic}"),
)
FREE_PAIRS = (
    ("I have a plan", "it is mostly snacks"),
    ("Nobody has ever done this before", "for reasons that are now clear"),
    ("I will go to bed early tonight", "also me, seven videos later"),
    ("This meeting has an agenda", "so did the Titanic"),
    ("Step one: stay calm", "there is no step two"),
    ("I read the instructions", "they were about something else"),
    ("My confidence", "my confidence after one question"),
)
MACHINE_PAIRS = (
    ("It works on my machine", "so we shipped my machine"),
    ("Nobody touched anything", "said everybody, at once"),
    ("Scale to zero", "me, every Sunday evening"),
    ("The queue is empty", "a little too empty"),
    ("It is only a small change", "the change, in production"),
    ("Exactly once", "is how often I slept this week"),
    ("Lag: ten thousand", "KEDA: hold my coffee"),
    ("Just one more replica", "said the invoice"),
)
CRAFT = (
    "Keep it under eight words a line: the crowd votes in seconds.",
    "Put the surprise last, because the vote is won on the bottom line.",
    "Do not explain the joke; the picture has already done half of the work.",
    "Top line: what everybody knows. Bottom line: what nobody says out loud.",
    "If both versions are good, always send the shorter one.",
    "Be specific: one odd detail beats three adjectives every time.",
    "Read it aloud once, and where you stumble, cut.",
)
INVITATIONS = (
    "Send it before the timer does.",
    "Would you like it darker, or more wholesome?",
    "Paint it and let the crowd decide.",
    "Which word can we lose?",
    "Want another one for the second round?",
    "Shall we make the bottom line meaner, or shorter?",
)
