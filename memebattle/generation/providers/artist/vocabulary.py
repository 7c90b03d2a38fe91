"""Which words call for which place, mascot, mood and prop. The earlier word wins, for places the later one.

Emoji count by their Unicode names ("ROCKET", "CAT FACE"). A plural is found by its singular. A word that
stands twice within a table means the first of the two.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

type Part = Literal["place", "mascot", "mood", "glasses", "hat", "held", "sign"]

WORDS: dict[Part, dict[str, str]] = {
    "place": {
        "mars": "mars martian volcano desert dune crater",
        "space": "space moon astronaut galaxy rocket star planet nasa orbit universe spaceship alien ufo",
        "city": "city night street town batman cyberpunk tokyo york downtown taxi subway",
        "beach": "beach sea vacation holiday summer island surf sunglasses tropical palm",
        "hills": "park garden grass farm spring forest field picnic nature sunshine flower cow",
        "office": (
            "office work monday meeting boss deploy deployment production prod friday job bug computer "
            "manager deadline standup sprint jira email zoom coworker salary review ticket"
        ),
        "disco": "disco dance dancing party club music dj concert rave song",
        "datacenter": (
            "kubernetes k8s pod server cluster cloud nats redis database datacenter scale keda docker "
            "queue container latency node replica pipeline stream broker gpu ai llm gpt model hacker "
            "network terraform helm"
        ),
        "cafe": "coffee cafe espresso latte tea breakfast bakery cappuccino barista",
        "sunset": "sunset mountain evening hike hiking sunrise horizon west cowboy",
        "snow": "snow winter christmas ice cold ski skiing antarctica frozen penguin santa december",
        "deep": "ocean underwater submarine fish shark whale dive diving deep reef squid octopus water swim",
        "fire": "fire fine burning burn flames hell hot incident outage meltdown explosion disaster chaos",
        "stage": (
            "winner award stage talk conference theater show king queen battle royale champion oscar "
            "trophy speech"
        ),
    },
    "mascot": {
        "cat": "cat kitty kitten meow feline nyan кот кошка gato katze chat",
        "dog": "dog puppy doge corgi shiba pug hound woof собака perro hund",
        "fox": "fox firefox vixen лиса zorro fuchs",
        "panda": "panda bear bamboo pandas teddy медведь",
        "frog": "frog pepe toad kermit лягушка",
        "robot": (
            "robot ai bot gpt android machine llm kubernetes pod server automation algorithm computer "
            "model робот"
        ),
        "alien": "alien ufo martian extraterrestrial",
        "penguin": "penguin linux tux bird пингвин antarctica",
        "duck": "duck rubber duckling quack debug debugging goose chicken утка",
    },
    "mood": {
        "shock": (
            "shocked surprised scared wow omg panic error down crash crashed outage suddenly fire horror "
            "ghost oomkilled"
        ),
        "grumpy": (
            "grumpy angry sad monday mad hate tired boss bug broken broke fail failed never wrong worst "
            "conflict legacy"
        ),
        "happy": (
            "happy love celebrating celebrate party vacation winner birthday friday works finally best "
            "green yay great dancing success passed free good"
        ),
        "smug": (
            "smug cool deal swag genius simply clever trust pro obviously easy boss sunglasses shades one "
            "just"
        ),
        "sleepy": "sleep sleepy sleeping night nap bored boring meeting lazy 3am tired idle zero",
    },
    "glasses": {
        "shades": "sunglasses cool shades deal swag surf matrix boss",
        "monocle": "monocle sir fancy gentleman indeed classy elegant",
    },
    "hat": {
        "helmet": "helmet astronaut spacesuit cosmonaut mars",
        "crown": "king queen crown royal royale princess emperor",
        "party": "birthday party celebrate celebrating anniversary",
        "wizard": "wizard magic harry spell merlin gandalf sorcerer",
        "cowboy": "cowboy western sheriff texas yeehaw",
        "hardhat": (
            "construction build builder building engineer worker hardhat maintenance infrastructure pipeline"
        ),
        "beanie": "snow winter cold ski hipster beanie skiing christmas",
        "headphones": "headphones music dj gaming gamer podcast song",
    },
    "held": {
        "mug": "coffee tea mug espresso morning java monday breakfast latte beer",
        "trophy": "trophy winner win award champion battle won victory best medal",
        "pizza": "pizza food eating hungry lunch dinner slice snack italy",
        "balloon": "balloon birthday party child",
        "helm": "kubernetes k8s helm pod cluster keda scale deployment",
        "rocket": "rocket launch deploy ship shipping startup mars",
        "laptop": (
            "laptop code coding coder developer programmer python rust javascript hacker keyboard commit "
            "git merge typescript programming"
        ),
        "bug": "bug bugs debug debugging insect defect ladybug",
    },
    "sign": {
        "exclamation": "panic alert error crash outage suddenly incident omg",
        "snooze": "sleep sleeping nap bored boring idle zero",
        "love": "love heart valentine adore cute crush kiss",
        "anger": "angry rage hate mad furious",
        "sparkles": "magic clean perfect sparkles shiny new finally works",
        "notes": "music dancing dance song sing disco dj concert guitar karaoke",
    },
}


@cache
def index(part: Part) -> dict[str, str]:
    """Word -> what it calls for."""
    table = reversed(WORDS[part].items())
    return {word: choice for choice, words in table for word in words.split()}
